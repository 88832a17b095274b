/** PositionalEncoding: tells the places of a sequence apart by adding a vector to each. */
import { z } from "zod";
import { add, slice } from "../ops/index.ts";
import type { Initializer } from "../random.ts";
import { elementCount, ShapeError, showShape } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { defineLayer } from "./definition.ts";
import { Module } from "./module.ts";
import { Parameter, type ParameterSpec } from "./parameter.ts";
import { size } from "./schema.ts";

export type PositionalKind = "sinusoidal" | "learned";

const learnedSpec = (maxLen: number, dModel: number): ParameterSpec => {
  const init: Initializer = { distribution: "normal", mean: 0, std: 0.02 };
  return { shape: [maxLen, dModel], init };
};

/**
 * Shapes: (N, L, dModel), L up to maxLen. Sinusoidal as in "Attention is all you need": sin(p/10000^(2i/d)) in column 2i,
 * the cosine beside it; learned: a table drawn from N(0, 0.02²).
 */
export class PositionalEncoding extends Module {
  readonly weight: Parameter | null;
  readonly #dModel: number;
  readonly #maxLen: number;
  /** By length: written once, so that a recorded step need not carry it. */
  readonly #tables = new Map<number, Tensor>();

  constructor(dModel: number, kind: PositionalKind = "sinusoidal", maxLen = 5000) {
    super();
    this.#dModel = dModel;
    this.#maxLen = maxLen;
    this.weight = kind === "learned" ? new Parameter(learnedSpec(maxLen, dModel)) : null;
  }

  forward(x: Tensor): Tensor {
    const [, length = 0, features] = x.shape;
    if (x.rank !== 3 || features !== this.#dModel || length > this.#maxLen) {
      throw new ShapeError(
        `PositionalEncoding takes (N, L, ${this.#dModel}) with L up to ${this.#maxLen}, got ${showShape(x.shape)}.`,
        "max_len",
      );
    }
    return add(x, this.weight ? slice(this.weight, 0, 0, length) : this.#sinusoids(length, x));
  }

  #sinusoids(length: number, { device }: Tensor): Tensor {
    const known = this.#tables.get(length);
    if (known) return known;
    const d = this.#dModel;
    const table = new Tensor(device.store(sinusoids(length, d)), [length, d]);
    this.#tables.set(length, table);
    return table;
  }
}

/** The waves of a sequence of that length, row by row. */
export function sinusoids(length: number, d: number): Float32Array {
  return Float32Array.from({ length: length * d }, (_, k) => {
    const [place, column] = [Math.floor(k / d), k % d];
    const angle = place / 10_000 ** ((column - (column % 2)) / d);
    return column % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });
}

export const positionalEncodingLayer = defineLayer({
  type: "PositionalEncoding",
  summary: "Adds sinusoids, or a learned table, that tell the places of a sequence apart",
  args: z.strictObject({
    d_model: size.optional().describe("Features of each step; follows from the data when left out"),
    kind: z.enum(["sinusoidal", "learned"]).default("sinusoidal").describe("Fixed waves, or a table that is trained"),
    max_len: size.optional().describe("Longest sequence; that of the data when left out"),
  }),
  resolve(given, input) {
    const [steps, found] = input;
    if (input.length !== 2 || steps === undefined || found === undefined) {
      throw new ShapeError(`takes samples of shape [steps, features], got ${showShape(input)}`);
    }
    if (given.d_model !== undefined && given.d_model !== found) {
      throw new ShapeError(`expects ${found}, got ${given.d_model}`, "d_model");
    }
    if (given.max_len !== undefined && given.max_len < steps) {
      throw new ShapeError(`is ${given.max_len}, and the sequences have ${steps} steps`, "max_len");
    }
    const args = { ...given, d_model: found, max_len: given.max_len ?? steps };
    return { args, output: input, flops: elementCount(input) };
  },
  parameters: (given): Record<string, ParameterSpec> =>
    given.kind === "learned" ? { weight: learnedSpec(given.max_len ?? 0, given.d_model ?? 0) } : {},
  create: (given) => new PositionalEncoding(given.d_model ?? 0, given.kind, given.max_len),
});
