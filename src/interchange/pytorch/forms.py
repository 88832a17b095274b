"""Layers of a job that PyTorch gives no place in an nn.Sequential: model.py takes those that it needs."""

import torch
from torch import nn


class Residual(nn.Sequential):
    """x + f(x)"""

    def forward(self, x):
        return x + super().forward(x)


class GlobalAvgPool(nn.Module):
    """The average of each channel over all its positions."""

    def forward(self, x):
        return x.flatten(2).mean(2)


class Embedding(nn.Embedding):
    """Takes whole numbers that are stored as floats."""

    def forward(self, x):
        return super().forward(x.long())


class EmbeddingBag(nn.EmbeddingBag):
    """Takes whole numbers that are stored as floats."""

    def forward(self, x):
        return super().forward(x.long())


class Recurrent:
    """Batch-first; gives every step's state, or the last one of each direction, side by side."""

    def __init__(self, *args, return_sequences=False, **more):
        super().__init__(*args, batch_first=True, **more)
        self.return_sequences = return_sequences

    def forward(self, x):
        steps, state = super().forward(x)
        if self.return_sequences:
            return steps
        last = state[0] if isinstance(state, tuple) else state
        return torch.cat((last[-2], last[-1]), 1) if self.bidirectional else last[-1]


class RNN(Recurrent, nn.RNN):
    pass


class LSTM(Recurrent, nn.LSTM):
    pass


class GRU(Recurrent, nn.GRU):
    pass


def causal_mask(x):
    """True where a step would look at one after it."""
    return torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).triu(1)


class MultiheadAttention(nn.MultiheadAttention):
    """Self-attention, batch-first."""

    def __init__(self, *args, causal=False, **more):
        super().__init__(*args, batch_first=True, **more)
        self.causal = causal

    def forward(self, x):
        return super().forward(x, x, x, need_weights=False, attn_mask=causal_mask(x) if self.causal else None)[0]


class TransformerEncoderLayer(nn.TransformerEncoderLayer):
    """Batch-first."""

    def __init__(self, *args, causal=False, **more):
        super().__init__(*args, batch_first=True, **more)
        self.causal = causal

    def forward(self, x):
        return super().forward(x, src_mask=causal_mask(x) if self.causal else None)


class TransformerEncoder(nn.Module):
    """Several encoder layers of the same arguments, and perhaps a LayerNorm."""

    def __init__(self, encoder_layer, num_layers, norm=False):
        super().__init__()
        self.layers = nn.ModuleList(TransformerEncoderLayer(**encoder_layer) for _ in range(num_layers))
        self.norm = nn.LayerNorm(encoder_layer["d_model"]) if norm else None

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x if self.norm is None else self.norm(x)


class PositionalEncoding(nn.Module):
    """Adds sinusoids (Vaswani et al., 2017, section 3.5) or a learned table."""

    def __init__(self, d_model, kind="sinusoidal", max_len=5000):
        super().__init__()
        if kind == "learned":
            self.weight = nn.Parameter(torch.randn(max_len, d_model) * 0.02)
            return
        angles = torch.arange(max_len).double()[:, None] / 10000 ** (torch.arange(0, d_model, 2).double() / d_model)
        table = torch.stack((angles.sin(), angles.cos()), 2).flatten(1)[:, :d_model]
        self.register_buffer("table", table.float(), persistent=False)

    def forward(self, x):
        table = self.weight if hasattr(self, "weight") else self.table
        return x + table[: x.shape[1]]
