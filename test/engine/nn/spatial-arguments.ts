/** Arguments for the layers over positions: drawn ones for definition.test.ts, small ones for gradients.test.ts. */
import fc from "fast-check";
import type { Shape } from "../../../src/engine/index.ts";

const upTo = (max: number) => fc.integer({ min: 1, max });
const perDimension = (dimensions: number, one: fc.Arbitrary<number>) =>
  fc.oneof(one, fc.array(one, { minLength: dimensions, maxLength: dimensions }));

const convolution = (dimensions: number) => ({
  out_channels: upTo(4),
  kernel_size: perDimension(dimensions, upTo(3)),
  stride: perDimension(dimensions, upTo(3)),
  dilation: perDimension(dimensions, upTo(2)),
  groups: fc.constantFrom(1, 1, 2),
  bias: fc.boolean(),
});

const conv = (dimensions: number) =>
  fc
    .record({
      ...convolution(dimensions),
      padding: fc.oneof(perDimension(dimensions, fc.integer({ min: 0, max: 2 })), fc.constantFrom("same", "valid")),
      padding_mode: fc.constantFrom("zeros", "reflect", "replicate", "circular"),
    })
    .map((given) => (given.padding === "same" ? { ...given, stride: 1 } : given));

const transposed = (dimensions: number) =>
  fc.record({
    ...convolution(dimensions),
    padding: perDimension(dimensions, fc.integer({ min: 0, max: 2 })),
    output_padding: perDimension(dimensions, fc.integer({ min: 0, max: 1 })),
  });

const pool = (dimensions: number) => ({
  kernel_size: perDimension(dimensions, upTo(3)),
  stride: fc.option(perDimension(dimensions, upTo(3))),
  padding: perDimension(dimensions, fc.integer({ min: 0, max: 1 })),
  ceil_mode: fc.boolean(),
});
const maxPool = (dimensions: number) => fc.record({ ...pool(dimensions), dilation: perDimension(dimensions, upTo(2)) });
const averagePool = (dimensions: number) => fc.record({ ...pool(dimensions), count_include_pad: fc.boolean() });
const lpPool = (dimensions: number) => {
  const { kernel_size, stride, ceil_mode } = pool(dimensions);
  return fc.record({ norm_type: fc.constantFrom(1, 2, 3.5), kernel_size, stride, ceil_mode });
};

const adaptive = (dimensions: number) => {
  const one = fc.option(upTo(7));
  return fc.record({ output_size: fc.oneof(one, fc.array(one, { minLength: dimensions, maxLength: dimensions })) });
};

const pad = (sides: number, min: number, more: Record<string, fc.Arbitrary<unknown>> = {}) => {
  const one = fc.integer({ min, max: 3 });
  const padding = fc.oneof(one, fc.array(one, { minLength: sides, maxLength: sides }));
  return fc.record({ padding, ...more });
};

const windows = (more: Record<string, fc.Arbitrary<unknown>> = {}) =>
  fc.record({
    ...more,
    kernel_size: perDimension(2, upTo(3)),
    dilation: perDimension(2, upTo(2)),
    padding: fc.integer({ min: 0, max: 2 }),
    stride: perDimension(2, upTo(2)),
  });

