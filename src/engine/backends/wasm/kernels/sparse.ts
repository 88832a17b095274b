// A sparse matrix times x along one dimension: interpolation, averages of windows, padding by reflection, and so on.
import { Lanes } from "./lanes";

/** out[o, r, :] = Σ weight[t]·x[o, column[t], :] for start[r] ≤ t < start[r + 1], t ascending. */
export function sparseProduct(
  out: usize,
  x: usize,
  start: usize,
  column: usize,
  weight: usize,
  outer: i32,
  length: i32,
  rows: i32,
  inner: i32,
): void {
  const step = (<usize>inner) << 2;
  for (; outer > 0; --outer, x += <usize>length * step) {
    for (let r = 0; r < rows; ++r, out += step) {
      const first = load<i32>(start + ((<usize>r) << 2));
      const end = load<i32>(start + ((<usize>r) << 2), 4);
      if (inner == 1) {
        let sum: f32 = 0;
        for (let t = first; t < end; ++t) {
          const at = (<usize>t) << 2;
          sum += load<f32>(weight + at) * load<f32>(x + ((<usize>load<u32>(column + at)) << 2));
        }
        store<f32>(out, sum);
      } else {
        for (let i = 0; i < inner; i += 4) {
          const here = x + ((<usize>i) << 2);
          let sum = f32x4.splat(0);
          for (let t = first; t < end; ++t) {
            const at = (<usize>t) << 2;
            const from = here + <usize>load<u32>(column + at) * step;
            sum = Lanes.madd(v128.load32_splat(weight + at), v128.load(from), sum);
          }
          Lanes.storeColumns(out, i, inner, sum);
        }
      }
    }
  }
}
