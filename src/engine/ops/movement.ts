/** Moving values without computing: reshape (shares memory), permute, expand, slice, concatenate, gather. */
import {
  elementCount,
  normalizeDim,
  type Shape,
  ShapeError,
  sameShape,
  showShape,
  splitAt,
  stridesOf,
} from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { broadcastStrides, emit, empty, record, stridedParams } from "./op.ts";
import { sumTo } from "./reduce.ts";

/** The same memory under another shape; one size may be -1. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const resolved = inferSize(x, shape);
  if (sameShape(resolved, x.shape)) return x;
  const y = new Tensor(x.storage, resolved, x.dtype);
  return record("reshape", y, [x], (g) => [() => reshape(g, x.shape)]);
}

function inferSize(x: Tensor, shape: Shape): Shape {
  const unknown = shape.indexOf(-1);
  const known = elementCount(shape.filter((size) => size !== -1));
  const resolved = unknown < 0 ? shape : shape.map((size, i) => (i === unknown ? x.size / known : size));
  const fits = resolved.every((size) => Number.isInteger(size) && size >= 0) && elementCount(resolved) === x.size;
  if (fits && shape.lastIndexOf(-1) === unknown) return resolved;
  throw new ShapeError(
    `reshape: ${showShape(x.shape)} (${x.size} elements) can't become ${showShape(shape)}.`,
    "shape",
  );
}

/** Joins dimensions start … end (both included) into one. */
export function flatten(x: Tensor, start = 0, end = -1): Tensor {
  if (x.rank === 0) return reshape(x, [1]);
  const first = normalizeDim(start, x.rank, "flatten");
  const last = normalizeDim(end, x.rank, "flatten");
  const joined = elementCount(x.shape.slice(first, last + 1));
  return reshape(x, [...x.shape.slice(0, first), joined, ...x.shape.slice(last + 1)]);
}

/** Reorders dimensions: result dimension i is x's dimension dims[i]. */
export function permute(x: Tensor, dims: readonly number[]): Tensor {
  const order = dims.map((dim) => normalizeDim(dim, x.rank, "permute"));
  if (order.length !== x.rank || new Set(order).size !== x.rank) {
    throw new ShapeError(
      `permute: [${dims}] must name each of the ${x.rank} dimensions of ${showShape(x.shape)} once.`,
      "dims",
    );
  }
  if (order.every((dim, i) => dim === i)) return x;
  const strides = stridesOf(x.shape);
  const shape = order.map((dim) => x.shape[dim] ?? 1);
  const y = copyStrided(
    "permute",
    x,
    shape,
    order.map((dim) => strides[dim] ?? 0),
  );
  const inverse = order.map((_, i) => order.indexOf(i));
  return record("permute", y, [x], (g) => [() => permute(g, inverse)]);
}

export function transpose(x: Tensor, dim0: number, dim1: number): Tensor {
  const order = [...x.shape.keys()];
  const a = normalizeDim(dim0, x.rank, "transpose");
  const b = normalizeDim(dim1, x.rank, "transpose");
  order[a] = b;
  order[b] = a;
  return permute(x, order);
}

/** Repeats dimensions of size 1 (and new leading ones) up to `shape`. */
export function expand(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const fits =
    shape.length >= x.rank && x.shape.every((size, i) => size === 1 || size === shape[shape.length - x.rank + i]);
  if (!fits) throw new ShapeError(`expand: ${showShape(x.shape)} can't be repeated to ${showShape(shape)}.`, "shape");
  const y = copyStrided("expand", x, shape, broadcastStrides(x.shape, shape));
  return record("expand", y, [x], (g) => [() => sumTo(g, x.shape)]);
}

/** Elements start … end − 1 along `dim`. */
export function slice(x: Tensor, dim: number, start: number, end: number): Tensor {
  const at = normalizeDim(dim, x.rank, "slice");
  const size = x.shape[at] ?? 0;
  if (!(start >= 0 && start <= end && end <= size)) {
    throw new ShapeError(`slice: ${start} … ${end} is not within dimension ${dim} of ${showShape(x.shape)}.`);
  }
  if (start === 0 && end === size) return x;
  const strides = stridesOf(x.shape);
  const shape = x.shape.map((n, i) => (i === at ? end - start : n));
  const offset = start * (strides[at] ?? 0);
  const y = copyStrided("slice", x, shape, strides, offset);
  return record("slice", y, [x], (g) => [() => padDim(g, at, start, x.shape)]);
}

