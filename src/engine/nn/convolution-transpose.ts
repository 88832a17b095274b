/** ConvTranspose1d, ConvTranspose2d and ConvTranspose3d: what a convolution's input gets as gradient, as a layer of its own. */
import { z } from "zod";
import { add, convolutionInput, reshape } from "../ops/index.ts";
import { elementCount, ShapeError } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { type ConvolutionGeometry, checkReach } from "../windows.ts";
import { checkChannels, convolutionSpecs } from "./convolution.ts";
import { defineLayer, type LayerDefinition } from "./definition.ts";
import { DepthWindows, imagesOf } from "./depth.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { channels, size } from "./schema.ts";
import { asVolumes, checkSample, depthOf, listOf, planeOf, type Sizes, type Spatial, sizes } from "./spatial.ts";

/** What changes the size, one number for each dimension. */
interface Spread {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly padding: readonly number[];
  readonly extra: readonly number[];
}

/** (L − 1)·stride − 2·padding + dilation·(kernel − 1) + output_padding + 1 along dimension i. */
function transposedLength(length: number, i: number, { kernel, stride, dilation, padding, extra }: Spread): number {
  const reach = (dilation[i] ?? 1) * ((kernel[i] ?? 1) - 1);
  return (length - 1) * (stride[i] ?? 1) - 2 * (padding[i] ?? 0) + reach + (extra[i] ?? 0) + 1;
}

abstract class TransposedConvolution extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly #dimensions: Spatial;
  readonly #spread: Spread;
  readonly #geometry: ConvolutionGeometry;
  readonly #depth: DepthWindows;

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
    this.#dimensions = dimensions;
    const spread = {
      kernel: listOf(kernelSize, dimensions),
      stride: listOf(stride, dimensions),
      dilation: listOf(dilation, dimensions),
      padding: listOf(padding, dimensions),
      extra: listOf(outputPadding, dimensions),
    };
    const specs = convolutionSpecs([inChannels, outChannels / groups, ...spread.kernel], outChannels);
    this.weight = new Parameter(specs.weight);
    this.bias = bias ? new Parameter(specs.bias) : null;
    this.#spread = spread;
    this.#geometry = {
      stride: planeOf(spread.stride, 1),
      dilation: planeOf(spread.dilation, 1),
      before: planeOf(spread.padding, 0),
      groups,
    };
    this.#depth = new DepthWindows({
      slices: depthOf(spread.kernel, 1),
      stride: depthOf(spread.stride, 1),
      dilation: depthOf(spread.dilation, 1),
      before: depthOf(spread.padding, 0),
    });
  }

  forward(x: Tensor): Tensor {
    const { volumes, restore } = asVolumes(this.constructor.name, x, this.#dimensions);
    const { kernel } = this.#spread;
    const size = kernel.map((_, i) => transposedLength(volumes.shape.at(i - this.#dimensions) ?? 1, i, this.#spread));
    if (size.some((length) => length < 1)) {
      throw new ShapeError(`${this.constructor.name}: the padding takes away the whole output.`, "padding");
    }
    const [inputs = 0, outputs = 0] = this.weight.shape;
    const weight = reshape(this.weight, [inputs, outputs * depthOf(kernel, 1), ...planeOf(kernel, 1)]);
    const images = convolutionInput(imagesOf(volumes), weight, this.#geometry, planeOf(size, 1));
    const y = restore(this.#depth.spread(images, volumes.shape[0] ?? 0, depthOf(size, 1)));
    return this.bias ? add(y, reshape(this.bias, [this.bias.size, ...size.map(() => 1)])) : y;
  }
}

/** Shapes: (N, in_channels, L) → (N, out_channels, L′); without N too. */
export class ConvTranspose1d extends TransposedConvolution {
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

/** Shapes: (N, in_channels, D, H, W) → (N, out_channels, D′, H′, W′); without N too. */
export class ConvTranspose3d extends TransposedConvolution {
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
    super(3, inChannels, outChannels, kernelSize, stride, padding, outputPadding, groups, bias, dilation);
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
      const spread = {
        kernel: listOf(given.kernel_size, dimensions),
        stride: listOf(given.stride, dimensions),
        dilation: listOf(given.dilation, dimensions),
        padding: listOf(given.padding, dimensions),
        extra: listOf(given.output_padding, dimensions),
      };
      const { kernel, stride, dilation } = spread;
      spread.extra.forEach((extra, i) => {
        const below = Math.max(stride[i] ?? 1, dilation[i] ?? 1);
        if (extra >= below) {
          throw new ShapeError(
            `expects less than ${below} (the larger of stride and dilation), got ${extra}`,
            "output_padding",
          );
        }
      });
      const size = input.slice(1).map((length, i) => {
        const found = transposedLength(length, i, spread);
        if (found >= 1) return found;
        const padding = spread.padding[i] ?? 0;
        const most = Math.floor((found + 2 * padding - 1) / 2);
        throw new ShapeError(
          `expects at most ${most}, so that something of the output is left, got ${padding}`,
          "padding",
        );
      });
      checkReach(planeOf(kernel, 1), planeOf(stride, 1), planeOf(dilation, 1));
      const output = [given.out_channels, ...size];
      const products = elementCount(input) * (given.out_channels / given.groups) * elementCount(kernel);
      // Every slice of depth gives to as many as the kernel has, which are then summed.
      const spreadSlices = (input[1] ?? 1) * depthOf(kernel, 1);
      const innerValues = dimensions < 3 ? 0 : given.out_channels * spreadSlices * elementCount(size.slice(1));
      return { args: { ...given, in_channels: found }, output, flops: 2 * products, innerValues };
    },
    parameters(given) {
      const kernel = listOf(given.kernel_size, dimensions);
      const shape = [given.in_channels ?? 0, given.out_channels / given.groups, ...kernel];
      const { weight, bias } = convolutionSpecs(shape, given.out_channels);
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
  define(
    3,
    "Spreads each element of volumes [channels, depth, height, width] over a window, by learned kernels",
    ConvTranspose3d,
  ),
];
