/** Random arguments for every layer. What would draw random numbers in training is told not to. */
import type { Shape } from "../../src/engine/definitions.ts";
import type { Draw } from "../draw.ts";

export type Args = Record<string, unknown>;

const none = (): Args => ({});
const undrawn = (): Args => ({ p: 0 });
const half = (draw: Draw): boolean => draw.chance(0.5);
const size = (draw: Draw): number => draw.int(1, 5);
const lastDim = (draw: Draw, input: Shape): number => (half(draw) ? -1 : draw.int(1, input.length));

/** A number for every dimension, or one for all. */
const each = (draw: Draw, dimensions: number, from: number, to: number): number | number[] =>
  half(draw) ? draw.int(from, to) : draw.list(dimensions, () => draw.int(from, to));

const window = (draw: Draw, dimensions: number): Args => ({
  kernel_size: each(draw, dimensions, 2, 3),
  stride: half(draw) ? null : each(draw, dimensions, 1, 2),
  ceil_mode: half(draw),
});

/** PyTorch takes images alone here, and no more dimensions. */
const edges = (dimensions: number) => (draw: Draw, input: Shape) =>
  input.length <= dimensions + 1 ? padding(dimensions)(draw) : null;

const padding = (dimensions: number) => (draw: Draw) => ({
  padding: half(draw) ? draw.int(0, 2) : draw.list(2 * dimensions, () => draw.int(-1, 2)),
});

function convolution(dimensions: number): (draw: Draw, input: Shape) => Args {
  return (draw, [channels = 1]) => {
    const groups = draw.pick([1, 1, channels]);
    const same = draw.chance(0.25);
    return {
      in_channels: channels,
      out_channels: groups * draw.int(1, 3),
      kernel_size: each(draw, dimensions, 1, 3),
      stride: same ? 1 : each(draw, dimensions, 1, 2),
      padding: same ? "same" : draw.pick(["valid", 0, 1, each(draw, dimensions, 0, 1)]),
      dilation: each(draw, dimensions, 1, 2),
      groups,
      bias: half(draw),
      padding_mode: draw.pick(["zeros", "zeros", "reflect", "replicate", "circular"]),
    };
  };
}

function transposed(dimensions: number): (draw: Draw, input: Shape) => Args {
  return (draw, [channels = 1]) => {
    const groups = draw.pick([1, 1, channels]);
    return {
      in_channels: channels,
      out_channels: groups * draw.int(1, 2),
      kernel_size: each(draw, dimensions, 1, 3),
      stride: each(draw, dimensions, 1, 2),
      padding: draw.int(0, 1),
      output_padding: draw.int(0, 1),
      groups,
      bias: half(draw),
      dilation: draw.int(1, 2),
    };
  };
}

const normalised = (draw: Draw): Args => ({
  eps: draw.pick([1e-5, 1e-3]),
  momentum: draw.pick([0.1, 0.4, null]),
  affine: half(draw),
  track_running_stats: half(draw),
});

const recurrent = (draw: Draw): Args => ({
  hidden_size: draw.int(2, 5),
  num_layers: draw.int(1, 2),
  bias: half(draw),
  bidirectional: half(draw),
  return_sequences: half(draw),
});

const encoderLayer = (draw: Draw): Args => ({
  nhead: draw.int(1, 2),
  dim_feedforward: draw.int(3, 9),
  dropout: 0,
  activation: draw.pick(["relu", "gelu"]),
  norm_first: half(draw),
  causal: half(draw),
});

const pool = (dimensions: number) => (draw: Draw) => ({ ...window(draw, dimensions), padding: draw.int(0, 1) });
const dividedPool = (dimensions: number) => (draw: Draw) => ({
  ...pool(dimensions)(draw),
  count_include_pad: half(draw),
  divisor_override: draw.pick([null, null, 3]),
});
/** Roots of an odd degree are NaN where a window's sum is negative. */
const norm = (draw: Draw): number => draw.pick([1, 2, 4]);
const adaptive = (dimensions: number) => (draw: Draw) => ({ output_size: each(draw, dimensions, 1, 4) });

