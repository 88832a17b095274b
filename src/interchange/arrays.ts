/** Weights as other frameworks lay them out: dimensions or blocks in another order, sparse maps as matrices. */
import { elementCount, type Shape } from "../engine/definitions.ts";
import type { Weights } from "../engine/nn/module.ts";
import type { Term } from "../engine/sparse-map.ts";

/** The dimensions in another order. */
export function permuted({ shape, data }: Weights, order: readonly number[]): Weights {
  const strides = shape.map((_, i) => elementCount(shape.slice(i + 1)));
  const out: Shape = order.map((i) => shape[i] ?? 1);
  const values = new Float32Array(data.length);
  const place = new Array<number>(out.length).fill(0);
  for (let i = 0; i < values.length; i++) {
    values[i] = data[order.reduce((sum, from, to) => sum + (place[to] ?? 0) * (strides[from] ?? 0), 0)] ?? 0;
    for (let d = out.length - 1; d >= 0; d--) {
      place[d] = (place[d] ?? 0) + 1;
      if ((place[d] ?? 0) < (out[d] ?? 1)) break;
      place[d] = 0;
    }
  }
  return { shape: out, data: values };
}

export const transposed = (weight: Weights): Weights => permuted(weight, [1, 0]);

/** The equal blocks of the first dimension, such as a recurrent layer's gates, in another order. */
export function reordered({ shape, data }: Weights, order: readonly number[]): Weights {
  const size = data.length / order.length;
  const values = new Float32Array(data.length);
  order.forEach((from, to) => void values.set(data.subarray(from * size, (from + 1) * size), to * size));
  return { shape, data: values };
}

/** What is linear along one dimension as a matrix to multiply by: a column for each new element. */
export function denseMap(length: number, rows: readonly (readonly Term[])[]): Weights {
  const data = new Float32Array(length * rows.length);
  rows.forEach((terms, row) => {
    for (const [element, weight] of terms) {
      const at = element * rows.length + row;
      data[at] = (data[at] ?? 0) + weight;
    }
  });
  return { shape: [length, rows.length], data };
}
