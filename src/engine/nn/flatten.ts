/** Flatten, Unflatten and Identity: layers that compute nothing. */
import { z } from "zod";
import { flatten, reshape } from "../ops/index.ts";
import { elementCount, normalizeDim, type Shape, ShapeError, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { defineLayer } from "./definition.ts";
import { Module } from "./module.ts";
import { dim, size } from "./schema.ts";

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

/** Splits dimension `dim` into several; one of their sizes may be -1. */
export class Unflatten extends Module {
  readonly #dim: number;
  readonly #sizes: Shape;
  constructor(dimension: number, unflattenedSize: Shape) {
    super();
    this.#dim = dimension;
    this.#sizes = unflattenedSize;
  }
  forward(x: Tensor): Tensor {
    const at = normalizeDim(this.#dim, x.rank, "Unflatten");
    return reshape(x, [...x.shape.slice(0, at), ...completed(this.#sizes, x.shape[at] ?? 1), ...x.shape.slice(at + 1)]);
  }
}

/** The sizes that `whole` is split into, with -1 filled in. */
function completed(sizes: Shape, whole: number): Shape {
  const known = elementCount(sizes.filter((n) => n !== -1));
  const open = sizes.filter((n) => n === -1).length;
  const fits = open === 0 ? known === whole : open === 1 && whole % known === 0;
  if (!fits)
    throw new ShapeError(`expects sizes that multiply to ${whole}, got ${showShape(sizes)}`, "unflattened_size");
  return sizes.map((n) => (n === -1 ? whole / known : n));
}

const part = z.union([z.literal(-1), size]);

export const unflattenLayer = defineLayer({
  type: "Unflatten",
  summary: "Splits dimension dim into several; dimension 0 is the batch",
  args: z.strictObject({
    dim: dim.default(1),
    unflattened_size: z.array(part).min(1).max(6).describe("The sizes; one may be -1, for what is left"),
  }),
  resolve(args, input) {
    const rank = input.length + 1;
    const at = args.dim < 0 ? args.dim + rank : args.dim;
    if (at === 0) throw new ShapeError("can't split the batch dimension (0). Use 1 or more", "dim");
    const whole = input[at - 1];
    if (whole === undefined)
      throw new ShapeError(`dimension ${args.dim} does not exist in samples of shape ${showShape(input)}`, "dim");
    const output = [...input.slice(0, at - 1), ...completed(args.unflattened_size, whole), ...input.slice(at)];
    return { args, output, flops: 0 };
  },
  create: (args) => new Unflatten(args.dim, args.unflattened_size),
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
