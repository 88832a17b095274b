/** Padding with a constant, and cropping, along the last dimensions. */
import { stridesOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { slice } from "./movement.ts";
import { empty, record, requireFloat, stridedParams } from "./op.ts";

/**
 * Adds elements before and after along the last dimensions, `padding` being [before, after] of each of them in order; a
 * negative count takes elements away.
 */
export function constantPad(x: Tensor, padding: readonly (readonly [number, number])[], value = 0): Tensor {
  requireFloat("constantPad", x);
  const first = x.rank - padding.length;
  let cropped = x;
  padding.forEach(([before, after], i) => {
    const size = x.shape[first + i] ?? 0;
    cropped = slice(cropped, first + i, Math.max(0, -before), size - Math.max(0, -after));
  });
  const added = padding.map(([before, after]) => [Math.max(0, before), Math.max(0, after)] as const);
  if (added.every(([before, after]) => before === 0 && after === 0)) return cropped;
  const inner = cropped.shape;
  const shape = inner.map((size, i) => size + (added[i - first]?.[0] ?? 0) + (added[i - first]?.[1] ?? 0));
  const y = empty(x.device, shape);
  x.device.run("fill", [y.storage.buffer], [y.size, value]);
  const strides = stridesOf(shape);
  const offset = added.reduce((sum, [before], i) => sum + before * (strides[first + i] ?? 0), 0);
  const [rank = 1, ...rest] = stridedParams("constantPad", inner, [strides]);
  x.device.run("assignStrided", [y.storage.buffer, cropped.storage.buffer], [rank, offset, ...rest]);
  const gradient = (g: Tensor): Tensor =>
    constantPad(
      g,
      added.map(([before, after]) => [-before, -after]),
    );
  return record("constantPad", y, [cropped], (g) => [() => gradient(g)]);
}
