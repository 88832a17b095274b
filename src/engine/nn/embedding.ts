/** Embedding and EmbeddingBag: a learned vector for each of so many whole numbers. */
import { z } from "zod";
import {
  add,
  amax,
  div,
  embedding,
  eq,
  mul,
  ne,
  renormRows,
  reshape,
  sum,
  toFloat,
  toInt,
  where,
} from "../ops/index.ts";
import type { Initializer } from "../random.ts";
import { elementCount, ShapeError, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { defineLayer } from "./definition.ts";
import { Module, type Weights } from "./module.ts";
import { Parameter, type ParameterSpec } from "./parameter.ts";
import { size } from "./schema.ts";

export interface EmbeddingRules {
  /** This row starts as zeros and is not trained; negative ones count from the end. */
  readonly paddingIdx?: number | null;
  /** Rows whose norm is larger are scaled down, in place, when they are looked up. */
  readonly maxNorm?: number | null;
  readonly normType?: number;
  /** Divide a row's gradient by how often it was looked up in the batch. */
  readonly scaleGradByFreq?: boolean;
}

abstract class Table extends Module {
  readonly weight: Parameter;
  protected readonly padding: number | null;
  readonly #rules: EmbeddingRules;

  constructor(numEmbeddings: number, embeddingDim: number, rules: EmbeddingRules) {
    super();
    this.padding = placeOf(rules.paddingIdx, numEmbeddings);
    this.#rules = rules;
    this.weight = new Parameter(weightSpec(numEmbeddings, embeddingDim, this.padding));
  }

  protected lookUp(index: Tensor): Tensor {
    const { maxNorm, normType = 2, scaleGradByFreq = false } = this.#rules;
    if (maxNorm != null) renormRows(this.weight, index, maxNorm, normType);
    return embedding(this.weight, index, { padding: this.padding, byFrequency: scaleGradByFreq });
  }
}

/** A table whose rows are no longer than they are once they have been looked up: what answers compute with. */
export function shortened({ shape, data }: Weights, maxNorm: number | null, p: number): Weights {
  if (maxNorm === null) return { shape, data };
  const width = shape.at(-1) ?? 1;
  const values = data.slice();
  for (let start = 0; start < data.length; start += width) {
    const row = values.subarray(start, start + width);
    const norm = row.reduce((sum, value) => sum + Math.abs(value) ** p, 0) ** (1 / p);
    if (norm > maxNorm)
      values.set(
        row.map((value) => value * (maxNorm / (norm + 1e-7))),
        start,
      );
  }
  return { shape, data: values };
}

/** N(0, 1), with zeros for padding. */
function weightSpec(rows: number, width: number, padding: number | null): ParameterSpec {
  const init: Initializer = { distribution: "normal", mean: 0, std: 1, ...(padding !== null && { zeroRow: padding }) };
  return { shape: [rows, width], init };
}

export function placeOf(paddingIdx: number | null | undefined, rows: number): number | null {
  if (paddingIdx == null) return null;
  const at = paddingIdx < 0 ? paddingIdx + rows : paddingIdx;
  if (at >= 0 && at < rows) return at;
  throw new ShapeError(`is ${paddingIdx}, and there are ${rows} embeddings, 0 … ${rows - 1}`, "padding_idx");
}

/**
 * Shapes: (*) → (*, embeddingDim). The input holds whole numbers from 0 to numEmbeddings − 1, as int32 or (in jobs)
 * float32; any other number gives NaN.
 */
export class Embedding extends Table {
  constructor(
    numEmbeddings: number,
    embeddingDim: number,
    paddingIdx: number | null = null,
    maxNorm: number | null = null,
    normType = 2,
    scaleGradByFreq = false,
  ) {
    super(numEmbeddings, embeddingDim, { paddingIdx, maxNorm, normType, scaleGradByFreq });
  }

  forward(x: Tensor): Tensor {
    return this.lookUp(toInt(x));
  }
}

export type BagMode = "sum" | "mean" | "max";

/** Shapes: (N, L) → (N, embeddingDim): sum, mean or maximum of L embeddings, those of padding left out. */
export class EmbeddingBag extends Table {
  readonly #mode: BagMode;

  constructor(
    numEmbeddings: number,
    embeddingDim: number,
    maxNorm: number | null = null,
    normType = 2,
    scaleGradByFreq = false,
    mode: BagMode = "mean",
    paddingIdx: number | null = null,
  ) {
    super(numEmbeddings, embeddingDim, { paddingIdx, maxNorm, normType, scaleGradByFreq });
    this.#mode = mode;
  }

  forward(x: Tensor): Tensor {
    const [rows = 0, length = 0] = x.shape;
    if (x.rank !== 2) throw new ShapeError(`EmbeddingBag takes (N, L), got ${showShape(x.shape)}.`);
    const index = toInt(x);
    const found = this.lookUp(index);
    if (this.padding === null) {
      if (this.#mode === "max") return amax(found, 1);
      const total = sum(found, 1);
      return this.#mode === "sum" ? total : mul(total, 1 / Math.max(1, length));
    }
    const kept = reshape(ne(toFloat(index), this.padding), [rows, length, 1]);
    const count = sum(kept, 1);
    if (this.#mode === "max") {
      // A bag of padding alone has no largest element; it gives 0.
      const largest = amax(where(kept, found, Number.NEGATIVE_INFINITY), 1);
      return where(eq(count, 0), 0, largest);
    }
    const total = sum(mul(found, kept), 1);
    return this.#mode === "sum" ? total : div(total, add(count, eq(count, 0)));
  }
}

const shared = {
  max_norm: z.number().gt(0).nullable().default(null).describe("Scale rows with a larger norm down when they are used"),
  norm_type: z.number().gt(0).default(2).describe("The p of that norm"),
  scale_grad_by_freq: z
    .boolean()
    .default(false)
    .describe("Divide a row's gradient by how often it occurs in the batch"),
};
const padding_idx = z.int().nullable().default(null).describe("A number that stands for nothing: zeros, not trained");
const num_embeddings = size.describe("How many numbers have an embedding: 0 … num_embeddings − 1");
const embedding_dim = size.describe("Size of each embedding");

const EMBEDDING = z.strictObject({ num_embeddings, embedding_dim, padding_idx, ...shared });

export const embeddingLayer = defineLayer({
  type: "Embedding",
  summary: "A learned vector for each whole number of the input",
  args: EMBEDDING,
  wholeNumbersBelow: (given) => given.num_embeddings,
  resolve(given, input) {
    placeOf(given.padding_idx, given.num_embeddings);
    return { args: given, output: [...input, given.embedding_dim], flops: 0 };
  },
  parameters: (given) => ({
    weight: weightSpec(given.num_embeddings, given.embedding_dim, placeOf(given.padding_idx, given.num_embeddings)),
  }),
  create: (given) =>
    new Embedding(
      given.num_embeddings,
      given.embedding_dim,
      given.padding_idx,
      given.max_norm,
      given.norm_type,
      given.scale_grad_by_freq,
    ),
});

const EMBEDDING_BAG = z.strictObject({
  num_embeddings,
  embedding_dim,
  ...shared,
  mode: z.enum(["sum", "mean", "max"]).default("mean").describe("How the embeddings of a sample become one"),
  padding_idx,
});

export const embeddingBagLayer = defineLayer({
  type: "EmbeddingBag",
  summary: "Sum, mean or maximum of the embeddings of a sample's whole numbers",
  args: EMBEDDING_BAG,
  wholeNumbersBelow: (given) => given.num_embeddings,
  resolve(given, input) {
    if (input.length !== 1) throw new ShapeError(`takes samples of shape [length], got ${showShape(input)}`);
    placeOf(given.padding_idx, given.num_embeddings);
    return { args: given, output: [given.embedding_dim], flops: elementCount(input) * given.embedding_dim };
  },
  parameters: (given) => ({
    weight: weightSpec(given.num_embeddings, given.embedding_dim, placeOf(given.padding_idx, given.num_embeddings)),
  }),
  create: (given) =>
    new EmbeddingBag(
      given.num_embeddings,
      given.embedding_dim,
      given.max_norm,
      given.norm_type,
      given.scale_grad_by_freq,
      given.mode,
      given.padding_idx,
    ),
});
