/** Flatten and Identity: layers that compute nothing. */
import { z } from "zod";
import { flatten } from "../ops/index.ts";
import { elementCount, ShapeError, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { defineLayer } from "./definition.ts";
import { Module } from "./module.ts";
import { dim } from "./schema.ts";

/** Joins dimensions start … end of (N, *) into one. */
export class Flatten extends Module {
  readonly #start: number;
  readonly #end: number;
  constructor(startDim = 1, endDim = -1) {
    super();
    this.#start = startDim;
    this.#end = endDim;
  }
  forward(x: Tensor): Tensor {
    return flatten(x, this.#start, this.#end);
  }
}

export const flattenLayer = defineLayer({
  type: "Flatten",
  summary: "Joins dimensions start_dim … end_dim into one; dimension 0 is the batch",
  args: z.strictObject({ start_dim: dim.default(1), end_dim: dim.default(-1) }),
  resolve(args, input) {
    const rank = input.length + 1;
    const at = (d: number, field: string): number => {
      const from = d < 0 ? d + rank : d;
      if (from < 1)
        throw new ShapeError("can't join the batch dimension (0) with others: samples would mix. Use 1 or more", field);
      if (from >= rank)
        throw new ShapeError(`dimension ${d} does not exist in samples of shape ${showShape(input)}`, field);
      return from - 1;
    };
    if (input.length === 0) throw new ShapeError("needs samples with dimensions to join, got single numbers");
    const start = at(args.start_dim, "start_dim");
    const end = at(args.end_dim, "end_dim");
    if (end < start)
      throw new ShapeError(`end_dim ${args.end_dim} comes before start_dim ${args.start_dim}`, "end_dim");
    const output = [...input.slice(0, start), elementCount(input.slice(start, end + 1)), ...input.slice(end + 1)];
    return { args, output, flops: 0 };
  },
  create: (args) => new Flatten(args.start_dim, args.end_dim),
});

/** Gives back what it is given. */
export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}

export const identityLayer = defineLayer({
  type: "Identity",
  summary: "x, unchanged",
  args: z.strictObject({}),
  resolve: (args, input) => ({ args, output: input, flops: 0 }),
  create: () => new Identity(),
});
