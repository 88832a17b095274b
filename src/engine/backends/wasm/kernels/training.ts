// What a training step needs besides mathematics: counters, running totals for metrics, clipping of gradients.
import { Lanes } from "./lanes";
import { Row } from "./reduce";

export function advance(cursor: usize, by: i32): void {
  store<i32>(cursor, load<i32>(cursor) + by);
}

export function storeAt(out: usize, x: usize, at: usize, n: i32): void {
  memory.copy(out + ((<usize>load<u32>(at)) << 2), x, (<usize>n) << 2);
}

export function accumulate(total: usize, x: usize, weight: f64): void {
  store<f64>(total, load<f64>(total) + <f64>load<f32>(x) * weight);
}

export function confusion(matrix: usize, target: usize, predicted: usize, rows: i32, classes: i32): void {
  for (; rows > 0; --rows, target += 4, predicted += 4) {
    const t = load<u32>(target);
    const p = load<u32>(predicted);
    if (t >= <u32>classes || p >= <u32>classes) continue;
    const cell = matrix + ((<usize>t * <usize>classes + <usize>p) << 3);
    store<f64>(cell, load<f64>(cell) + 1);
  }
}

export function residuals(sums: usize, predicted: usize, target: usize, n: i32): void {
  let absolute: f64 = 0;
  let squared: f64 = 0;
  let total: f64 = 0;
  let totalSquares: f64 = 0;
  for (let i = n; i > 0; --i, predicted += 4, target += 4) {
    const t = <f64>load<f32>(target);
    const d = <f64>load<f32>(predicted) - t;
    absolute += abs<f64>(d);
    squared += d * d;
    total += t;
    totalSquares += t * t;
  }
  store<f64>(sums, load<f64>(sums) + <f64>n);
  store<f64>(sums, load<f64>(sums, 8) + absolute, 8);
  store<f64>(sums, load<f64>(sums, 16) + squared, 16);
  store<f64>(sums, load<f64>(sums, 24) + total, 24);
  store<f64>(sums, load<f64>(sums, 32) + totalSquares, 32);
}

export function sumSquares(total: usize, x: usize, n: i32): void {
  store<f64>(total, load<f64>(total) + Row.dot(x, x, n));
}

/** torch.nn.utils.clip_grad_norm_: a NaN in the norm makes all gradients NaN, as there. */
export function clipByNorm(x: usize, total: usize, n: i32, max: f64): void {
  const factor = <f32>min<f64>(1, max / (sqrt<f64>(load<f64>(total)) + 1e-6));
  const lanes = f32x4.splat(factor);
  for (; n >= 4; n -= 4, x += 16) v128.store(x, f32x4.mul(v128.load(x), lanes));
  if (n > 0) Lanes.storePartial(x, f32x4.mul(v128.load(x), lanes), n);
}

export function clipByValue(x: usize, n: i32, limit: f32): void {
  const high = f32x4.splat(limit);
  const low = f32x4.splat(-limit);
  // pmin and pmax let a NaN in x pass.
  for (; n >= 4; n -= 4, x += 16) v128.store(x, f32x4.pmin(f32x4.pmax(v128.load(x), low), high));
  if (n > 0) Lanes.storePartial(x, f32x4.pmin(f32x4.pmax(v128.load(x), low), high), n);
}

export function addInPlace(x: usize, y: usize, n: i32): void {
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(x, f32x4.add(v128.load(x), v128.load(y)));
  if (n > 0) Lanes.storePartial(x, f32x4.add(v128.load(x), v128.load(y)), n);
}

export function setRate(hyper: usize, at: usize, table: usize, momentumAt: i32): void {
  const i = load<i32>(at);
  store<i32>(at, i + 1);
  const rate = table + ((<usize>i) << 4);
  store<f64>(hyper, load<f64>(rate));
  if (momentumAt >= 0) store<f64>(hyper + ((<usize>momentumAt) << 3), load<f64>(rate, 8));
}
