/** Models of the larger layers: eager and compiled give the same bits, and so does going on after a stop anywhere. */
import { expect, test } from "vitest";
import type { TrainingPlan } from "../../../src/engine/index.ts";
import { base, deterministic, train } from "./runs.ts";

const classifier = (...layers: TrainingPlan["layers"]): TrainingPlan["layers"] => [
  ...layers,
  { type: "Linear", in_features: 8, out_features: 2 },
];

/** The eight columns as four steps of two features. */
const STEPS_OF_TWO = [{ type: "Unflatten", dim: 1, unflattened_size: [4, 2] }];

const models: Record<string, TrainingPlan["layers"]> = {
  "batch normalisation": classifier({ type: "BatchNorm1d", num_features: 8 }),
  "batch normalisation by a plain average": classifier({ type: "BatchNorm1d", num_features: 8, momentum: null }),
  "layer normalisation": classifier({ type: "LayerNorm", normalized_shape: [8] }),
  "RMS normalisation": classifier({ type: "RMSNorm", normalized_shape: [8] }),
  "group normalisation": classifier({ type: "GroupNorm", num_groups: 2, num_channels: 8 }),
  "layers that hold layers": classifier({
    type: "Residual",
    layers: [
      { type: "Linear", in_features: 8, out_features: 8 },
      { type: "Sequential", layers: [{ type: "BatchNorm1d", num_features: 8 }, { type: "Dropout" }] },
    ],
  }),
  "an image network": [
    { type: "Unflatten", dim: 1, unflattened_size: [1, 2, 4] },
    { type: "Conv2d", in_channels: 1, out_channels: 4, kernel_size: 3, padding: 1, padding_mode: "replicate" },
    { type: "BatchNorm2d", num_features: 4 },
    { type: "ReLU" },
    { type: "MaxPool2d", kernel_size: 2, stride: 1, padding: 1 },
    { type: "ConvTranspose2d", in_channels: 4, out_channels: 4, kernel_size: 3, stride: 2, groups: 2 },
    { type: "AvgPool2d", kernel_size: 2, padding: 1, ceil_mode: true },
    { type: "Upsample", scale_factor: 1.5, mode: "bilinear" },
    { type: "LocalResponseNorm", size: 3 },
    { type: "AdaptiveMaxPool2d", output_size: [3, 4] },
    { type: "PixelShuffle", upscale_factor: 2 },
    { type: "GlobalAvgPool" },
    { type: "Linear", in_features: 1, out_features: 2 },
  ],
  "a network over a signal": [
    { type: "Unflatten", dim: 1, unflattened_size: [1, 8] },
    { type: "Conv1d", in_channels: 1, out_channels: 2, kernel_size: 3, padding: "same", dilation: 2 },
    { type: "ReflectionPad1d", padding: [1, 2] },
    { type: "Conv1d", in_channels: 2, out_channels: 4, kernel_size: 3, stride: 2, groups: 2, bias: false },
    { type: "MaxPool1d", kernel_size: 2, stride: 1 },
    { type: "ConvTranspose1d", in_channels: 4, out_channels: 2, kernel_size: 2, stride: 2, output_padding: 1 },
    { type: "ConstantPad1d", padding: [1, -2], value: 0.5 },
    { type: "AdaptiveAvgPool1d", output_size: 4 },
    { type: "Flatten" },
    { type: "Linear", in_features: 8, out_features: 2 },
  ],
  "a recurrent stack": [
    ...STEPS_OF_TWO,
    {
      type: "GRU",
      input_size: 2,
      hidden_size: 4,
      num_layers: 2,
      dropout: 0.2,
      bidirectional: true,
      return_sequences: true,
    },
    { type: "LSTM", input_size: 8, hidden_size: 4, proj_size: 3, return_sequences: true },
    { type: "RNN", input_size: 3, hidden_size: 3 },
    { type: "Linear", in_features: 3, out_features: 2 },
  ],
  "a causal transformer": [
    ...STEPS_OF_TWO,
    { type: "Linear", in_features: 2, out_features: 8 },
    { type: "PositionalEncoding", d_model: 8, max_len: 4 },
    { type: "TransformerEncoderLayer", d_model: 8, nhead: 2, dim_feedforward: 16, causal: true },
    { type: "MultiheadAttention", embed_dim: 8, num_heads: 4, dropout: 0.1 },
    { type: "PositionalEncoding", d_model: 8, kind: "learned", max_len: 4 },
    { type: "LSTM", input_size: 8, hidden_size: 2 },
  ],
  embeddings: [
    // Inputs in ±2, so that the numbers are those from 0 to 2 and some that have no embedding.
    { type: "Threshold", threshold: 0, value: 0 },
    { type: "Embedding", num_embeddings: 3, embedding_dim: 2, padding_idx: 0, max_norm: 1, scale_grad_by_freq: true },
    { type: "GRU", input_size: 2, hidden_size: 2 },
  ],
  "a bag of embeddings": [
    { type: "Threshold", threshold: 0, value: 0 },
    { type: "EmbeddingBag", num_embeddings: 3, embedding_dim: 2, mode: "max" },
  ],
  "alpha dropout": classifier({ type: "SELU" }, { type: "AlphaDropout", p: 0.2 }),
};

for (const [name, layers] of Object.entries(models)) {
  const plan: TrainingPlan = { ...base, layers, epochs: 3 };

  test(`eager and compiled give the same bits with ${name}`, () => {
    const compiled = train(plan);
    const eager = train({ ...plan, mode: "eager" });
    expect(eager.weights).toEqual(compiled.weights);
    expect(eager.events.map(deterministic)).toEqual(compiled.events.map(deterministic));
    expect(compiled.events.every(({ loss }) => Number.isFinite(loss))).toBe(true);
  });

  test(`stopping anywhere and going on gives the bits of the undisturbed run with ${name}`, () => {
    const undisturbed = train(plan);
    const disturbed = train(plan, [0, 1, 2, 3]);
    expect(disturbed.weights).toEqual(undisturbed.weights);
    expect(disturbed.events.map(deterministic)).toEqual(undisturbed.events.map(deterministic));
  });
}
