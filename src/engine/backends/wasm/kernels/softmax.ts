// softmax, logSoftmax and their gradients along `length` of [outer, length, inner]. With inner = 1 a row is
// contiguous; else four neighbouring columns are done together. The largest value is subtracted first.
import { Exp, Log1p } from "./exponential";
import { Lanes } from "./lanes";
import { Row } from "./reduce";

export function softmax(out: usize, x: usize, outer: i32, length: i32, inner: i32): void {
  const size = <usize>length * ((<usize>inner) << 2);
  for (; outer > 0; --outer, x += size, out += size) {
    if (inner == 1) softmaxRow(out, x, length);
    else for (let column = 0; column < inner; column += 4) softmaxColumns(out, x, length, inner, column);
  }
}

export function logSoftmax(out: usize, x: usize, outer: i32, length: i32, inner: i32): void {
  const size = <usize>length * ((<usize>inner) << 2);
  for (; outer > 0; --outer, x += size, out += size) {
    if (inner == 1) logSoftmaxRow(out, x, length);
    else for (let column = 0; column < inner; column += 4) logSoftmaxColumns(out, x, length, inner, column);
  }
}

export function softmaxBackward(out: usize, g: usize, y: usize, outer: i32, length: i32, inner: i32): void {
  const size = <usize>length * ((<usize>inner) << 2);
  for (; outer > 0; --outer, g += size, y += size, out += size) {
    if (inner == 1) {
      const dot = f32x4.splat(<f32>Row.dot(g, y, length));
      for (let i = 0; i < length; i += 4) {
        const at = (<usize>i) << 2;
        const value = f32x4.mul(v128.load(y + at), f32x4.sub(v128.load(g + at), dot));
        Lanes.storeColumns(out, i, length, value);
      }
    } else for (let column = 0; column < inner; column += 4) softmaxBackwardColumns(out, g, y, length, inner, column);
  }
}

export function logSoftmaxBackward(out: usize, g: usize, y: usize, outer: i32, length: i32, inner: i32): void {
  const size = <usize>length * ((<usize>inner) << 2);
  for (; outer > 0; --outer, g += size, y += size, out += size) {
    if (inner == 1) {
      const total = f32x4.splat(<f32>Row.sum(g, length));
      for (let i = 0; i < length; i += 4) {
        const at = (<usize>i) << 2;
        const value = f32x4.sub(v128.load(g + at), f32x4.mul(Core.exp(v128.load(y + at)), total));
        Lanes.storeColumns(out, i, length, value);
      }
    } else
      for (let column = 0; column < inner; column += 4) logSoftmaxBackwardColumns(out, g, y, length, inner, column);
  }
}

class Core {
  @inline static exp(x: v128): v128 {
    return changetype<Exp>(0).apply(x);
  }

  /** log Σ exp(x − max). One of the terms is exp(0) = 1: without it a small rest keeps its digits. */
  @inline static logOfSum(low: v128, high: v128): v128 {
    const one = f64x2.splat(1);
    return changetype<Log1p>(0).apply(Lanes.narrow(f64x2.sub(low, one), f64x2.sub(high, one)));
  }
}

function softmaxRow(out: usize, x: usize, length: i32): void {
  const max = f32x4.splat(Row.max(x, length));
  let a = f64x2.splat(0);
  let b = f64x2.splat(0);
  for (let i = 0; i < length; i += 4) {
    const rest = length - i;
    const from = x + ((<usize>i) << 2);
    const v = rest >= 4 ? v128.load(from) : Lanes.loadPartial(from, rest, f32.NEGATIVE_INFINITY);
    const e = Core.exp(f32x4.sub(v, max));
    a = f64x2.add(a, Lanes.low(e));
    b = f64x2.add(b, Lanes.high(e));
    Lanes.storeColumns(out, i, length, e);
  }
  const total = f32x4.splat(<f32>Lanes.total(f64x2.add(a, b)));
  for (let i = 0; i < length; i += 4) {
    Lanes.storeColumns(out, i, length, f32x4.div(v128.load(out + ((<usize>i) << 2)), total));
  }
}

