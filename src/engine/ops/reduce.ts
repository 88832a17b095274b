/** Reductions along dimensions, and softmax, which is built on the same view of a tensor: [outer, length, inner]. */
import { normalizeDim, type Shape, sameShape, splitAt } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { div, eq, mul } from "./elementwise.ts";
import { expand, reshape } from "./movement.ts";
import { emit, record, requireFloat } from "./op.ts";

/** Sum over `dims` (default: all). */
export function sum(x: Tensor, dims?: number | readonly number[], keepdim = false): Tensor {
  const over = reducedDims(x, dims, "sum");
  const kept = x.shape.map((size, i) => (over.has(i) ? 1 : size));
  let result = x;
  for (const [first, last] of runs(over)) result = sumRun(result, first, last);
  if (result === x) result = reshape(x, kept);
  return keepdim
    ? result
    : reshape(
        result,
        kept.filter((_, i) => !over.has(i)),
      );
}

export function mean(x: Tensor, dims?: number | readonly number[], keepdim = false): Tensor {
  const over = reducedDims(x, dims, "mean");
  let count = 1;
  for (const dim of over) count *= x.shape[dim] ?? 1;
  return mul(sum(x, dims, keepdim), 1 / count);
}

function reducedDims(x: Tensor, dims: number | readonly number[] | undefined, op: string): Set<number> {
  if (dims === undefined) return new Set(x.shape.keys());
  return new Set([dims].flat().map((dim) => normalizeDim(dim, x.rank, op)));
}

/** Neighbouring dimensions are reduced in one go: {1,2,4} gives [1,2] and [4,4]. */
function runs(dims: Set<number>): [number, number][] {
  const out: [number, number][] = [];
  for (const dim of [...dims].sort((a, b) => a - b)) {
    const last = out.at(-1);
    if (last && last[1] === dim - 1) last[1] = dim;
    else out.push([dim, dim]);
  }
  return out;
}

/** Sums dimensions first … last, which stay as size 1. */
function sumRun(x: Tensor, first: number, last: number): Tensor {
  requireFloat("sum", x);
  let outer = 1;
  let length = 1;
  let inner = 1;
  x.shape.forEach((size, i) => {
    if (i < first) outer *= size;
    else if (i <= last) length *= size;
    else inner *= size;
  });
  const shape = x.shape.map((size, i) => (i >= first && i <= last ? 1 : size));
  return record("sum", emit("sum", shape, [x], [outer, length, inner]), [x], (g) => [() => expand(g, x.shape)]);
}

/** Undoes broadcasting: sums `x` down to `shape`. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const extra = x.rank - shape.length;
  const dims: number[] = [];
  for (let i = 0; i < x.rank; i++) {
    if (i < extra || (shape[i - extra] === 1 && x.shape[i] !== 1)) dims.push(i);
  }
  return reshape(sum(x, dims, true), shape);
}

/** Largest value along `dim`; ties share the gradient evenly. */
export function amax(x: Tensor, dim: number, keepdim = false): Tensor {
  requireFloat("amax", x);
  const at = normalizeDim(dim, x.rank, "amax");
  const { outer, length, inner } = splitAt(x.shape, at);
  const shape = x.shape.map((size, i) => (i === at ? 1 : size));
  const y = record("amax", emit("amax", shape, [x], [outer, length, inner]), [x], (g) => [
    () => {
      const ties = eq(x, y);
      return mul(ties, div(g, sum(ties, at, true)));
    },
  ]);
  return keepdim
    ? y
    : reshape(
        y,
        shape.filter((_, i) => i !== at),
      );
}

/** First index (int32) of the largest value along `dim`. */
export function argmax(x: Tensor, dim: number): Tensor {
  requireFloat("argmax", x);
  const at = normalizeDim(dim, x.rank, "argmax");
  const { outer, length, inner } = splitAt(x.shape, at);
  return emit(
    "argmax",
    x.shape.filter((_, i) => i !== at),
    [x],
    [outer, length, inner],
    "int32",
  );
}

/** exp(x − max) / Σ exp(x − max) along `dim`. */
export function softmax(x: Tensor, dim: number): Tensor {
  return normalized("softmax", x, dim, (g, y, at) => softmaxBackward(g, y, at));
}

/** x − max − log Σ exp(x − max) along `dim`. */
export function logSoftmax(x: Tensor, dim: number): Tensor {
  return normalized("logSoftmax", x, dim, (g, y, at) => logSoftmaxBackward(g, y, at));
}

function normalized(
  name: "softmax" | "logSoftmax",
  x: Tensor,
  dim: number,
  gradient: (g: Tensor, y: Tensor, at: number) => Tensor,
): Tensor {
  requireFloat(name, x);
  const at = normalizeDim(dim, x.rank, name);
  const { outer, length, inner } = splitAt(x.shape, at);
  const y = emit(name, x.shape, [x], [outer, length, inner]);
  return record(name, y, [x], (g) => [() => gradient(g, y, at)]);
}

/** y·(g − Σ g·y) */
function softmaxBackward(g: Tensor, y: Tensor, at: number): Tensor {
  const { outer, length, inner } = splitAt(y.shape, at);
  const d = emit("softmaxBackward", y.shape, [g, y], [outer, length, inner]);
  return record("softmaxBackward", d, [g, y], (gg) => [
    () => softmaxBackward(gg, y, at),
    // ∂/∂y of Σ gg·y·(g − Σ g·y) = gg·(g − Σ g·y) − g·Σ gg·y
    () => gg.mul(g.sub(sum(g.mul(y), at, true))).sub(g.mul(sum(gg.mul(y), at, true))),
  ]);
}

/** g − exp(y)·Σ g */
function logSoftmaxBackward(g: Tensor, y: Tensor, at: number): Tensor {
  const { outer, length, inner } = splitAt(y.shape, at);
  const d = emit("logSoftmaxBackward", y.shape, [g, y], [outer, length, inner]);
  return record("logSoftmaxBackward", d, [g, y], (gg) => [
    () => gg.sub(sum(gg.mul(y.exp()), at, true)),
    () =>
      gg
        .mul(y.exp())
        .mul(sum(g, at, true))
        .neg(),
  ]);
}
