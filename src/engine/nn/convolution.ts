/** Conv1d and Conv2d. */
import { z } from "zod";
import { convolution } from "../ops/index.ts";
import { uniformWithin } from "../random.ts";
import { elementCount, ShapeError } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { type ConvolutionGeometry, checkReach, type Pair, windowCount } from "../windows.ts";
import { defineLayer, type LayerDefinition } from "./definition.ts";
import { type Amounts, checkEdges, type EdgeMode, Edges } from "./edges.ts";
import { Module } from "./module.ts";
import { Parameter, type ParameterSpec } from "./parameter.ts";
import { channels, size } from "./schema.ts";
import { asImages, checkSample, pairOf, type Sizes, type Spatial, sampleOf, sizes, spatialSize } from "./spatial.ts";

export type PaddingMode = "zeros" | EdgeMode;

/** What a convolution learns: U(±1/√fan_in), which is what kaiming_uniform_(a=√5) gives. */
export function convolutionSpecs(
  weight: readonly number[],
  features: number,
): Record<"weight" | "bias", ParameterSpec> {
  const fanIn = elementCount(weight.slice(1));
  const init = uniformWithin(fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0);
  return { weight: { shape: weight, init }, bias: { shape: [features], init } };
}

/** "same" keeps the size: what the kernel reaches over is added, the smaller half before. */
function amountsOf(padding: Sizes | "same" | "valid", kernel: Pair, dilation: Pair, dimensions: Spatial): Amounts[] {
  const given = typeof padding === "string" ? 0 : padding;
  const equal = pairOf(given, dimensions, 0).map((amount): Amounts => [amount, amount]);
  if (padding !== "same") return equal;
  return kernel.map((k, i) => {
    const total = (dilation[i] ?? 1) * (k - 1);
    return [Math.floor(total / 2), total - Math.floor(total / 2)];
  });
}

abstract class Convolution extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  protected abstract readonly dimensions: Spatial;
  readonly #geometry: ConvolutionGeometry;
  readonly #amounts: readonly Amounts[];
  readonly #edges: Edges | null;

  /** Shapes: (N, in_channels, *) → (N, out_channels, *). `dimensions` comes first, from the subclass. */
  constructor(
    dimensions: Spatial,
    inChannels: number,
    outChannels: number,
    kernelSize: Sizes,
    stride: Sizes,
    padding: Sizes | "same" | "valid",
    dilation: Sizes,
    groups: number,
    bias: boolean,
    paddingMode: PaddingMode,
  ) {
    super();
    const kernel = pairOf(kernelSize, dimensions, 1);
    const dilations = pairOf(dilation, dimensions, 1);
    const specs = convolutionSpecs(weightShape(inChannels, outChannels, kernel, groups, dimensions), outChannels);
    this.weight = new Parameter(specs.weight);
    this.bias = bias ? new Parameter(specs.bias) : null;
    this.#amounts = amountsOf(padding, kernel, dilations, dimensions);
    this.#edges = paddingMode === "zeros" ? null : new Edges(paddingMode, this.#amounts);
    const before: Pair = this.#edges ? [0, 0] : [this.#amounts[0]?.[0] ?? 0, this.#amounts[1]?.[0] ?? 0];
    this.#geometry = { stride: pairOf(stride, dimensions, 1), dilation: dilations, before, groups };
  }

  forward(x: Tensor): Tensor {
    const { images, restore } = asImages(this.constructor.name, x, this.dimensions);
    const { stride, dilation } = this.#geometry;
    const kernel = spatialSize(this.weight.shape, this.dimensions);
    const count = (i: 0 | 1): number => {
      const [before, after] = this.#amounts[i] ?? [0, 0];
      return windowCount(images.shape[i + 2] ?? 1, kernel[i], stride[i], dilation[i], before + after);
    };
    const size: Pair = [count(0), count(1)];
    if (size[0] < 1 || size[1] < 1) {
      throw new ShapeError(`${this.constructor.name}: the kernel is larger than the padded input.`, "kernel_size");
    }
    const weight = this.weight.reshape([...this.weight.shape.slice(0, 2), ...kernel]);
    const padded = this.#edges ? this.#edges.pad(images) : images;
    return restore(convolution(padded, weight, this.bias, this.#geometry, size));
  }
}

function weightShape(
  inChannels: number,
  outChannels: number,
  kernel: Pair,
  groups: number,
  dimensions: Spatial,
): number[] {
  return [outChannels, inChannels / groups, ...kernel.slice(2 - dimensions)];
}

/** Shapes: (N, in_channels, L) → (N, out_channels, L′); without N too. */
export class Conv1d extends Convolution {
  protected readonly dimensions = 1;
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Sizes,
    stride: Sizes = 1,
    padding: Sizes | "same" | "valid" = 0,
    dilation: Sizes = 1,
    groups = 1,
    bias = true,
    paddingMode: PaddingMode = "zeros",
  ) {
    super(1, inChannels, outChannels, kernelSize, stride, padding, dilation, groups, bias, paddingMode);
  }
}

