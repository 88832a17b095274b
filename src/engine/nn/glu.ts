/** GLU: one half of the input gates the other (Dauphin et al. 2017). */
import { z } from "zod";
import { mul, sigmoid, slice } from "../ops/index.ts";
import { elementCount, normalizeDim, type Shape, ShapeError, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { defineLayer } from "./definition.ts";
import { Module } from "./module.ts";
import { dim } from "./schema.ts";

/** a·σ(b), where a and b are the halves of x along `dim`. */
export class GLU extends Module {
  readonly #dim: number;
  constructor(dimension = -1) {
    super();
    this.#dim = dimension;
  }
  forward(x: Tensor): Tensor {
    const at = normalizeDim(this.#dim, x.rank, "GLU");
    const whole = x.shape[at] ?? 0;
    return mul(slice(x, at, 0, whole / 2), sigmoid(slice(x, at, whole / 2, whole)));
  }
}
export const gluLayer = defineLayer({
  type: "GLU",
  summary: "a·σ(b), where a and b are the halves of x along dim",
  args: z.strictObject({ dim: dim.default(-1) }),
  resolve(args, input) {
    const at = args.dim < 0 ? input.length + args.dim : args.dim - 1;
    const whole = input[at];
    if (whole === undefined)
      throw new ShapeError(`dimension ${args.dim} does not exist in samples of shape ${showShape(input)}`, "dim");
    if (whole % 2 !== 0)
      throw new ShapeError(`halves dimension ${args.dim}, whose size is ${whole}: it must be even`, "dim");
    const output: Shape = input.map((n, i) => (i === at ? n / 2 : n));
    return { args, output, flops: 10 * elementCount(output) };
  },
  create: (args) => new GLU(args.dim),
});
