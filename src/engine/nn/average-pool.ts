/** AvgPool and LPPool over one, two and three dimensions: windows averaged one direction after the other. */
import { z } from "zod";
import { abs, mul, pow, relu, sign, sparseProduct } from "../ops/index.ts";
import { elementCount, ShapeError } from "../shape.ts";
import { SparseMaps, type Term } from "../sparse-map.ts";
import type { Tensor } from "../tensor.ts";
import { pooledSize } from "../windows.ts";
import { defineLayer, type LayerDefinition } from "./definition.ts";
import { ceilMode, pooledSample, windowArgs } from "./max-pool.ts";
import { Module } from "./module.ts";
import { checkRank, listOf, type Sizes, type Spatial } from "./spatial.ts";

interface WindowRow {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly ceil: boolean;
  readonly includePad: boolean;
  /** What a sum is divided by, instead of the number of its elements. */
  readonly divisor: number | null;
}

export interface AverageArgs {
  readonly kernel_size: Sizes;
  readonly stride: Sizes | null;
  readonly padding: Sizes;
  readonly ceil_mode: boolean;
  readonly count_include_pad: boolean;
  readonly divisor_override?: number | null;
}

/** For each dimension, the windows along a length. */
export function windowAverages(args: AverageArgs, dimensions: Spatial): ((length: number) => Term[][])[] {
  const strides = listOf(args.stride ?? args.kernel_size, dimensions);
  const pads = listOf(args.padding, dimensions);
  const override = args.divisor_override ?? null;
  return listOf(args.kernel_size, dimensions).map((kernel, i) => {
    // The override divides once, not once for each direction.
    const divisor = override === null ? null : i === dimensions - 1 ? override : 1;
    const row = { kernel, stride: strides[i] ?? kernel, padding: pads[i] ?? 0, ceil: args.ceil_mode };
    return (length) => averages(length, { ...row, includePad: args.count_include_pad, divisor });
  });
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
    const args = {
      kernel_size: kernelSize,
      stride,
      padding,
      ceil_mode: ceilMode,
      count_include_pad: countIncludePad,
      divisor_override: divisorOverride,
    };
    this.#maps = windowAverages(args, dimensions).map((rows) => new SparseMaps(rows));
  }

  forward(x: Tensor): Tensor {
    checkRank(this.constructor.name, x, this.#dimensions);
    const first = x.rank - this.#dimensions;
    let y = x;
    this.#maps.forEach((maps, i) => {
      y = sparseProduct(y, first + i, maps.for(x.shape[first + i] ?? 1));
    });
    return y;
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

/** Shapes: (N, C, D, H, W) → (N, C, D′, H′, W′); without N too. */
export class AvgPool3d extends AveragePool {
  constructor(
    kernelSize: Sizes,
    stride: Sizes | null = null,
    padding: Sizes = 0,
    ceilMode = false,
    countIncludePad = true,
    divisorOverride: number | null = null,
  ) {
    super(3, kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride);
  }
}

const averageArgs = (dimensions: Spatial) => ({
  ...windowArgs(dimensions),
  ceil_mode: ceilMode,
  count_include_pad: z.boolean().default(true).describe("Whether added elements count in the average"),
});

/** Additions of one sample: one for each element of each window. */
function windowFlops(kernelSize: Sizes, output: readonly number[], dimensions: Spatial): number {
  return elementCount(output) * elementCount(listOf(kernelSize, dimensions));
}

export const avgPool1dLayer = defineLayer({
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

const dividedArgs = (dimensions: Spatial) => z.strictObject({ ...averageArgs(dimensions), divisor_override: divisor });

function defineDivided(
  dimensions: Spatial,
  summary: string,
  Class: new (...args: ConstructorParameters<typeof AvgPool2d>) => AveragePool,
): LayerDefinition<ReturnType<typeof dividedArgs>> {
  return defineLayer({
    type: `AvgPool${dimensions}d`,
    summary,
    args: dividedArgs(dimensions),
    resolve(given, input) {
      const output = pooledSample(given, input, dimensions);
      return { args: given, output, flops: windowFlops(given.kernel_size, output, dimensions) };
    },
    create: (given) =>
      new Class(
        given.kernel_size,
        given.stride,
        given.padding,
        given.ceil_mode,
        given.count_include_pad,
        given.divisor_override,
      ),
  });
}

/** (Σ xᵖ)^(1/p) of each window; the sum keeps its sign, and only what is positive counts, as in PyTorch. */
abstract class LPPool extends Module {
  readonly #p: number;
  readonly #elements: number;
  readonly #average: AveragePool;

  protected constructor(dimensions: Spatial, normType: number, kernelSize: Sizes, average: AveragePool) {
    super();
    this.#p = normType;
    this.#elements = elementCount(listOf(kernelSize, dimensions));
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

/** Shapes: (N, C, D, H, W) → (N, C, D′, H′, W′); without N too. */
export class LPPool3d extends LPPool {
  constructor(normType: number, kernelSize: Sizes, stride: Sizes | null = null, ceilMode = false) {
    super(3, normType, kernelSize, new AvgPool3d(kernelSize, stride, 0, ceilMode));
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

export const dividedPoolLayers = [
  defineDivided(2, "The average of each window of images [channels, height, width]", AvgPool2d),
  defineDivided(3, "The average of each window of volumes [channels, depth, height, width]", AvgPool3d),
];
export const normPoolLayers = [defineNorm(1, LPPool1d), defineNorm(2, LPPool2d), defineNorm(3, LPPool3d)];
