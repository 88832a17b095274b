// softmax, logSoftmax and their gradients along `length` of [outer, length, inner]. Long contiguous rows are done one by
// one; else four rows or columns together, one in each lane. The largest value is subtracted first, sums are float64.
import { ExpOfNegative, Log1p } from "./exponential";
import { Lanes } from "./lanes";
import { Row } from "./reduce";

/** Up to this length four rows side by side are faster than one after the other. */
const SHORT = 16;

export function softmax(out: usize, x: usize, outer: i32, length: i32, inner: i32): void {
  normalise<Softmax>(out, x, x, outer, length, inner);
}
export function logSoftmax(out: usize, x: usize, outer: i32, length: i32, inner: i32): void {
  normalise<LogSoftmax>(out, x, x, outer, length, inner);
}
export function softmaxBackward(out: usize, g: usize, y: usize, outer: i32, length: i32, inner: i32): void {
  normalise<SoftmaxBackward>(out, g, y, outer, length, inner);
}
export function logSoftmaxBackward(out: usize, g: usize, y: usize, outer: i32, length: i32, inner: i32): void {
  normalise<LogSoftmaxBackward>(out, g, y, outer, length, inner);
}

/** F has `row(out, a, b, length)` for one contiguous row and `four(…)` for up to four lines in lanes. */
function normalise<F>(out: usize, a: usize, b: usize, outer: i32, length: i32, inner: i32): void {
  const rowBytes = (<usize>length) << 2;
  if (inner == 1 && length > SHORT) {
    for (; outer > 0; --outer, out += rowBytes, a += rowBytes, b += rowBytes) {
      changetype<F>(0).row(out, a, b, length);
    }
  } else if (inner == 1) {
    for (; outer > 0; outer -= 4, out += rowBytes << 2, a += rowBytes << 2, b += rowBytes << 2) {
      changetype<F>(0).four(out, a, b, length, 4, rowBytes, min<i32>(outer, 4));
    }
  } else {
    const step = (<usize>inner) << 2;
    const size = <usize>length * step;
    for (; outer > 0; --outer, out += size, a += size, b += size) {
      for (let column = 0; column < inner; column += 4) {
        const at = (<usize>column) << 2;
        changetype<F>(0).four(out + at, a + at, b + at, length, step, 4, min<i32>(inner - column, 4));
      }
    }
  }
}

/** One element of each of up to four lines that are `apart` bytes from each other. */
class Four {
  @inline static load(from: usize, apart: usize, count: i32): v128 {
    if (apart == 4) return v128.load(from);
    return count == 4 ? Lanes.gather(from, apart) : Lanes.gatherPartial(from, apart, count);
  }

  @inline static store(to: usize, value: v128, apart: usize, count: i32): void {
    if (apart == 4) Lanes.storeColumns(to, 0, count, value);
    else {
      v128.store_lane<f32>(to, value, 0);
      if (count > 1) v128.store_lane<f32>(to + apart, value, 1);
      if (count > 2) v128.store_lane<f32>(to + 2 * apart, value, 2);
      if (count > 3) v128.store_lane<f32>(to + 3 * apart, value, 3);
    }
  }

  /** As Core.max. */
  @inline static max(from: usize, length: i32, step: usize, apart: usize, count: i32): v128 {
    let max = f32x4.splat(f32.NEGATIVE_INFINITY);
    for (; length > 0; --length, from += step) max = f32x4.pmax(max, Four.load(from, apart, count));
    return max;
  }
}

class Core {
  /** The largest of a row, in all lanes. A NaN is passed over, which is quicker: it makes the sum NaN anyway. */
  @inline static max(x: usize, length: i32): v128 {
    let m = f32x4.splat(f32.NEGATIVE_INFINITY);
    let other = m;
    for (; length >= 8; length -= 8, x += 32) {
      m = f32x4.pmax(m, v128.load(x));
      other = f32x4.pmax(other, v128.load(x, 16));
    }
    if (length >= 4) {
      m = f32x4.pmax(m, v128.load(x));
      x += 16;
    }
    if (length & 3) other = f32x4.pmax(other, Core.loadLast(x, length & 3));
    m = f32x4.pmax(m, other);
    m = f32x4.pmax(m, v128.shuffle<i32>(m, m, 2, 3, 0, 1));
    return f32x4.pmax(m, v128.shuffle<i32>(m, m, 1, 0, 3, 2));
  }

  @inline static exp(x: v128): v128 {
    return changetype<ExpOfNegative>(0).apply(x);
  }

  /** log Σ exp(x − max). One of the terms is exp(0) = 1: without it a small rest keeps its digits. */
  @inline static logOfSum(low: v128, high: v128): v128 {
    const one = f64x2.splat(1);
    return changetype<Log1p>(0).apply(Lanes.narrow(f64x2.sub(low, one), f64x2.sub(high, one)));
  }

  /** The last one to three elements of a row; −∞ beyond its end, where exp is 0. */
  @inline static loadLast(from: usize, count: i32): v128 {
    return Lanes.loadPartial(from, count, f32.NEGATIVE_INFINITY);
  }
}

@unmanaged
class Softmax {
  row(out: usize, x: usize, _: usize, length: i32): void {
    const max = Core.max(x, length);
    const end = out + ((<usize>(length & ~3)) << 2);
    let to = out;
    let low = f64x2.splat(0);
    let high = low;
    for (; to < end; to += 16, x += 16) {
      const e = Core.exp(f32x4.sub(v128.load(x), max));
      low = f64x2.add(low, Lanes.low(e));
      high = f64x2.add(high, Lanes.high(e));
      v128.store(to, e);
    }
    const rest = length & 3;
    let last = f32x4.splat(0);
    if (rest > 0) {
      last = Core.exp(f32x4.sub(Core.loadLast(x, rest), max));
      low = f64x2.add(low, Lanes.low(last));
      high = f64x2.add(high, Lanes.high(last));
    }
    const total = f32x4.splat(<f32>Lanes.total(f64x2.add(low, high)));
    for (to = out; to < end; to += 16) v128.store(to, f32x4.div(v128.load(to), total));
    if (rest > 0) Lanes.storePartial(end, f32x4.div(last, total), rest);
  }

