/** Max pooling of images (*, height, width), and moving values to and from indices along the last dimension. */

import { noGrad } from "../autograd.ts";
import { elementCount, type Shape } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import type { Pair } from "../windows.ts";
import { add, div, floor, maximum, mul, toFloat, toInt } from "./elementwise.ts";
import { reshape } from "./movement.ts";
import { emit, empty, record, requireFloat } from "./op.ts";

/** A window's size, steps, distances between its elements, rows and columns before the image; how many windows. */
export interface PoolWindow {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly before: Pair;
  readonly size: Pair;
}

export interface Pooled {
  readonly values: Tensor;
  /** int32: where in its image (row·width + column) each value was found. */
  readonly indices: Tensor;
}

/** The largest of each window; of equals the first gets the gradient. */
export function maxPool(x: Tensor, { kernel, stride, dilation, before, size }: PoolWindow): Pooled {
  return pooled("maxPool", x, size, [...kernel, ...stride, ...dilation, ...before]);
}

/** The same with windows that share the image as evenly as possible. */
export function adaptiveMaxPool(x: Tensor, size: Pair): Pooled {
  return pooled("adaptiveMaxPool", x, size, []);
}

function pooled(name: "maxPool" | "adaptiveMaxPool", x: Tensor, size: Pair, params: readonly number[]): Pooled {
  requireFloat(name, x);
  const [height = 1, width = 1] = x.shape.slice(-2);
  const images = x.shape.slice(0, -2);
  const values = empty(x.device, [...images, ...size]);
  const indices = empty(x.device, values.shape, "int32");
  const buffers = [values, indices, x].map((tensor) => tensor.storage.buffer);
  x.device.run(name, buffers, [elementCount(images), height, width, ...size, ...params]);
  const flat = (tensor: Tensor) => new Tensor(tensor.storage, [...images, elementCount(size)], tensor.dtype);
  return {
    indices,
    values: record(name, values, [x], (g) => [
      () => reshape(scatterAlong(reshape(g, flat(indices).shape), flat(indices), height * width), x.shape),
    ]),
  };
}

/**
 * Pooling of volumes (*, depth, height, width) whose slices are pooled already: `along` pools rows (*, depth, columns) along
 * their depth. Of equals the first in the volume is taken, since its slice is the first, and it is the first in that.
 */
export function poolDepth(slices: Pooled, volumes: Shape, along: (rows: Tensor, columns: number) => Pooled): Pooled {
  const [depth = 1, height = 1, width = 1] = volumes.slice(-3);
  const plane = slices.values.shape.slice(-2);
  const columns = elementCount(plane);
  const outer = slices.values.shape.slice(0, -3);
  const pooled = along(reshape(slices.values, [...outer, depth, columns]), columns);
  const shape = [...outer, pooled.values.shape.at(-2) ?? 1, ...plane];
  return {
    values: reshape(pooled.values, shape),
    /** Made when asked for, in float32: exact for volumes of up to 2²² elements. */
    get indices(): Tensor {
      const flat = reshape(pooled.indices, [...outer, elementCount(shape.slice(-3))]);
      const inSlice = gatherAlong(reshape(toFloat(slices.indices), [...outer, depth * columns]), flat);
      const slice = floor(div(add(toFloat(flat), 0.5), columns));
      return reshape(toInt(add(inSlice, mul(slice, height * width))), shape);
    },
  };
}

/** x[…, index[…, i]] along the last dimension; the dimensions before it are the same in both. */
export function gatherAlong(x: Tensor, index: Tensor): Tensor {
  requireFloat("gatherAlong", x);
  const [cols, count] = [last(x.shape), last(index.shape)];
  const y = emit("gatherAlong", index.shape, [x, index], [rowsOf(index.shape), cols, count]);
  return record("gatherAlong", y, [x], (g) => [() => scatterAlong(g, index, cols)]);
}

/** Zeros of `cols` columns with x[…, i] added at column index[…, i]: the gradient of gatherAlong. */
export function scatterAlong(x: Tensor, index: Tensor, cols: number): Tensor {
  requireFloat("scatterAlong", x);
  const shape = [...index.shape.slice(0, -1), cols];
  const y = emit("scatterAlong", shape, [x, index], [rowsOf(index.shape), cols, last(index.shape)]);
  return record("scatterAlong", y, [x], (g) => [() => gatherAlong(g, index)]);
}

/**
 * Zeros of `cols` columns with x[…, i] at column index[…, i]. Windows that overlap may have found the same element: it is
 * put back once, and every value that stands for it gets its gradient, as in PyTorch.
 */
export function maxUnpool(x: Tensor, index: Tensor, cols: number): Tensor {
  const y = noGrad(() => {
    const times = scatterAlong(add(mul(x, 0), 1), index, cols);
    return div(scatterAlong(x, index, cols), maximum(times, 1));
  });
  return record("maxUnpool", y, [x], (g) => [() => gatherAlong(g, index)]);
}

const last = (shape: Shape): number => shape.at(-1) ?? 1;
const rowsOf = (shape: Shape): number => elementCount(shape.slice(0, -1));
