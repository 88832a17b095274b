/** ConvTranspose1d and ConvTranspose2d: what a convolution's input gets as gradient, as a layer of its own. */
import { z } from "zod";
import { add, convolutionInput, reshape } from "../ops/index.ts";
import { elementCount, ShapeError } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { type ConvolutionGeometry, checkReach, type Pair } from "../windows.ts";
import { checkChannels, convolutionSpecs } from "./convolution.ts";
import { defineLayer, type LayerDefinition } from "./definition.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { channels, size } from "./schema.ts";
import { asImages, checkSample, pairOf, type Sizes, type Spatial, sampleOf, sizes, spatialSize } from "./spatial.ts";

/** (L − 1)·stride − 2·padding + dilation·(kernel − 1) + output_padding + 1 in each direction. */
function transposedSize(
  input: Pair,
  kernel: Pair,
  { stride, dilation, before }: ConvolutionGeometry,
  extra: Pair,
): Pair {
  const along = (i: 0 | 1): number =>
    (input[i] - 1) * stride[i] - 2 * before[i] + dilation[i] * (kernel[i] - 1) + extra[i] + 1;
  return [along(0), along(1)];
}

abstract class TransposedConvolution extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  protected abstract readonly dimensions: Spatial;
  readonly #geometry: ConvolutionGeometry;
  readonly #extra: Pair;

  constructor(
    dimensions: Spatial,
    inChannels: number,
    outChannels: number,
    kernelSize: Sizes,
    stride: Sizes,
    padding: Sizes,
    outputPadding: Sizes,
    groups: number,
    bias: boolean,
    dilation: Sizes,
  ) {
    super();
    const specs = specsOf(inChannels, outChannels, pairOf(kernelSize, dimensions, 1), groups, dimensions);
    this.weight = new Parameter(specs.weight);
    this.bias = bias ? new Parameter(specs.bias) : null;
    this.#geometry = {
      stride: pairOf(stride, dimensions, 1),
      dilation: pairOf(dilation, dimensions, 1),
      before: pairOf(padding, dimensions, 0),
      groups,
    };
    this.#extra = pairOf(outputPadding, dimensions, 0);
  }

  forward(x: Tensor): Tensor {
    const { images, restore } = asImages(this.constructor.name, x, this.dimensions);
    const kernel = spatialSize(this.weight.shape, this.dimensions);
    const positions: Pair = [images.shape[2] ?? 1, images.shape[3] ?? 1];
    const size = transposedSize(positions, kernel, this.#geometry, this.#extra);
    if (size[0] < 1 || size[1] < 1) {
      throw new ShapeError(`${this.constructor.name}: the padding takes away the whole output.`, "padding");
    }
    const weight = reshape(this.weight, [...this.weight.shape.slice(0, 2), ...kernel]);
    const y = convolutionInput(images, weight, this.#geometry, size);
    return restore(this.bias ? add(y, reshape(this.bias, [this.bias.size, 1, 1])) : y);
  }
}

function specsOf(inChannels: number, outChannels: number, kernel: Pair, groups: number, dimensions: Spatial) {
  return convolutionSpecs([inChannels, outChannels / groups, ...kernel.slice(2 - dimensions)], outChannels);
}

/** Shapes: (N, in_channels, L) → (N, out_channels, L′); without N too. */
export class ConvTranspose1d extends TransposedConvolution {
  protected readonly dimensions = 1;
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Sizes,
    stride: Sizes = 1,
    padding: Sizes = 0,
    outputPadding: Sizes = 0,
    groups = 1,
    bias = true,
    dilation: Sizes = 1,
  ) {
    super(1, inChannels, outChannels, kernelSize, stride, padding, outputPadding, groups, bias, dilation);
  }
}

