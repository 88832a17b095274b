// Sums and maxima of x seen as [outer, length, inner], along `length`. With inner = 1 a row is contiguous; else four
// neighbouring columns are reduced together. Sums are kept in float64, so their order hardly matters and a million
// equal terms lose nothing.
import { Lanes } from "./lanes";

export class Row {
  /** Σ x of `n` contiguous elements. */
  @inline static sum(x: usize, n: i32): f64 {
    let a = f64x2.splat(0);
    let b = f64x2.splat(0);
    for (; n >= 4; n -= 4, x += 16) {
      const v = v128.load(x);
      a = f64x2.add(a, Lanes.low(v));
      b = f64x2.add(b, Lanes.high(v));
    }
    if (n > 0) {
      const v = Lanes.loadPartial(x, n, 0);
      a = f64x2.add(a, Lanes.low(v));
      b = f64x2.add(b, Lanes.high(v));
    }
    return Lanes.total(f64x2.add(a, b));
  }

  /** Σ x·y of `n` contiguous elements. */
  @inline static dot(x: usize, y: usize, n: i32): f64 {
    let a = f64x2.splat(0);
    let b = f64x2.splat(0);
    for (; n >= 4; n -= 4, x += 16, y += 16) {
      const v = v128.load(x);
      const w = v128.load(y);
      a = f64x2.add(a, f64x2.mul(Lanes.low(v), Lanes.low(w)));
      b = f64x2.add(b, f64x2.mul(Lanes.high(v), Lanes.high(w)));
    }
    if (n > 0) {
      const v = Lanes.loadPartial(x, n, 0);
      const w = Lanes.loadPartial(y, n, 0);
      a = f64x2.add(a, f64x2.mul(Lanes.low(v), Lanes.low(w)));
      b = f64x2.add(b, f64x2.mul(Lanes.high(v), Lanes.high(w)));
    }
    return Lanes.total(f64x2.add(a, b));
  }

  /** The largest of `n` contiguous elements, NaN if there is one, −∞ if there is none. */
  @inline static max(x: usize, n: i32): f32 {
    let m = f32x4.splat(f32.NEGATIVE_INFINITY);
    for (; n >= 4; n -= 4, x += 16) m = f32x4.max(m, v128.load(x));
    if (n > 0) m = f32x4.max(m, Lanes.loadPartial(x, n, f32.NEGATIVE_INFINITY));
    m = f32x4.max(m, v128.shuffle<i32>(m, m, 2, 3, 0, 1));
    return max<f32>(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1));
  }
}

export function sum(out: usize, x: usize, outer: i32, length: i32, inner: i32): void {
  sumPart(out, x, outer, length, inner, 0, inner);
}

/** Only the columns `first` … `first + count − 1` of each [length, inner]. */
export function sumPart(out: usize, x: usize, outer: i32, length: i32, inner: i32, first: i32, count: i32): void {
  if (inner == 1) {
    for (; outer > 0; --outer, out += 4, x += (<usize>length) << 2) store<f32>(out, <f32>Row.sum(x, length));
    return;
  }
  const step = (<usize>inner) << 2;
  const end = first + count;
  for (; outer > 0; --outer, x += <usize>length * step, out += step) {
    let column = first;
    for (; column + 16 <= end; column += 16) sumLine(out, x, column, length, step);
    for (; column < end; column += 4) {
      let a = f64x2.splat(0);
      let b = f64x2.splat(0);
      let from = x + ((<usize>column) << 2);
      for (let i = length; i > 0; --i, from += step) {
        const v = v128.load(from);
        a = f64x2.add(a, Lanes.low(v));
        b = f64x2.add(b, Lanes.high(v));
      }
      Lanes.storeColumns(out, column, end, Lanes.narrow(a, b));
    }
  }
}

/** Sixteen columns, a cache line of each row: a tall matrix is read once. */
function sumLine(out: usize, x: usize, column: i32, length: i32, step: usize): void {
  const at = (<usize>column) << 2;
  let a0 = f64x2.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let a4 = a0;
  let a5 = a0;
  let a6 = a0;
  let a7 = a0;
  for (x += at; length > 0; --length, x += step) {
    const v0 = v128.load(x);
    const v1 = v128.load(x, 16);
    const v2 = v128.load(x, 32);
    const v3 = v128.load(x, 48);
    a0 = f64x2.add(a0, Lanes.low(v0));
    a1 = f64x2.add(a1, Lanes.high(v0));
    a2 = f64x2.add(a2, Lanes.low(v1));
    a3 = f64x2.add(a3, Lanes.high(v1));
    a4 = f64x2.add(a4, Lanes.low(v2));
    a5 = f64x2.add(a5, Lanes.high(v2));
    a6 = f64x2.add(a6, Lanes.low(v3));
    a7 = f64x2.add(a7, Lanes.high(v3));
  }
  out += at;
  v128.store(out, Lanes.narrow(a0, a1));
  v128.store(out, Lanes.narrow(a2, a3), 16);
  v128.store(out, Lanes.narrow(a4, a5), 32);
  v128.store(out, Lanes.narrow(a6, a7), 48);
}

export function amax(out: usize, x: usize, outer: i32, length: i32, inner: i32): void {
  if (inner == 1) {
    for (; outer > 0; --outer, out += 4, x += (<usize>length) << 2) store<f32>(out, Row.max(x, length));
    return;
  }
  const step = (<usize>inner) << 2;
  for (; outer > 0; --outer, x += <usize>length * step, out += step) {
    for (let column = 0; column < inner; column += 4) {
      let m = f32x4.splat(f32.NEGATIVE_INFINITY);
      let from = x + ((<usize>column) << 2);
      for (let i = length; i > 0; --i, from += step) m = f32x4.max(m, v128.load(from));
      Lanes.storeColumns(out, column, inner, m);
    }
  }
}

export function argmax(out: usize, x: usize, outer: i32, length: i32, inner: i32): void {
  const step = (<usize>inner) << 2;
  for (; outer > 0; --outer, x += <usize>length * step) {
    for (let column = 0; column < inner; ++column, out += 4) {
      let from = x + ((<usize>column) << 2);
      let best = load<f32>(from);
      let at = 0;
      // Nothing is larger than a NaN, so the first one wins.
      for (let i = 1; i < length && best == best; ++i) {
        from += step;
        const value = load<f32>(from);
        if (!(value <= best)) {
          best = value;
          at = i;
        }
      }
      store<i32>(out, at);
    }
  }
}
