/** AdaptiveAvgPool over one, two and three dimensions, and GlobalAvgPool: averages over as many windows as one asks for. */
import { z } from "zod";
import { mean, sparseProduct } from "../ops/index.ts";
import { elementCount, ShapeError, showShape } from "../shape.ts";
import { SparseMap } from "../sparse-map.ts";
import type { Tensor } from "../tensor.ts";
import { type AdaptiveSize, adaptiveAverages, adaptiveSize, adaptiveSizes } from "./adaptive-size.ts";
import { defineLayer, type LayerDefinition } from "./definition.ts";
import { Module } from "./module.ts";
import { checkRank, checkSample, type Spatial } from "./spatial.ts";

abstract class AdaptiveAveragePool extends Module {
  protected abstract readonly dimensions: Spatial;
  readonly #size: AdaptiveSize;
  readonly #maps = new Map<string, SparseMap>();

  constructor(outputSize: AdaptiveSize) {
    super();
    this.#size = outputSize;
  }

  forward(x: Tensor): Tensor {
    checkRank(this.constructor.name, x, this.dimensions);
    const first = x.rank - this.dimensions;
    const positions = x.shape.slice(first);
    const size = adaptiveSize(this.#size, positions, this.dimensions);
    let y = x;
    positions.forEach((length, i) => {
      const count = size[i] ?? length;
      if (count !== length) y = sparseProduct(y, first + i, this.#map(length, count));
    });
    return y;
  }

  #map(length: number, count: number): SparseMap {
    const key = `${length} ${count}`;
    const map = this.#maps.get(key) ?? new SparseMap(length, adaptiveAverages(length, count));
    this.#maps.set(key, map);
    return map;
  }
}

/** Shapes: (N, C, L) → (N, C, output_size). */
export class AdaptiveAvgPool1d extends AdaptiveAveragePool {
  protected readonly dimensions = 1;
}
/** Shapes: (N, C, H, W) → (N, C, …output_size); null keeps a size. */
export class AdaptiveAvgPool2d extends AdaptiveAveragePool {
  protected readonly dimensions = 2;
}
/** Shapes: (N, C, D, H, W) → (N, C, …output_size); null keeps a size. */
export class AdaptiveAvgPool3d extends AdaptiveAveragePool {
  protected readonly dimensions = 3;
}

const schema = (dimensions: Spatial) => z.strictObject({ output_size: adaptiveSizes(dimensions) });

function define(
  dimensions: Spatial,
  Class: new (size: AdaptiveSize) => AdaptiveAveragePool,
): LayerDefinition<ReturnType<typeof schema>> {
  return defineLayer({
    type: `AdaptiveAvgPool${dimensions}d`,
    summary: "The average of each window, the windows sharing the input evenly: output_size of them",
    args: schema(dimensions),
    resolve(given, input) {
      checkSample(input, dimensions);
      const size = adaptiveSize(given.output_size, input.slice(1), dimensions);
      return { args: given, output: [input[0] ?? 0, ...size], flops: elementCount(input) };
    },
    create: (given) => new Class(given.output_size),
  });
}

/** The average of each channel. Shapes: (N, C, *) → (N, C). */
export class GlobalAvgPool extends Module {
  forward(x: Tensor): Tensor {
    const dims = x.shape.map((_, i) => i).slice(2);
    return mean(x, dims);
  }
}

export const globalAvgPoolLayer = defineLayer({
  type: "GlobalAvgPool",
  summary: "The average of each channel over all its positions: [channels, …] becomes [channels]",
  args: z.strictObject({}),
  resolve(given, input) {
    if (input.length < 2) {
      throw new ShapeError(`takes samples of shape [channels, …positions], got ${showShape(input)}`);
    }
    return { args: given, output: input.slice(0, 1), flops: elementCount(input) };
  },
  create: () => new GlobalAvgPool(),
});

export const adaptiveAveragePoolLayers = [
  define(1, AdaptiveAvgPool1d),
  define(2, AdaptiveAvgPool2d),
  define(3, AdaptiveAvgPool3d),
];
