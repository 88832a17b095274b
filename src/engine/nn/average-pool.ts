/** AvgPool1d and AvgPool2d, LPPool1d and LPPool2d: windows averaged one direction after the other. */
import { z } from "zod";
import { abs, mul, pow, relu, sign, sparseProduct } from "../ops/index.ts";
import { elementCount, ShapeError } from "../shape.ts";
import { SparseMaps, type Term } from "../sparse-map.ts";
import type { Tensor } from "../tensor.ts";
import { pooledSize } from "../windows.ts";
import { defineLayer, type LayerDefinition } from "./definition.ts";
import { ceilMode, pooledSample, windowArgs } from "./max-pool.ts";
import { Module } from "./module.ts";
import { asImages, pairOf, type Sizes, type Spatial } from "./spatial.ts";

interface WindowRow {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly ceil: boolean;
  readonly includePad: boolean;
  /** What a sum is divided by, instead of the number of its elements. */
  readonly divisor: number | null;
}

/** Windows along one dimension: [start, end) within the padded input, of which only real elements are summed. */
function averages(length: number, { kernel, stride, padding, ceil, includePad, divisor }: WindowRow): Term[][] {
  const count = pooledSize(length, kernel, stride, 1, padding, ceil);
  if (count < 1) throw new ShapeError("the window is larger than the padded input", "kernel_size");
  return Array.from({ length: count }, (_, i) => {
    const start = i * stride - padding;
    const end = Math.min(start + kernel, length + padding);
    const [first, last] = [Math.max(start, 0), Math.min(end, length)];
    const by = divisor ?? (includePad ? end - start : last - first);
    return Array.from({ length: Math.max(0, last - first) }, (_, j): Term => [first + j, 1 / by]);
  });
}

abstract class AveragePool extends Module {
  readonly #dimensions: Spatial;
  readonly #maps: readonly SparseMaps[];

  protected constructor(
    dimensions: Spatial,
    kernelSize: Sizes,
    stride: Sizes | null,
    padding: Sizes,
    ceilMode: boolean,
    countIncludePad: boolean,
    divisorOverride: number | null,
  ) {
    super();
    this.#dimensions = dimensions;
    const kernel = pairOf(kernelSize, dimensions, 1);
    const strides = pairOf(stride ?? kernelSize, dimensions, 1);
    const pads = pairOf(padding, dimensions, 0);
    this.#maps = ([0, 1] as const).map((i) => {
      // The override divides once, not once for each direction.
      const divisor = divisorOverride === null ? null : i === 1 ? divisorOverride : 1;
      const row = { kernel: kernel[i], stride: strides[i], padding: pads[i], ceil: ceilMode };
      return new SparseMaps((length) => averages(length, { ...row, includePad: countIncludePad, divisor }));
    });
  }

  forward(x: Tensor): Tensor {
    const { images, restore } = asImages(this.constructor.name, x, this.#dimensions);
    let y = images;
    for (const i of this.#dimensions === 1 ? [1] : [0, 1]) {
      const map = this.#maps[i]?.for(images.shape[i + 2] ?? 1);
      if (map) y = sparseProduct(y, i + 2, map);
    }
    return restore(y);
  }
}

/** Shapes: (N, C, L) → (N, C, L′); without N too. */
export class AvgPool1d extends AveragePool {
  constructor(
    kernelSize: Sizes,
    stride: Sizes | null = null,
    padding: Sizes = 0,
    ceilMode = false,
    countIncludePad = true,
  ) {
    super(1, kernelSize, stride, padding, ceilMode, countIncludePad, null);
  }
}

/** Shapes: (N, C, H, W) → (N, C, H′, W′); without N too. */
export class AvgPool2d extends AveragePool {
  constructor(
    kernelSize: Sizes,
    stride: Sizes | null = null,
    padding: Sizes = 0,
    ceilMode = false,
    countIncludePad = true,
    divisorOverride: number | null = null,
  ) {
    super(2, kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride);
  }
}

const averageArgs = (dimensions: Spatial) => ({
  ...windowArgs(dimensions),
  ceil_mode: ceilMode,
  count_include_pad: z.boolean().default(true).describe("Whether added elements count in the average"),
});

