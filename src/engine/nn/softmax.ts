/** Softmax and its relatives: activations that normalise along one dimension, the batch being dimension 0. */
import { z } from "zod";
import { logSoftmax, neg, softmax } from "../ops/index.ts";
import { type Shape, ShapeError, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { activation, noArgs } from "./activation.ts";
import { dim } from "./schema.ts";

const args = z.strictObject({
  dim: dim
    .nullable()
    .default(null)
    .describe("Dimension to normalise, the batch being 0; null: 1 (0 for rank 1 and 3, as PyTorch does)"),
});

/** PyTorch picks 0 for rank 0, 1 and 3, else 1, when `dim` is left out. */
export const impliedDim = (rank: number, given: number | null): number => given ?? ([0, 1, 3].includes(rank) ? 0 : 1);

/** Along the batch, a sample's output would depend on its neighbours, and a prediction on who asks beside it. */
function check({ dim: given }: { dim: number | null }, input: Shape): void {
  const rank = input.length + 1;
  const wanted = impliedDim(rank, given);
  const at = wanted < 0 ? wanted + rank : wanted;
  if (at < 0 || at >= rank)
    throw new ShapeError(
      `dimension ${wanted} does not exist: with the batch, samples of shape ${showShape(input)} have dimensions 0 … ${rank - 1}`,
      "dim",
    );
  if (at === 0)
    throw new ShapeError(
      `${given === null ? "left out, it means dimension 0 for this rank: it" : "dimension 0 is the batch: it"} would mix samples. Set it to 1 … ${rank - 1}, or -1`,
      "dim",
    );
}

export const Softmax = activation("Softmax", args, {
  summary: "eˣ / Σ eˣ along dim",
  range: [0, 1],
  flops: 10,
  check,
  f: (x, a) => softmax(x, impliedDim(x.rank, a.dim)),
});
export const LogSoftmax = activation("LogSoftmax", args, {
  summary: "log(eˣ / Σ eˣ) along dim",
  range: [-Infinity, 0],
  flops: 12,
  check,
  f: (x, a) => logSoftmax(x, impliedDim(x.rank, a.dim)),
});
export const Softmin = activation("Softmin", args, {
  summary: "softmax(−x) along dim",
  range: [0, 1],
  flops: 11,
  check,
  f: (x, a) => softmax(neg(x), impliedDim(x.rank, a.dim)),
});
export const Softmax2d = activation("Softmax2d", noArgs, {
  summary: "softmax over the channels of (N, C, H, W)",
  range: [0, 1],
  flops: 10,
  check(_args, input) {
    if (input.length !== 3)
      throw new ShapeError(`works on samples of shape [channels, height, width], got ${showShape(input)}`);
  },
  f: (x: Tensor) => softmax(x, -3),
});

export const softmaxLayers = [Softmax.definition, LogSoftmax.definition, Softmin.definition, Softmax2d.definition];