export const spatialArguments: Readonly<Record<string, fc.Arbitrary<Record<string, unknown>>>> = {
  Conv1d: conv(1),
  Conv2d: conv(2),
  ConvTranspose1d: transposed(1),
  ConvTranspose2d: transposed(2),
  Conv3d: conv(3),
  ConvTranspose3d: transposed(3),
  MaxPool1d: maxPool(1),
  MaxPool2d: maxPool(2),
  MaxPool3d: maxPool(3),
  AvgPool1d: averagePool(1),
  AvgPool2d: averagePool(2),
  AvgPool3d: averagePool(3),
  LPPool1d: lpPool(1),
  LPPool2d: lpPool(2),
  LPPool3d: lpPool(3),
  AdaptiveMaxPool1d: adaptive(1),
  AdaptiveMaxPool2d: adaptive(2),
  AdaptiveMaxPool3d: adaptive(3),
  AdaptiveAvgPool1d: adaptive(1),
  AdaptiveAvgPool2d: adaptive(2),
  AdaptiveAvgPool3d: adaptive(3),
  ZeroPad1d: pad(2, -2),
  ZeroPad2d: pad(4, -2),
  ZeroPad3d: pad(6, -2),
  ConstantPad1d: pad(2, -2, { value: fc.constant(3) }),
  ConstantPad2d: pad(4, -2, { value: fc.constant(-1) }),
  ConstantPad3d: pad(6, -1, { value: fc.constant(2) }),
  ReflectionPad1d: pad(2, -1),
  ReflectionPad2d: pad(4, -1),
  ReflectionPad3d: pad(6, -1),
  ReplicationPad1d: pad(2, -1),
  ReplicationPad2d: pad(4, -1),
  ReplicationPad3d: pad(6, -1),
  CircularPad1d: pad(2, -1),
  CircularPad2d: pad(4, -1),
  CircularPad3d: pad(6, -1),
  Upsample: fc.oneof(
    fc.record({
      size: perDimension(2, upTo(7)),
      mode: fc.constantFrom("nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic"),
    }),
    fc.record({
      scale_factor: fc.constantFrom(0.5, 1.5, 2, [2, 1], [3]),
      mode: fc.constantFrom("linear", "bilinear", "trilinear", "bicubic"),
      align_corners: fc.boolean(),
      recompute_scale_factor: fc.boolean(),
    }),
  ),
  UpsamplingNearest2d: fc.record({ size: perDimension(2, upTo(5)) }),
  UpsamplingBilinear2d: fc.record({ scale_factor: fc.constantFrom(0.5, 2, [2, 1.5]) }),
  PixelShuffle: fc.record({ upscale_factor: upTo(2) }),
  PixelUnshuffle: fc.record({ downscale_factor: upTo(3) }),
  ChannelShuffle: fc.record({ groups: upTo(3) }),
  Unfold: windows(),
  // Few random columns are those of an image, so the sizes are small.
  Fold: fc.record({ output_size: perDimension(2, upTo(3)), kernel_size: perDimension(2, upTo(2)) }),
  LocalResponseNorm: fc.record({ size: upTo(5) }),
  Unflatten: fc.record({
    dim: fc.integer({ min: -4, max: 5 }),
    unflattened_size: fc.array(fc.constantFrom(-1, 1, 2, 3), { minLength: 1, maxLength: 3 }),
  }),
};