/** Shapes: (N, in_channels, H, W) → (N, out_channels, H′, W′); without N too. */
export class ConvTranspose2d extends TransposedConvolution {
  protected readonly dimensions = 2;
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Sizes,
    stride: Sizes = 1,
    padding: Sizes = 0,
    outputPadding: Sizes = 0,
    groups = 1,
    bias = true,
    dilation: Sizes = 1,
  ) {
    super(2, inChannels, outChannels, kernelSize, stride, padding, outputPadding, groups, bias, dilation);
  }
}

const schema = (dimensions: Spatial) =>
  z.strictObject({
    in_channels: channels,
    out_channels: size.describe("Channels of the output"),
    kernel_size: sizes(dimensions, 1).describe("Size of the kernel"),
    stride: sizes(dimensions, 1).default(1).describe("Steps in the output for one step in the input"),
    padding: sizes(dimensions, 0).default(0).describe("Elements taken away on both sides of the output"),
    output_padding: sizes(dimensions, 0).default(0).describe("Elements more at the end of the output"),
    groups: size.default(1).describe("Groups of channels that don't see each other"),
    bias: z.boolean().default(true).describe("Learn an additive bias"),
    dilation: sizes(dimensions, 1).default(1).describe("Distance between elements of the kernel"),
    padding_mode: z.literal("zeros").default("zeros").describe("There is no other"),
  });

function define(
  dimensions: Spatial,
  summary: string,
  Class: new (...args: ConstructorParameters<typeof ConvTranspose2d>) => TransposedConvolution,
): LayerDefinition<ReturnType<typeof schema>> {
  return defineLayer({
    type: `ConvTranspose${dimensions}d`,
    summary,
    args: schema(dimensions),
    resolve(given, input) {
      checkSample(input, dimensions);
      const found = input[0] ?? 0;
      checkChannels(found, given.in_channels, given.out_channels, given.groups);
      const kernel = pairOf(given.kernel_size, dimensions, 1);
      const stride = pairOf(given.stride, dimensions, 1);
      const dilation = pairOf(given.dilation, dimensions, 1);
      const before = pairOf(given.padding, dimensions, 0);
      const extra = pairOf(given.output_padding, dimensions, 0);
      for (const i of dimensions === 1 ? ([1] as const) : ([0, 1] as const)) {
        const below = Math.max(stride[i], dilation[i]);
        if (extra[i] >= below) {
          throw new ShapeError(
            `expects less than ${below} (the larger of stride and dilation), got ${extra[i]}`,
            "output_padding",
          );
        }
      }
      const geometry = { stride, dilation, before, groups: given.groups };
      const positions = spatialSize(input, dimensions);
      const whole = transposedSize(positions, kernel, { ...geometry, before: [0, 0] }, extra);
      const size = transposedSize(positions, kernel, geometry, extra);
      for (const i of [0, 1] as const) {
        if (size[i] >= 1) continue;
        const most = Math.floor((whole[i] - 1) / 2);
        throw new ShapeError(
          `expects at most ${most}, so that something of the output is left, got ${before[i]}`,
          "padding",
        );
      }
      checkReach(kernel, stride, dilation);
      const output = sampleOf(given.out_channels, size, dimensions);
      const products = elementCount(input) * (given.out_channels / given.groups) * kernel[0] * kernel[1];
      return { args: { ...given, in_channels: found }, output, flops: 2 * products };
    },
    parameters(given) {
      const kernel = pairOf(given.kernel_size, dimensions, 1);
      const { weight, bias } = specsOf(given.in_channels ?? 0, given.out_channels, kernel, given.groups, dimensions);
      return given.bias ? { weight, bias } : { weight };
    },
    create: (given) =>
      new Class(
        given.in_channels ?? 0,
        given.out_channels,
        given.kernel_size,
        given.stride,
        given.padding,
        given.output_padding,
        given.groups,
        given.bias,
        given.dilation,
      ),
  });
}

export const transposedConvolutionLayers = [
  define(1, "Spreads each element of samples [channels, length] over a window, by learned kernels", ConvTranspose1d),
  define(
    2,
    "Spreads each pixel of images [channels, height, width] over a window, by learned kernels",
    ConvTranspose2d,
  ),
];
