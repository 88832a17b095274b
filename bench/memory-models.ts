/** Job specs of every family of layers, large enough that values outweigh what every job needs anyway. */

const ROWS = 80;

/** Numbers in [0, 1) without a pattern that matters. */
const noise = (i: number): number => (Math.imul(i + 1, 2654435761) >>> 8) / 2 ** 24;

function sample(shape: readonly number[], at: number): unknown {
  const [size, ...inner] = shape;
  if (size === undefined) return noise(at);
  const step = inner.reduce((product, n) => product * n, 1);
  return Array.from({ length: size }, (_, i) => sample(inner, at + i * step));
}

/** Rows of ten classes. */
function spec(input: readonly number[], layers: readonly object[], settings: object = {}): object {
  return {
    model: { layers: [...layers, { type: "Linear", out_features: 10 }] },
    loss: "CrossEntropyLoss",
    optimizer: "Adam",
    epochs: 1,
    batch_size: 32,
    data: {
      inline: {
        inputs: Array.from({ length: ROWS }, (_, row) => sample(input, row * 977)),
        targets: CLASSES,
      },
    },
    ...settings,
  };
}

const CLASSES = Array.from({ length: ROWS }, (_, i) => i % 10);
/** Sixteen words of two hundred. */
const SENTENCES = Array.from({ length: ROWS }, (_, row) =>
  Array.from({ length: 16 }, (_, i) => Math.floor(noise(row * 31 + i) * 200)),
);
const linear = (out_features: number) => ({ type: "Linear", out_features });
const conv = (out_channels: number, more = {}) => ({
  type: "Conv2d",
  out_channels,
  kernel_size: 3,
  padding: 1,
  ...more,
});
const pool = { type: "MaxPool2d", kernel_size: 2 };
const relu = { type: "ReLU" };
const flatten = { type: "Flatten" };
const hidden = [linear(128), relu, linear(128), relu];

export const MEMORY_MODELS: Readonly<Record<string, object>> = {
  "multilayer perceptron": spec([64], hidden),
  "the same, SGD": spec([64], hidden, { optimizer: "SGD" }),
  "the same, AdamW with amsgrad": spec([64], hidden, { optimizer: { type: "AdamW", amsgrad: true } }),
  "the same, norm clipped": spec([64], hidden, { clip_grad_norm: 1 }),
  "the same, two batches an update": spec([64], hidden, { batch_size: 8, accumulate_steps: 4 }),
  "the same, eager": spec([64], hidden, { mode: "eager" }),
  "the same, validated": spec([64], hidden, { validation: { split: 0.3 }, metrics: ["accuracy"] }),
  "smooth activations": spec([64], [linear(128), { type: "GELU" }, linear(128), { type: "SiLU" }, { type: "Mish" }]),
  "dropout and layer normalisation": spec([64], [linear(128), { type: "LayerNorm" }, { type: "Dropout" }, linear(128)]),
  "convolutions and pooling": spec([3, 16, 16], [conv(16), relu, pool, conv(32), relu, pool, flatten]),
  "batch normalisation, residual": spec(
    [3, 16, 16],
    [
      conv(16),
      { type: "BatchNorm2d" },
      relu,
      { type: "Residual", layers: [conv(16), { type: "BatchNorm2d" }, relu] },
      { type: "GlobalAvgPool" },
    ],
  ),
  "group normalisation, grouped convolution": spec(
    [4, 16, 16],
    [
      conv(16, { groups: 4 }),
      { type: "GroupNorm", num_groups: 4 },
      relu,
      { type: "AvgPool2d", kernel_size: 2 },
      flatten,
    ],
  ),
  "transposed convolution, upsampling": spec(
    [2, 8, 8],
    [
      { type: "ConvTranspose2d", out_channels: 8, kernel_size: 2, stride: 2 },
      { type: "LeakyReLU" },
      { type: "Upsample", scale_factor: 2 },
      { type: "AdaptiveAvgPool2d", output_size: 4 },
      flatten,
    ],
  ),
  "convolution over a signal": spec(
    [4, 64],
    [{ type: "Conv1d", out_channels: 16, kernel_size: 5 }, relu, { type: "MaxPool1d", kernel_size: 2 }, flatten],
  ),
  LSTM: spec([16, 16], [{ type: "LSTM", hidden_size: 32 }]),
  "LSTM of two layers, both directions": spec(
    [16, 16],
    [{ type: "LSTM", hidden_size: 24, num_layers: 2, bidirectional: true, return_sequences: true }, flatten],
  ),
  GRU: spec([16, 16], [{ type: "GRU", hidden_size: 32 }]),
  RNN: spec([16, 16], [{ type: "RNN", hidden_size: 64 }]),
  "embedding of words": spec(
    [16],
    [
      { type: "Embedding", num_embeddings: 200, embedding_dim: 32 },
      { type: "GRU", hidden_size: 32 },
    ],
    { data: { inline: { inputs: SENTENCES, targets: CLASSES } } },
  ),
  attention: spec([32, 32], [{ type: "MultiheadAttention", num_heads: 4 }, flatten]),
  transformer: spec(
    [24, 32],
    [
      { type: "PositionalEncoding" },
      { type: "TransformerEncoderLayer", nhead: 4, dim_feedforward: 64 },
      { type: "TransformerEncoderLayer", nhead: 4, dim_feedforward: 64, causal: true },
      flatten,
    ],
  ),
};
