/** LocalResponseNorm (Krizhevsky et al., 2012): each value divided by what neighbouring channels have in the same place. */
import { z } from "zod";
import { add, div, mul, pow, sparseProduct, square } from "../ops/index.ts";
import { elementCount, ShapeError, showShape } from "../shape.ts";
import { SparseMaps, type Term } from "../sparse-map.ts";
import type { Tensor } from "../tensor.ts";
import { defineLayer } from "./definition.ts";
import { Module } from "./module.ts";
import { size } from "./schema.ts";

/** x / (k + alpha·mean of x² over `size` channels around)^beta. Shapes: (N, C, *) → the same. */
export class LocalResponseNorm extends Module {
  readonly #neighbours: SparseMaps;
  readonly #alpha: number;
  readonly #beta: number;
  readonly #k: number;

  constructor(windowSize: number, alpha = 1e-4, beta = 0.75, k = 1) {
    super();
    this.#alpha = alpha;
    this.#beta = beta;
    this.#k = k;
    this.#neighbours = new SparseMaps((channels) => neighbours(channels, windowSize));
  }

  forward(x: Tensor): Tensor {
    if (x.rank < 3) throw new ShapeError(`LocalResponseNorm takes (N, C, *), got ${showShape(x.shape)}.`);
    const around = sparseProduct(square(x), 1, this.#neighbours.for(x.shape[1] ?? 1));
    return div(x, pow(add(mul(around, this.#alpha), this.#k), this.#beta));
  }
}

/** Channels that do not exist count as zeros, so the sum is always divided by the window's size. */
export function neighbours(channels: number, windowSize: number): Term[][] {
  return Array.from({ length: channels }, (_, c) => {
    const first = Math.max(0, c - Math.floor(windowSize / 2));
    const last = Math.min(channels - 1, c + Math.floor((windowSize - 1) / 2));
    return Array.from({ length: last - first + 1 }, (_, i): Term => [first + i, 1 / windowSize]);
  });
}

export const localResponseNormLayer = defineLayer({
  type: "LocalResponseNorm",
  summary: "Divides each value by (k + alpha·mean of x² over neighbouring channels)^beta",
  args: z.strictObject({
    size: size.describe("Channels in the mean, this one in the middle"),
    alpha: z.number().default(1e-4),
    beta: z.number().default(0.75),
    k: z.number().default(1),
  }),
  resolve(given, input) {
    if (input.length < 2) {
      throw new ShapeError(`takes samples of shape [channels, …positions], got ${showShape(input)}`);
    }
    return { args: given, output: input, flops: (2 * given.size + 20) * elementCount(input) };
  },
  create: (given) => new LocalResponseNorm(given.size, given.alpha, given.beta, given.k),
});
