/** A constant sparse matrix along one dimension: averages of windows, interpolation, reflected edges. */
import { normalizeDim, ShapeError, showShape, splitAt } from "../shape.ts";
import type { SparseMap } from "../sparse-map.ts";
import type { Tensor } from "../tensor.ts";
import { emit, record, requireFloat } from "./op.ts";

/** Replaces dimension `dim`, of map.length elements, by map.rows.length weighted sums. */
export function sparseProduct(x: Tensor, dim: number, map: SparseMap): Tensor {
  requireFloat("sparseProduct", x);
  const at = normalizeDim(dim, x.rank, "sparseProduct");
  const { outer, length, inner } = splitAt(x.shape, at);
  if (length !== map.length) {
    throw new ShapeError(
      `sparseProduct: dimension ${dim} of ${showShape(x.shape)} has ${length} elements, the map takes ${map.length}.`,
    );
  }
  const rows = map.rows.length;
  const shape = x.shape.map((size, i) => (i === at ? rows : size));
  const { start, column, weight } = map.on(x.device);
  const y = emit("sparseProduct", shape, [x, start, column, weight], [outer, length, rows, inner]);
  return record("sparseProduct", y, [x], (g) => [() => sparseProduct(g, at, map.transposed)]);
}
