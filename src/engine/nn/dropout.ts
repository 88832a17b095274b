/** Dropout: zeroes elements at random while training. */
import { z } from "zod";
import { mul } from "../ops/index.ts";
import { nextStream, type RandomStream } from "../random.ts";
import { elementCount } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { defineLayer } from "./definition.ts";
import { Module } from "./module.ts";
import { inplace, probability } from "./schema.ts";

/** x·mask/(1 − p) in training, x otherwise. The mask depends on seed, layer name and call alone. */
export class Dropout extends Module {
  readonly stream: RandomStream = nextStream();
  readonly #p: number;

  constructor(p = 0.5) {
    super();
    this.#p = p;
  }

  forward(x: Tensor): Tensor {
    if (!this.training || this.#p === 0) return x;
    return mul(x, this.stream.dropoutMask(x.shape, this.#p));
  }
}

export const dropoutLayer = defineLayer({
  type: "Dropout",
  summary: "Zeroes each element with probability p in training and scales the rest by 1/(1 − p)",
  args: z.strictObject({ p: probability.default(0.5), inplace }),
  resolve: (args, input) => ({ args, output: input, flops: elementCount(input) }),
  create: (args) => new Dropout(args.p),
});
