"""Losses and optimizers of a job that PyTorch has in another form, or not at all: model.py takes those that it needs."""

import torch
from torch import nn


class GaussianNLLLoss(nn.GaussianNLLLoss):
    """Outputs hold the means and, after them, the logarithms of the variances."""

    def forward(self, output, target):
        mean, log_variance = output.chunk(2, -1)
        return super().forward(mean, target, log_variance.exp())


class CTCLoss(nn.CTCLoss):
    """Outputs (N, steps, classes); rows of labels that −1 fills up, with the number of steps in front if `input_lengths`."""

    def __init__(self, *args, input_lengths=False, **more):
        super().__init__(*args, **more)
        self.input_lengths = input_lengths

    def forward(self, output, target):
        labels = self.labels(target)
        steps = target[:, 0] if self.input_lengths else torch.full((len(target),), output.shape[1])
        return super().forward(output.transpose(0, 1), labels.clamp(min=0), steps, self.lengths(target))

    def labels(self, target):
        return target[:, 1:] if self.input_lengths else target

    def lengths(self, target):
        return (self.labels(target) >= 0).cumprod(1).sum(1)


class Weighted:
    """Σ w·loss / Σ w over the samples of a batch: one of weight 2 counts as two."""

    def __init__(self, each, reduction="mean"):
        self.each, self.reduction = each, reduction

    def __call__(self, output, target, weights):
        losses = self.each(output, target)
        if isinstance(self.each, nn.CTCLoss) and self.reduction == "mean":
            losses = losses / self.each.lengths(target).clamp(min=1)
        total = (losses.flatten(1).sum(1) if losses.dim() > 1 else losses) @ weights
        if self.reduction == "sum":
            return total
        if self.reduction == "batchmean":
            return total / weights.sum()
        if isinstance(self.each, (nn.CrossEntropyLoss, nn.NLLLoss)):
            of_class = torch.ones_like(weights) if self.each.weight is None else self.each.weight[target.clamp(min=0)]
            return total / (of_class * weights * (target != self.each.ignore_index)).sum()
        return total / (weights.sum() * (losses.numel() / len(losses)))


class Lion(torch.optim.Optimizer):
    """Chen et al., "Symbolic discovery of optimization algorithms", 2023, algorithm 2."""

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0, maximize=False):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay, "maximize": maximize})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                g = -p.grad if group["maximize"] else p.grad
                state = self.state[p]
                m = state.setdefault("exp_avg", torch.zeros_like(p))
                p.sub_(group["lr"] * ((beta1 * m + (1 - beta1) * g).sign() + group["weight_decay"] * p))
                m.mul_(beta2).add_(g, alpha=1 - beta2)


class Muon(torch.optim.Optimizer):
    """Jordan et al., 2024, in float32; torch.optim.Muon computes its iteration in bfloat16."""

    def __init__(
        self,
        params,
        lr=1e-3,
        weight_decay=0.1,
        momentum=0.95,
        nesterov=True,
        ns_coefficients=(3.4445, -4.775, 2.0315),
        eps=1e-7,
        ns_steps=5,
        adjust_lr_fn=None,
        maximize=False,
    ):
        given = {key: value for key, value in locals().items() if key not in ("self", "params", "__class__")}
        super().__init__(params, given)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                g = -p.grad if group["maximize"] else p.grad
                buffer = self.state[p].setdefault("momentum_buffer", torch.zeros_like(p))
                buffer.lerp_(g, 1 - group["momentum"])
                update = orthogonal(g.lerp(buffer, group["momentum"]) if group["nesterov"] else buffer, group)
                rows, columns = p.shape
                matched = group["adjust_lr_fn"] == "match_rms_adamw"
                factor = 0.2 * max(rows, columns) ** 0.5 if matched else max(1, rows / columns) ** 0.5
                p.mul_(1 - group["lr"] * group["weight_decay"]).sub_(group["lr"] * factor * update)


def orthogonal(matrix, group):
    a, b, c = group["ns_coefficients"]
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / x.norm().clamp(min=group["eps"])
    for _ in range(group["ns_steps"]):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x