function logSoftmaxRow(out: usize, x: usize, length: i32): void {
  const max = f32x4.splat(Row.max(x, length));
  let a = f64x2.splat(0);
  let b = f64x2.splat(0);
  for (let i = 0; i < length; i += 4) {
    const rest = length - i;
    const from = x + ((<usize>i) << 2);
    const v = rest >= 4 ? v128.load(from) : Lanes.loadPartial(from, rest, f32.NEGATIVE_INFINITY);
    const e = Core.exp(f32x4.sub(v, max));
    a = f64x2.add(a, Lanes.low(e));
    b = f64x2.add(b, Lanes.high(e));
  }
  const total = f64x2.splat(Lanes.total(f64x2.add(a, b)));
  const shift = Core.logOfSum(total, total);
  for (let i = 0; i < length; i += 4) {
    const v = f32x4.sub(f32x4.sub(v128.load(x + ((<usize>i) << 2)), max), shift);
    Lanes.storeColumns(out, i, length, v);
  }
}

function columnMax(x: usize, length: i32, step: usize): v128 {
  let max = f32x4.splat(f32.NEGATIVE_INFINITY);
  for (; length > 0; --length, x += step) max = f32x4.max(max, v128.load(x));
  return max;
}

function softmaxColumns(out: usize, x: usize, length: i32, inner: i32, column: i32): void {
  const step = (<usize>inner) << 2;
  const first = x + ((<usize>column) << 2);
  const max = columnMax(first, length, step);
  let a = f64x2.splat(0);
  let b = f64x2.splat(0);
  for (let i = 0; i < length; ++i) {
    const e = Core.exp(f32x4.sub(v128.load(first + <usize>i * step), max));
    a = f64x2.add(a, Lanes.low(e));
    b = f64x2.add(b, Lanes.high(e));
    Lanes.storeColumns(out + <usize>i * step, column, inner, e);
  }
  const total = Lanes.narrow(a, b);
  for (let i = 0; i < length; ++i) {
    const row = out + <usize>i * step;
    Lanes.storeColumns(row, column, inner, f32x4.div(v128.load(row + ((<usize>column) << 2)), total));
  }
}

function logSoftmaxColumns(out: usize, x: usize, length: i32, inner: i32, column: i32): void {
  const step = (<usize>inner) << 2;
  const first = x + ((<usize>column) << 2);
  const max = columnMax(first, length, step);
  let a = f64x2.splat(0);
  let b = f64x2.splat(0);
  for (let i = 0; i < length; ++i) {
    const e = Core.exp(f32x4.sub(v128.load(first + <usize>i * step), max));
    a = f64x2.add(a, Lanes.low(e));
    b = f64x2.add(b, Lanes.high(e));
  }
  const shift = Core.logOfSum(a, b);
  for (let i = 0; i < length; ++i) {
    const v = f32x4.sub(f32x4.sub(v128.load(first + <usize>i * step), max), shift);
    Lanes.storeColumns(out + <usize>i * step, column, inner, v);
  }
}

function softmaxBackwardColumns(out: usize, g: usize, y: usize, length: i32, inner: i32, column: i32): void {
  const step = (<usize>inner) << 2;
  const start = (<usize>column) << 2;
  let a = f64x2.splat(0);
  let b = f64x2.splat(0);
  for (let i = 0; i < length; ++i) {
    const v = v128.load(g + start + <usize>i * step);
    const w = v128.load(y + start + <usize>i * step);
    a = f64x2.add(a, f64x2.mul(Lanes.low(v), Lanes.low(w)));
    b = f64x2.add(b, f64x2.mul(Lanes.high(v), Lanes.high(w)));
  }
  const dot = Lanes.narrow(a, b);
  for (let i = 0; i < length; ++i) {
    const at = <usize>i * step;
    const value = f32x4.mul(v128.load(y + start + at), f32x4.sub(v128.load(g + start + at), dot));
    Lanes.storeColumns(out + at, column, inner, value);
  }
}

function logSoftmaxBackwardColumns(out: usize, g: usize, y: usize, length: i32, inner: i32, column: i32): void {
  const step = (<usize>inner) << 2;
  const start = (<usize>column) << 2;
  let a = f64x2.splat(0);
  let b = f64x2.splat(0);
  for (let i = 0; i < length; ++i) {
    const v = v128.load(g + start + <usize>i * step);
    a = f64x2.add(a, Lanes.low(v));
    b = f64x2.add(b, Lanes.high(v));
  }
  const total = Lanes.narrow(a, b);
  for (let i = 0; i < length; ++i) {
    const at = <usize>i * step;
    const e = Core.exp(v128.load(y + start + at));
    Lanes.storeColumns(out + at, column, inner, f32x4.sub(v128.load(g + start + at), f32x4.mul(e, total)));
  }
}
