/** Conv1d, Conv2d and Conv3d. */
import { z } from "zod";
import { convolution } from "../ops/index.ts";
import { uniformWithin } from "../random.ts";
import { elementCount, ShapeError } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { type ConvolutionGeometry, checkReach, windowCount } from "../windows.ts";
import { defineLayer, type LayerDefinition } from "./definition.ts";
import { DepthWindows, volumesOf } from "./depth.ts";
import { type Amounts, checkEdges, type EdgeMode, Edges } from "./edges.ts";
import { Module } from "./module.ts";
import { Parameter, type ParameterSpec } from "./parameter.ts";
import { channels, size } from "./schema.ts";
import { asVolumes, checkSample, depthOf, listOf, planeOf, type Sizes, type Spatial, sizes } from "./spatial.ts";

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
export function convolutionPadding(
  padding: Sizes | "same" | "valid",
  kernel: readonly number[],
  dilation: readonly number[],
  dimensions: Spatial,
): Amounts[] {
  const given = typeof padding === "string" ? 0 : padding;
  if (padding !== "same") return listOf(given, dimensions).map((amount): Amounts => [amount, amount]);
  return kernel.map((k, i) => {
    const total = (dilation[i] ?? 1) * (k - 1);
    return [Math.floor(total / 2), total - Math.floor(total / 2)];
  });
}

abstract class Convolution extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly #dimensions: Spatial;
  readonly #kernel: readonly number[];
  readonly #stride: readonly number[];
  readonly #dilation: readonly number[];
  readonly #geometry: ConvolutionGeometry;
  readonly #amounts: readonly Amounts[];
  readonly #edges: Edges | null;
  readonly #depth: DepthWindows;

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
    this.#dimensions = dimensions;
    this.#kernel = listOf(kernelSize, dimensions);
    this.#stride = listOf(stride, dimensions);
    this.#dilation = listOf(dilation, dimensions);
    const specs = convolutionSpecs([outChannels, inChannels / groups, ...this.#kernel], outChannels);
    this.weight = new Parameter(specs.weight);
    this.bias = bias ? new Parameter(specs.bias) : null;
    this.#amounts = convolutionPadding(padding, this.#kernel, this.#dilation, dimensions);
    this.#edges = paddingMode === "zeros" ? null : new Edges(paddingMode, this.#amounts);
    const before = this.#amounts.map(([first]) => (this.#edges ? 0 : first));
    this.#geometry = {
      stride: planeOf(this.#stride, 1),
      dilation: planeOf(this.#dilation, 1),
      before: planeOf(before, 0),
      groups,
    };
    this.#depth = new DepthWindows({
      slices: depthOf(this.#kernel, 1),
      stride: depthOf(this.#stride, 1),
      dilation: depthOf(this.#dilation, 1),
      before: depthOf(before, 0),
    });
  }

  forward(x: Tensor): Tensor {
    const { volumes, restore } = asVolumes(this.constructor.name, x, this.#dimensions);
    const size = this.#kernel.map((kernel, i) => {
      const [before, after] = this.#amounts[i] ?? [0, 0];
      const length = volumes.shape.at(i - this.#dimensions) ?? 1;
      return windowCount(length, kernel, this.#stride[i] ?? 1, this.#dilation[i], before + after);
    });
    if (size.some((count) => count < 1)) {
      throw new ShapeError(`${this.constructor.name}: the kernel is larger than the padded input.`, "kernel_size");
    }
    const padded = this.#edges ? this.#edges.pad(volumes) : volumes;
    const images = this.#depth.take(padded, depthOf(size, 1));
    const [features = 0, channels = 0] = this.weight.shape;
    const stacked = [features, channels * depthOf(this.#kernel, 1), ...planeOf(this.#kernel, 1)];
    const y = convolution(images, this.weight.reshape(stacked), this.bias, this.#geometry, planeOf(size, 1));
    return restore(volumesOf(y, volumes.shape[0] ?? 0));
  }
}

/** Shapes: (N, in_channels, L) → (N, out_channels, L′); without N too. */
export class Conv1d extends Convolution {
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

/** Shapes: (N, in_channels, D, H, W) → (N, out_channels, D′, H′, W′); without N too. */
export class Conv3d extends Convolution {
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
    super(3, inChannels, outChannels, kernelSize, stride, padding, dilation, groups, bias, paddingMode);
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
      const kernel = listOf(given.kernel_size, dimensions);
      const stride = listOf(given.stride, dimensions);
      const dilation = listOf(given.dilation, dimensions);
      if (given.padding === "same" && stride.some((step) => step !== 1)) {
        throw new ShapeError(`"same" keeps the size, which needs stride 1, got stride ${given.stride}`, "padding");
      }
      const amounts = convolutionPadding(given.padding, kernel, dilation, dimensions);
      const size = input.slice(1).map((length, i) => {
        const [before, after] = amounts[i] ?? [0, 0];
        if (given.padding_mode !== "zeros") checkEdges(given.padding_mode, length, [before, after]);
        const [wide = 1, apart = 1] = [kernel[i], dilation[i]];
        const reach = apart * (wide - 1) + 1;
        const room = length + before + after;
        if (reach > room) {
          throw new ShapeError(
            `expects a kernel that reaches over at most ${room} elements (${length} and padding), got ${reach}`,
            "kernel_size",
          );
        }
        return windowCount(length, wide, stride[i] ?? 1, apart, before + after);
      });
      checkReach(planeOf(kernel, 1), planeOf(stride, 1), planeOf(dilation, 1));
      const output = [given.out_channels, ...size];
      const products = elementCount(output) * (found / given.groups) * elementCount(kernel);
      // The slices that each window of depth takes are laid out beside each other.
      const innerValues =
        dimensions < 3 ? 0 : found * depthOf(kernel, 1) * depthOf(size, 1) * elementCount(input.slice(2));
      return { args: { ...given, in_channels: found }, output, flops: 2 * products, innerValues };
    },
    parameters(given) {
      const shape = [
        given.out_channels,
        (given.in_channels ?? 0) / given.groups,
        ...listOf(given.kernel_size, dimensions),
      ];
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
  define(3, "Slides learned kernels over volumes [channels, depth, height, width]", Conv3d),
];