/** One call of each, small enough for derivatives to be compared with differences. */
export const spatialCalls: Readonly<Record<string, { args: Record<string, unknown>; input: Shape }>> = {
  Conv1d: { args: { in_channels: 2, out_channels: 2, kernel_size: 2, padding: "same" }, input: [1, 2, 4] },
  Conv2d: {
    args: { in_channels: 2, out_channels: 2, kernel_size: [2, 1], stride: 2, padding: 1, groups: 2 },
    input: [2, 2, 2, 3],
  },
  ConvTranspose1d: { args: { in_channels: 2, out_channels: 1, kernel_size: 2, stride: 2 }, input: [1, 2, 3] },
  ConvTranspose2d: {
    args: {
      in_channels: 1,
      out_channels: 2,
      kernel_size: [2, 3],
      stride: [1, 2],
      padding: [0, 1],
      output_padding: [0, 1],
    },
    input: [2, 1, 2, 2],
  },
  Conv3d: {
    args: {
      in_channels: 2,
      out_channels: 2,
      kernel_size: [2, 1, 2],
      stride: [1, 2, 1],
      padding: [1, 0, 0],
      dilation: [2, 1, 1],
      groups: 2,
    },
    input: [1, 2, 3, 2, 2],
  },
  ConvTranspose3d: {
    args: {
      in_channels: 2,
      out_channels: 2,
      kernel_size: [2, 1, 2],
      stride: [2, 1, 1],
      padding: [1, 0, 0],
      output_padding: [1, 0, 0],
      groups: 2,
    },
    input: [1, 2, 2, 1, 2],
  },
  MaxPool1d: { args: { kernel_size: 2, padding: 1 }, input: [1, 2, 5] },
  MaxPool2d: { args: { kernel_size: 2, stride: 1, dilation: [1, 2] }, input: [1, 2, 3, 4] },
  MaxPool3d: { args: { kernel_size: 2, stride: 1, padding: [1, 0, 1] }, input: [1, 1, 3, 2, 2] },
  AvgPool1d: { args: { kernel_size: 3, padding: 1, count_include_pad: false }, input: [1, 2, 5] },
  AvgPool2d: { args: { kernel_size: 2, padding: 1, ceil_mode: true }, input: [1, 2, 3, 4] },
  AvgPool3d: { args: { kernel_size: 2, padding: 1, divisor_override: 3 }, input: [1, 1, 3, 2, 2] },
  LPPool1d: { args: { norm_type: 2, kernel_size: 2 }, input: [1, 2, 4] },
  LPPool2d: { args: { norm_type: 2, kernel_size: 2 }, input: [1, 1, 2, 4] },
  LPPool3d: { args: { norm_type: 2, kernel_size: [2, 1, 2] }, input: [1, 1, 2, 2, 2] },
  AdaptiveMaxPool1d: { args: { output_size: 2 }, input: [1, 2, 5] },
  AdaptiveMaxPool2d: { args: { output_size: [2, 3] }, input: [1, 1, 3, 4] },
  AdaptiveMaxPool3d: { args: { output_size: [2, 1, 3] }, input: [1, 1, 3, 2, 3] },
  AdaptiveAvgPool1d: { args: { output_size: 3 }, input: [1, 2, 5] },
  AdaptiveAvgPool2d: { args: { output_size: [2, null] }, input: [1, 1, 3, 3] },
  AdaptiveAvgPool3d: { args: { output_size: [2, null, 1] }, input: [1, 1, 3, 2, 2] },
  GlobalAvgPool: { args: {}, input: [2, 2, 3] },
  ZeroPad1d: { args: { padding: [1, -1] }, input: [1, 3] },
  ZeroPad2d: { args: { padding: [1, 2, -1, 0] }, input: [1, 3, 2] },
  ZeroPad3d: { args: { padding: [1, 0, -1, 1, 0, 1] }, input: [1, 2, 2, 2] },
  ConstantPad1d: { args: { padding: 1, value: 3 }, input: [1, 3] },
  ConstantPad2d: { args: { padding: 1, value: 3 }, input: [1, 2, 2] },
  ConstantPad3d: { args: { padding: [0, 1, 1, 0, 1, -1], value: 3 }, input: [1, 2, 1, 2] },
  ReflectionPad1d: { args: { padding: [2, 1] }, input: [1, 3] },
  ReflectionPad2d: { args: { padding: 1 }, input: [1, 2, 3] },
  ReflectionPad3d: { args: { padding: [1, 0, 0, 1, 1, 1] }, input: [1, 2, 2, 2] },
  ReplicationPad1d: { args: { padding: [2, 1] }, input: [1, 3] },
  ReplicationPad2d: { args: { padding: 1 }, input: [1, 2, 3] },
  ReplicationPad3d: { args: { padding: [1, 0, 0, 1, 1, 1] }, input: [1, 2, 2, 2] },
  CircularPad1d: { args: { padding: [2, 1] }, input: [1, 3] },
  CircularPad2d: { args: { padding: 1 }, input: [1, 2, 3] },
  CircularPad3d: { args: { padding: [1, 0, 0, 1, 1, 1] }, input: [1, 2, 2, 2] },
  Upsample: { args: { size: [3, 5], mode: "bicubic" }, input: [1, 1, 2, 3] },
  UpsamplingNearest2d: { args: { size: 3 }, input: [1, 1, 2, 2] },
  UpsamplingBilinear2d: { args: { scale_factor: 2 }, input: [1, 1, 2, 2] },
  PixelShuffle: { args: { upscale_factor: 2 }, input: [1, 4, 1, 2] },
  PixelUnshuffle: { args: { downscale_factor: 2 }, input: [1, 1, 2, 4] },
  ChannelShuffle: { args: { groups: 2 }, input: [1, 4, 2] },
  Unfold: { args: { kernel_size: 2, padding: 1 }, input: [1, 1, 2, 3] },
  Fold: { args: { output_size: [2, 3], kernel_size: 2, padding: 1 }, input: [1, 4, 12] },
  LocalResponseNorm: { args: { size: 3, alpha: 0.3 }, input: [1, 4, 2] },
  Unflatten: { args: { dim: 1, unflattened_size: [2, -1] }, input: [2, 4] },
};
