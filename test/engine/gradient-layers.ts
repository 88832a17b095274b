/** With which arguments, and on inputs of which shape, gradients.test.ts tries each layer. */
import type { Shape } from "../../src/engine/index.ts";

export const layerArguments: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  Linear: { in_features: 4, out_features: 3 },
  Threshold: { threshold: 0.1, value: -3 },
  Softmax: { dim: 1 },
  LogSoftmax: { dim: 1 },
  Softmin: { dim: 1 },
  Residual: { layers: [{ type: "Linear", in_features: 4, out_features: 4 }, { type: "Tanh" }] },
  Sequential: { layers: [{ type: "Linear", in_features: 4, out_features: 3 }, { type: "Tanh" }] },
  RNN: { input_size: 2, hidden_size: 3, bidirectional: true },
  LSTM: { input_size: 2, hidden_size: 2, num_layers: 2, return_sequences: true },
  GRU: { input_size: 2, hidden_size: 2 },
  MultiheadAttention: { embed_dim: 4, num_heads: 2, add_bias_kv: true, add_zero_attn: true, causal: true },
  TransformerEncoderLayer: { d_model: 4, nhead: 2, dim_feedforward: 3, activation: "gelu" },
  TransformerEncoder: {
    encoder_layer: { d_model: 4, nhead: 2, dim_feedforward: 3, norm_first: true },
    num_layers: 2,
    norm: true,
  },
  PositionalEncoding: { d_model: 2, kind: "learned", max_len: 3 },
  BatchNorm1d: { num_features: 4 },
  BatchNorm2d: { num_features: 3 },
  BatchNorm3d: { num_features: 3 },
  InstanceNorm1d: { num_features: 2 },
  InstanceNorm2d: { num_features: 2 },
  InstanceNorm3d: { num_features: 2 },
  LayerNorm: { normalized_shape: [4] },
  RMSNorm: { normalized_shape: 4, eps: 0.1 },
  GroupNorm: { num_groups: 2, num_channels: 4 },
};

/** Where [2, 4] does not do. */
export const layerInputs: Readonly<Record<string, Shape>> = {
  Softmax2d: [1, 3, 2, 2],
  RNN: [2, 3, 2],
  LSTM: [2, 3, 2],
  GRU: [2, 3, 2],
  MultiheadAttention: [1, 3, 4],
  TransformerEncoderLayer: [1, 2, 4],
  TransformerEncoder: [1, 2, 4],
  PositionalEncoding: [1, 3, 2],
  BatchNorm2d: [2, 3, 2, 1],
  BatchNorm3d: [2, 3, 1, 2, 1],
  InstanceNorm1d: [2, 2, 3],
  InstanceNorm2d: [2, 2, 2, 1],
  InstanceNorm3d: [2, 2, 1, 2, 1],
};