/** Shapes: (N, in_channels, H, W) → (N, out_channels, H′, W′); without N too. */
export class Conv2d extends Convolution {
  protected readonly dimensions = 2;
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Sizes,
    stride: Sizes = 1,
    padding: Sizes | "same" | "valid" = 0,
    dilation: Sizes = 1,
    groups = 1,
    bias = true,
    paddingMode: PaddingMode = "zeros",
  ) {
    super(2, inChannels, outChannels, kernelSize, stride, padding, dilation, groups, bias, paddingMode);
  }
}

/** Throws ShapeError unless the samples' channels are those given (if any), and groups divide channels and features. */
export function checkChannels(found: number, given: number | undefined, features: number, groups: number): void {
  if (given !== undefined && given !== found) throw new ShapeError(`expects ${found}, got ${given}`, "in_channels");
  if (found % groups !== 0) {
    throw new ShapeError(`expects a divisor of the ${found} channels of the samples, got ${groups}`, "groups");
  }
  if (features % groups !== 0) {
    throw new ShapeError(`expects a divisor of out_channels, which is ${features}, got ${groups}`, "groups");
  }
}

const schema = (dimensions: Spatial) =>
  z.strictObject({
    in_channels: channels,
    out_channels: size.describe("Channels of the output: one for each learned kernel"),
    kernel_size: sizes(dimensions, 1).describe("Size of the kernel"),
    stride: sizes(dimensions, 1).default(1).describe("Steps between positions of the kernel"),
    padding: z
      .union([sizes(dimensions, 0), z.enum(["same", "valid"])])
      .default(0)
      .describe("Elements added on both sides; same: as many as keep the size; valid: none"),
    dilation: sizes(dimensions, 1).default(1).describe("Distance between elements of the kernel"),
    groups: size.default(1).describe("Groups of channels that don't see each other"),
    bias: z.boolean().default(true).describe("Learn an additive bias"),
    padding_mode: z
      .enum(["zeros", "reflect", "replicate", "circular"])
      .default("zeros")
      .describe("What the added elements are"),
  });

function define(
  dimensions: Spatial,
  summary: string,
  Class: new (...args: ConstructorParameters<typeof Conv2d>) => Convolution,
): LayerDefinition<ReturnType<typeof schema>> {
  return defineLayer({
    type: `Conv${dimensions}d`,
    summary,
    args: schema(dimensions),
    resolve(given, input) {
      checkSample(input, dimensions);
      const found = input[0] ?? 0;
      checkChannels(found, given.in_channels, given.out_channels, given.groups);
      const kernel = pairOf(given.kernel_size, dimensions, 1);
      const stride = pairOf(given.stride, dimensions, 1);
      const dilation = pairOf(given.dilation, dimensions, 1);
      if (given.padding === "same" && (stride[0] !== 1 || stride[1] !== 1)) {
        throw new ShapeError(`"same" keeps the size, which needs stride 1, got stride ${given.stride}`, "padding");
      }
      const amounts = amountsOf(given.padding, kernel, dilation, dimensions);
      const positions = spatialSize(input, dimensions);
      const count = (i: 0 | 1): number => {
        const [before, after] = amounts[i] ?? [0, 0];
        if (given.padding_mode !== "zeros") checkEdges(given.padding_mode, positions[i], [before, after]);
        const reach = dilation[i] * (kernel[i] - 1) + 1;
        const room = positions[i] + before + after;
        if (reach > room) {
          throw new ShapeError(
            `expects a kernel that reaches over at most ${room} elements (${positions[i]} and padding), got ${reach}`,
            "kernel_size",
          );
        }
        return windowCount(positions[i], kernel[i], stride[i], dilation[i], before + after);
      };
      const size: Pair = [count(0), count(1)];
      checkReach(kernel, stride, dilation);
      const output = sampleOf(given.out_channels, size, dimensions);
      const products = elementCount(output) * (found / given.groups) * kernel[0] * kernel[1];
      return { args: { ...given, in_channels: found }, output, flops: 2 * products };
    },
    parameters(given) {
      const kernel = pairOf(given.kernel_size, dimensions, 1);
      const shape = weightShape(given.in_channels ?? 0, given.out_channels, kernel, given.groups, dimensions);
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
        given.dilation,
        given.groups,
        given.bias,
        given.padding_mode,
      ),
  });
}

export const convolutionLayers = [
  define(1, "Slides learned kernels over samples [channels, length]", Conv1d),
  define(2, "Slides learned kernels over images [channels, height, width]", Conv2d),
];