/** Arguments for a sample of that shape, or null; they need not fit it, as long as they often do. */
export const layerArguments: Readonly<Record<string, (draw: Draw, input: Shape) => Args | null>> = {
  Linear: (draw) => ({ out_features: draw.int(2, 8), bias: draw.chance(0.8) }),
  ReLU: none,
  ReLU6: none,
  LeakyReLU: (draw) => ({ negative_slope: draw.real(-0.5, 0.5) }),
  ELU: (draw) => ({ alpha: draw.real(0.2, 2) }),
  CELU: (draw) => ({ alpha: draw.real(0.2, 2) }),
  SELU: none,
  GELU: (draw) => ({ approximate: draw.pick(["none", "tanh"]) }),
  SiLU: none,
  Mish: none,
  Sigmoid: none,
  Tanh: none,
  LogSigmoid: none,
  Softsign: none,
  Tanhshrink: none,
  Softplus: (draw) => ({ beta: draw.real(0.3, 3), threshold: draw.pick([20, 1]) }),
  Hardtanh: (draw) => ({ min_val: draw.real(-2, 0), max_val: draw.real(0.1, 2) }),
  Hardsigmoid: none,
  Hardswish: none,
  Hardshrink: (draw) => ({ lambd: draw.real(0, 0.5) }),
  Softshrink: (draw) => ({ lambd: draw.real(0, 0.5) }),
  Threshold: (draw) => ({ threshold: draw.real(-1, 1), value: draw.real(-1, 1) }),
  Softmax: (draw, input) => ({ dim: lastDim(draw, input) }),
  LogSoftmax: (draw, input) => ({ dim: lastDim(draw, input) }),
  Softmin: (draw, input) => ({ dim: lastDim(draw, input) }),
  Softmax2d: none,
  GLU: (draw, input) => ({ dim: lastDim(draw, input) }),
  PReLU: (draw, input) => ({ num_parameters: draw.pick([1, input[0] ?? 1]), init: draw.real(0, 0.5) }),
  RReLU: (draw) => {
    const slope = draw.real(0, 0.5);
    return { lower: slope, upper: slope };
  },
  Dropout: undrawn,
  Dropout1d: undrawn,
  Dropout2d: undrawn,
  Dropout3d: undrawn,
  AlphaDropout: undrawn,
  FeatureAlphaDropout: undrawn,
  Conv1d: convolution(1),
  Conv2d: convolution(2),
  ConvTranspose1d: transposed(1),
  ConvTranspose2d: transposed(2),
  Conv3d: convolution(3),
  ConvTranspose3d: transposed(3),
  MaxPool1d: (draw) => ({ ...pool(1)(draw), dilation: draw.int(1, 2) }),
  MaxPool2d: (draw) => ({ ...pool(2)(draw), dilation: each(draw, 2, 1, 2) }),
  MaxPool3d: (draw) => ({ ...pool(3)(draw), dilation: each(draw, 3, 1, 2) }),
  AdaptiveMaxPool1d: adaptive(1),
  AdaptiveMaxPool2d: adaptive(2),
  AdaptiveMaxPool3d: adaptive(3),
  AvgPool1d: (draw) => ({ ...pool(1)(draw), count_include_pad: half(draw) }),
  AvgPool2d: dividedPool(2),
  AvgPool3d: dividedPool(3),
  LPPool1d: (draw) => ({ ...window(draw, 1), kernel_size: draw.int(2, 3), norm_type: norm(draw) }),
  LPPool2d: (draw) => ({ ...window(draw, 2), norm_type: norm(draw) }),
  LPPool3d: (draw) => ({ ...window(draw, 3), norm_type: norm(draw) }),
  AdaptiveAvgPool1d: adaptive(1),
  AdaptiveAvgPool2d: adaptive(2),
  AdaptiveAvgPool3d: adaptive(3),
  GlobalAvgPool: none,
  ZeroPad1d: padding(1),
  ZeroPad2d: padding(2),
  ZeroPad3d: padding(3),
  ConstantPad1d: (draw) => ({ ...padding(1)(draw), value: draw.real(-1, 1) }),
  ConstantPad2d: (draw) => ({ ...padding(2)(draw), value: draw.real(-1, 1) }),
  ConstantPad3d: (draw) => ({ ...padding(3)(draw), value: draw.real(-1, 1) }),
  ReflectionPad1d: edges(1),
  ReflectionPad2d: edges(2),
  ReflectionPad3d: edges(3),
  ReplicationPad1d: edges(1),
  ReplicationPad2d: edges(2),
  ReplicationPad3d: edges(3),
  CircularPad1d: edges(1),
  CircularPad2d: edges(2),
  CircularPad3d: edges(3),
  Upsample: (draw, input) => {
    const mode = draw.pick([
      "nearest",
      "nearest-exact",
      ...(input.length === 2 ? ["linear"] : input.length === 3 ? ["bilinear", "bicubic"] : ["trilinear"]),
    ]);
    const target = half(draw) ? { size: draw.int(2, 6) } : { scale_factor: draw.pick([0.5, 1.5, 2]) };
    return { ...target, mode, align_corners: mode.startsWith("nearest") ? null : half(draw) };
  },
  UpsamplingNearest2d: (draw) => ({ size: each(draw, 2, 1, 5) }),
  UpsamplingBilinear2d: (draw) => ({ scale_factor: draw.pick([0.5, 1.5, 2]) }),
  PixelShuffle: () => ({ upscale_factor: 2 }),
  PixelUnshuffle: () => ({ downscale_factor: 2 }),
  ChannelShuffle: (draw) => ({ groups: draw.int(1, 3) }),
  Unfold: (draw) => ({
    kernel_size: each(draw, 2, 1, 3),
    dilation: draw.int(1, 2),
    padding: each(draw, 2, 0, 1),
    stride: each(draw, 2, 1, 2),
  }),
  Fold: (_draw, input) => ({ output_size: [2, (input[1] ?? 1) + 1], kernel_size: 2 }),
  LocalResponseNorm: (draw) => ({ size: size(draw), alpha: draw.real(0, 1), beta: draw.real(0.3, 1), k: 1.5 }),
  Flatten: (draw, input) => ({ start_dim: draw.int(1, input.length), end_dim: -1 }),
  Unflatten: (_draw, input) => ({ dim: input.length, unflattened_size: [-1, 2] }),
  Identity: none,
  BatchNorm1d: normalised,
  BatchNorm2d: normalised,
  BatchNorm3d: normalised,
  LayerNorm: (draw, input) => ({
    normalized_shape: input.slice(-draw.int(1, input.length)),
    elementwise_affine: half(draw),
    bias: half(draw),
  }),
  RMSNorm: (draw, input) => ({ normalized_shape: input.slice(-draw.int(1, input.length)), eps: 1e-5 }),
  GroupNorm: (draw, [channels = 1]) => ({ num_groups: draw.pick([1, 2, channels]), affine: half(draw) }),
  InstanceNorm1d: normalised,
  InstanceNorm2d: normalised,
  InstanceNorm3d: normalised,
  RNN: (draw) => ({ ...recurrent(draw), nonlinearity: draw.pick(["tanh", "relu"]) }),
  LSTM: (draw) => ({ ...recurrent(draw), proj_size: draw.int(0, 1) }),
  GRU: recurrent,
  MultiheadAttention: (draw) => ({
    num_heads: draw.int(1, 2),
    bias: half(draw),
    add_bias_kv: draw.chance(0.2),
    add_zero_attn: draw.chance(0.2),
  }),
  TransformerEncoderLayer: encoderLayer,
  TransformerEncoder: (draw) => ({
    encoder_layer: encoderLayer(draw),
    num_layers: draw.int(1, 2),
    norm: half(draw),
  }),
  PositionalEncoding: (draw) => ({ kind: draw.pick(["sinusoidal", "learned"]) }),
};

/** Layers that only take whole numbers, and so come first. */
export const tableArguments: Readonly<Record<string, (draw: Draw, vocabulary: number) => Args>> = {
  Embedding: (draw, vocabulary) => ({
    ...table(draw, vocabulary),
    max_norm: draw.pick([null, null, 1.5]),
    scale_grad_by_freq: half(draw),
  }),
  EmbeddingBag: (draw, vocabulary) => ({ ...table(draw, vocabulary), mode: draw.pick(["sum", "mean", "max"]) }),
};

const table = (draw: Draw, vocabulary: number): Args => ({
  num_embeddings: vocabulary,
  embedding_dim: draw.int(2, 6),
  padding_idx: draw.pick([null, null, draw.int(0, vocabulary - 1)]),
});