/** Additions of one sample: one for each element of each window. */
function windowFlops(kernelSize: Sizes, output: readonly number[], dimensions: Spatial): number {
  const [height, width] = pairOf(kernelSize, dimensions, 1);
  return elementCount(output) * height * width;
}

const avgPool1dLayer = defineLayer({
  type: "AvgPool1d",
  summary: "The average of each window of samples [channels, length]",
  args: z.strictObject(averageArgs(1)),
  resolve(given, input) {
    const output = pooledSample(given, input, 1);
    return { args: given, output, flops: windowFlops(given.kernel_size, output, 1) };
  },
  create: (given) =>
    new AvgPool1d(given.kernel_size, given.stride, given.padding, given.ceil_mode, given.count_include_pad),
});

const divisor = z
  .int()
  .min(1)
  .max(2 ** 24)
  .nullable()
  .default(null)
  .describe("What sums are divided by, instead of the number of elements");

const avgPool2dLayer = defineLayer({
  type: "AvgPool2d",
  summary: "The average of each window of images [channels, height, width]",
  args: z.strictObject({ ...averageArgs(2), divisor_override: divisor }),
  resolve(given, input) {
    const output = pooledSample(given, input, 2);
    return { args: given, output, flops: windowFlops(given.kernel_size, output, 2) };
  },
  create: (given) =>
    new AvgPool2d(
      given.kernel_size,
      given.stride,
      given.padding,
      given.ceil_mode,
      given.count_include_pad,
      given.divisor_override,
    ),
});

/** (Σ xᵖ)^(1/p) of each window; the sum keeps its sign, and only what is positive counts, as in PyTorch. */
abstract class LPPool extends Module {
  readonly #p: number;
  readonly #elements: number;
  readonly #average: AveragePool;

  protected constructor(dimensions: Spatial, normType: number, kernelSize: Sizes, average: AveragePool) {
    super();
    this.#p = normType;
    this.#elements = elementCount(pairOf(kernelSize, dimensions, 1));
    this.#average = average;
  }

  forward(x: Tensor): Tensor {
    const a = this.#average.forward(pow(x, this.#p));
    return pow(mul(mul(sign(a), relu(abs(a))), this.#elements), 1 / this.#p);
  }
}

/** Shapes: (N, C, L) → (N, C, L′); without N too. */
export class LPPool1d extends LPPool {
  constructor(normType: number, kernelSize: Sizes, stride: Sizes | null = null, ceilMode = false) {
    super(1, normType, kernelSize, new AvgPool1d(kernelSize, stride, 0, ceilMode));
  }
}

/** Shapes: (N, C, H, W) → (N, C, H′, W′); without N too. */
export class LPPool2d extends LPPool {
  constructor(normType: number, kernelSize: Sizes, stride: Sizes | null = null, ceilMode = false) {
    super(2, normType, kernelSize, new AvgPool2d(kernelSize, stride, 0, ceilMode));
  }
}

const normSchema = (dimensions: Spatial) => {
  const { kernel_size, stride } = windowArgs(dimensions);
  const norm_type = z.number().positive().max(1024).describe("p: 1 gives sums, 2 the length, large values the largest");
  return z.strictObject({ norm_type, kernel_size, stride, ceil_mode: ceilMode });
};

function defineNorm(
  dimensions: Spatial,
  Class: new (...args: ConstructorParameters<typeof LPPool2d>) => LPPool,
): LayerDefinition<ReturnType<typeof normSchema>> {
  return defineLayer({
    type: `LPPool${dimensions}d`,
    summary: "(Σ xᵖ)^(1/p) of each window",
    args: normSchema(dimensions),
    resolve(given, input) {
      const output = pooledSample({ ...given, padding: 0 }, input, dimensions);
      return { args: given, output, flops: 10 * windowFlops(given.kernel_size, output, dimensions) };
    },
    create: (given) => new Class(given.norm_type, given.kernel_size, given.stride, given.ceil_mode),
  });
}

export const averagePoolLayers = [avgPool1dLayer, avgPool2dLayer, defineNorm(1, LPPool1d), defineNorm(2, LPPool2d)];