/** Zeros of `shape` with `x` at start … along `dim`: the gradient of slice. */
function padDim(x: Tensor, dim: number, start: number, shape: Shape): Tensor {
  const y = empty(x.device, shape);
  x.device.run("fill", [y.storage.buffer], [y.size, 0]);
  assign(y, x, dim, start);
  const end = start + (x.shape[dim] ?? 0);
  return record("pad", y, [x], (g) => [() => slice(g, dim, start, end)]);
}

/** Joins tensors along `dim`; all other sizes must agree. */
export function concat(tensors: readonly Tensor[], dim: number): Tensor {
  const [first] = tensors;
  if (!first) throw new ShapeError("concat needs at least one tensor.");
  const at = normalizeDim(dim, first.rank, "concat");
  const shape = first.shape.map((size, i) => (i === at ? tensors.reduce((n, t) => n + (t.shape[at] ?? 0), 0) : size));
  for (const t of tensors) {
    if (
      t.rank !== first.rank ||
      t.dtype !== first.dtype ||
      t.shape.some((size, i) => i !== at && size !== first.shape[i])
    ) {
      throw new ShapeError(
        `concat along dimension ${dim}: ${showShape(t.shape)} doesn't fit beside ${showShape(first.shape)}.`,
      );
    }
  }
  const y = empty(first.device, shape, first.dtype);
  const starts: number[] = [];
  let start = 0;
  for (const t of tensors) {
    starts.push(start);
    assign(y, t, at, start);
    start += t.shape[at] ?? 0;
  }
  return record("concat", y, tensors, (g) =>
    tensors.map((t, i) => () => slice(g, at, starts[i] ?? 0, (starts[i] ?? 0) + (t.shape[at] ?? 0))),
  );
}

/** Tensors of equal shape along a new dimension. */
export function stack(tensors: readonly Tensor[], dim: number): Tensor {
  const rank = (tensors[0]?.rank ?? 0) + 1;
  const at = normalizeDim(dim, rank, "stack");
  return concat(
    tensors.map((t) => reshape(t, [...t.shape.slice(0, at), 1, ...t.shape.slice(at)])),
    at,
  );
}

/** Rows of `x` (along dimension 0) by int32 index: result [...index.shape, ...x.shape[1:]]. */
export function gatherRows(x: Tensor, index: Tensor): Tensor {
  const { inner: width } = splitAt(x.shape, 0);
  const shape = [...index.shape, ...x.shape.slice(1)];
  const y = emit("gatherRows", shape, [x, index], [index.size, width], x.dtype);
  return record("gatherRows", y, [x], (g) => [() => scatterAddRows(g, index, x.shape)]);
}

/** Zeros of `shape`, with row r of `x` added to row index[r]. */
export function scatterAddRows(x: Tensor, index: Tensor, shape: Shape): Tensor {
  const { inner: width } = splitAt(shape, 0);
  const y = emit("scatterAddRows", shape, [x, index], [index.size, width, shape[0] ?? 0]);
  return record("scatterAddRows", y, [x], (g) => [() => reshape(gatherRows(g, index), x.shape)]);
}

/** x[r, index[r]] for x [rows, cols] and int32 index [rows]; 0 where index[r] is `ignore`. */
export function pick(x: Tensor, index: Tensor, ignore: number): Tensor {
  const [rows = 0, cols = 0] = x.shape;
  const y = emit("pick", [rows], [x, index], [rows, cols, ignore]);
  return record("pick", y, [x], (g) => [() => unpick(g, index, cols, ignore)]);
}

/** [rows, cols] of zeros with x[r] at column index[r]: the gradient of pick. */
export function unpick(x: Tensor, index: Tensor, cols: number, ignore: number): Tensor {
  const [rows = 0] = x.shape;
  const y = emit("unpick", [rows, cols], [x, index], [rows, cols, ignore]);
  return record("unpick", y, [x], (g) => [() => pick(g, index, ignore)]);
}

function copyStrided(op: string, x: Tensor, shape: Shape, strides: readonly number[], offset = 0): Tensor {
  const [rank = 1, ...rest] = stridedParams(op, shape, [strides]);
  return emit("copyStrided", shape, [x], [rank, offset, ...rest], x.dtype);
}

/** Writes `part` into `whole` at start … along `dim`. */
function assign(whole: Tensor, part: Tensor, dim: number, start: number): void {
  const strides = stridesOf(whole.shape);
  const [rank = 1, ...rest] = stridedParams("concat", part.shape, [strides]);
  const params = [rank, start * (strides[dim] ?? 0), ...rest];
  whole.device.run("assignStrided", [whole.storage.buffer, part.storage.buffer], params);
}