  four(out: usize, x: usize, _: usize, length: i32, step: usize, apart: usize, count: i32): void {
    const max = Four.max(x, length, step, apart, count);
    let low = f64x2.splat(0);
    let high = low;
    for (let i = 0; i < length; ++i) {
      const at = <usize>i * step;
      const e = Core.exp(f32x4.sub(Four.load(x + at, apart, count), max));
      low = f64x2.add(low, Lanes.low(e));
      high = f64x2.add(high, Lanes.high(e));
      Four.store(out + at, e, apart, count);
    }
    const total = Lanes.narrow(low, high);
    for (; length > 0; --length, out += step) {
      Four.store(out, f32x4.div(Four.load(out, apart, count), total), apart, count);
    }
  }
}

@unmanaged
class LogSoftmax {
  row(out: usize, x: usize, _: usize, length: i32): void {
    const max = Core.max(x, length);
    const whole = (<usize>(length & ~3)) << 2;
    const rest = length & 3;
    let low = f64x2.splat(0);
    let high = low;
    for (let at: usize = 0; at < whole; at += 16) {
      const e = Core.exp(f32x4.sub(v128.load(x + at), max));
      low = f64x2.add(low, Lanes.low(e));
      high = f64x2.add(high, Lanes.high(e));
    }
    if (rest > 0) {
      const e = Core.exp(f32x4.sub(Core.loadLast(x + whole, rest), max));
      low = f64x2.add(low, Lanes.low(e));
      high = f64x2.add(high, Lanes.high(e));
    }
    const total = f64x2.splat(Lanes.total(f64x2.add(low, high)));
    const shift = Core.logOfSum(total, total);
    for (let at: usize = 0; at < whole; at += 16) {
      v128.store(out + at, f32x4.sub(f32x4.sub(v128.load(x + at), max), shift));
    }
    if (rest > 0) Lanes.storePartial(out + whole, f32x4.sub(f32x4.sub(v128.load(x + whole), max), shift), rest);
  }

  four(out: usize, x: usize, _: usize, length: i32, step: usize, apart: usize, count: i32): void {
    const max = Four.max(x, length, step, apart, count);
    let low = f64x2.splat(0);
    let high = low;
    for (let i = 0; i < length; ++i) {
      const e = Core.exp(f32x4.sub(Four.load(x + <usize>i * step, apart, count), max));
      low = f64x2.add(low, Lanes.low(e));
      high = f64x2.add(high, Lanes.high(e));
    }
    const shift = Core.logOfSum(low, high);
    for (; length > 0; --length, x += step, out += step) {
      Four.store(out, f32x4.sub(f32x4.sub(Four.load(x, apart, count), max), shift), apart, count);
    }
  }
}

@unmanaged
class SoftmaxBackward {
  row(out: usize, g: usize, y: usize, length: i32): void {
    const dot = f32x4.splat(<f32>Row.dot(g, y, length));
    for (; length >= 4; length -= 4, out += 16, g += 16, y += 16) {
      v128.store(out, f32x4.mul(v128.load(y), f32x4.sub(v128.load(g), dot)));
    }
    if (length > 0) Lanes.storePartial(out, f32x4.mul(v128.load(y), f32x4.sub(v128.load(g), dot)), length);
  }

  four(out: usize, g: usize, y: usize, length: i32, step: usize, apart: usize, count: i32): void {
    let low = f64x2.splat(0);
    let high = low;
    for (let i = 0; i < length; ++i) {
      const v = Four.load(g + <usize>i * step, apart, count);
      const w = Four.load(y + <usize>i * step, apart, count);
      low = f64x2.add(low, f64x2.mul(Lanes.low(v), Lanes.low(w)));
      high = f64x2.add(high, f64x2.mul(Lanes.high(v), Lanes.high(w)));
    }
    const dot = Lanes.narrow(low, high);
    for (; length > 0; --length, g += step, y += step, out += step) {
      const difference = f32x4.sub(Four.load(g, apart, count), dot);
      Four.store(out, f32x4.mul(Four.load(y, apart, count), difference), apart, count);
    }
  }
}

@unmanaged
class LogSoftmaxBackward {
  row(out: usize, g: usize, y: usize, length: i32): void {
    const total = f32x4.splat(<f32>Row.sum(g, length));
    for (; length >= 4; length -= 4, out += 16, g += 16, y += 16) {
      v128.store(out, f32x4.sub(v128.load(g), f32x4.mul(Core.exp(v128.load(y)), total)));
    }
    if (length > 0) {
      Lanes.storePartial(out, f32x4.sub(v128.load(g), f32x4.mul(Core.exp(v128.load(y)), total)), length);
    }
  }

  four(out: usize, g: usize, y: usize, length: i32, step: usize, apart: usize, count: i32): void {
    let low = f64x2.splat(0);
    let high = low;
    for (let i = 0; i < length; ++i) {
      const v = Four.load(g + <usize>i * step, apart, count);
      low = f64x2.add(low, Lanes.low(v));
      high = f64x2.add(high, Lanes.high(v));
    }
    const total = Lanes.narrow(low, high);
    for (; length > 0; --length, g += step, y += step, out += step) {
      const share = f32x4.mul(Core.exp(Four.load(y, apart, count)), total);
      Four.store(out, f32x4.sub(Four.load(g, apart, count), share), apart, count);
    }
  }
}
