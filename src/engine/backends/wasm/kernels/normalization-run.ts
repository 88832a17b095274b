// What the passes of normalisation share: the flags of their instructions, and loops over a run of elements.
import { Lanes } from "./lanes";

export const HAS_WEIGHT = 1;
export const HAS_BIAS = 2;
export const MEAN_FOLLOWS = 4;

/** Loops over one run of neighbouring elements that share a channel. */
export class Run {
  /** Stores what there is of four elements from i on, in a run of n. */
  @inline static store(run: usize, i: i32, n: i32, value: v128): void {
    const to = run + ((<usize>i) << 2);
    if (n - i >= 4) v128.store(to, value);
    else Lanes.storePartial(to, value, n - i);
  }

  /** Stores lanes of `value` at elements from … to − 1. */
  @inline static storeUpTo(base: usize, from: i32, to: i32, value: v128): void {
    Lanes.storeColumns(base, from, to, value);
  }

  /** Σ (x − m)² */
  @inline static squares(x: usize, m: v128, n: i32): f64 {
    let low = f64x2.splat(0);
    let high = low;
    for (; n >= 4; n -= 4, x += 16) {
      const v = v128.load(x);
      const a = f64x2.sub(Lanes.low(v), m);
      const b = f64x2.sub(Lanes.high(v), m);
      low = f64x2.add(low, f64x2.mul(a, a));
      high = f64x2.add(high, f64x2.mul(b, b));
    }
    let total = Lanes.total(f64x2.add(low, high));
    const center = f64x2.extract_lane(m, 0);
    for (; n > 0; --n, x += 4) {
      const d = <f64>load<f32>(x) - center;
      total += d * d;
    }
    return total;
  }

  /** Σ g·(x − m) */
  @inline static dot(g: usize, x: usize, m: f32, n: i32): f64 {
    const center = f32x4.splat(m);
    let low = f64x2.splat(0);
    let high = low;
    for (; n >= 4; n -= 4, x += 16, g += 16) {
      const v = f32x4.sub(v128.load(x), center);
      const d = v128.load(g);
      low = f64x2.add(low, f64x2.mul(Lanes.low(d), Lanes.low(v)));
      high = f64x2.add(high, f64x2.mul(Lanes.high(d), Lanes.high(v)));
    }
    let total = Lanes.total(f64x2.add(low, high));
    for (; n > 0; --n, x += 4, g += 4) total += <f64>load<f32>(g) * <f64>(load<f32>(x) - m);
    return total;
  }

  /** Σ g·w·(x − m) */
  @inline static weightedDot(g: usize, x: usize, m: f32, w: usize, n: i32): f64 {
    const center = f32x4.splat(m);
    let low = f64x2.splat(0);
    let high = low;
    for (; n >= 4; n -= 4, x += 16, g += 16, w += 16) {
      const v = f32x4.sub(v128.load(x), center);
      const d = f32x4.mul(v128.load(g), v128.load(w));
      low = f64x2.add(low, f64x2.mul(Lanes.low(d), Lanes.low(v)));
      high = f64x2.add(high, f64x2.mul(Lanes.high(d), Lanes.high(v)));
    }
    let total = Lanes.total(f64x2.add(low, high));
    for (; n > 0; --n, x += 4, g += 4, w += 4) {
      total += <f64>(load<f32>(g) * load<f32>(w)) * <f64>(load<f32>(x) - m);
    }
    return total;
  }

  /** One weight and bias for each element. */
  @inline static normalizeWide(out: usize, x: usize, m: v128, r: v128, w: usize, b: usize, n: i32, flags: i32): void {
    for (let i = 0; i < n; i += 4) {
      const at = (<usize>i) << 2;
      let y = f32x4.mul(f32x4.sub(v128.load(x + at), m), r);
      if (flags & HAS_WEIGHT) y = f32x4.mul(y, v128.load(w + at));
      if (flags & HAS_BIAS) y = f32x4.add(y, v128.load(b + at));
      Run.store(out, i, n, y);
    }
  }

  /** One weight and bias for all elements. */
  @inline static normalizeFlat(out: usize, x: usize, m: v128, r: v128, w: usize, b: usize, n: i32, flags: i32): void {
    const scale = flags & HAS_WEIGHT ? v128.load32_splat(w) : f32x4.splat(1);
    const shift = flags & HAS_BIAS ? v128.load32_splat(b) : f32x4.splat(0);
    for (let i = 0; i < n; i += 4) {
      const y = f32x4.mul(f32x4.sub(v128.load(x + ((<usize>i) << 2)), m), r);
      Run.store(out, i, n, f32x4.add(f32x4.mul(y, scale), shift));
    }
  }

  @inline static backwardWide(
    out: usize,
    g: usize,
    x: usize,
    m: f32,
    r: f32,
    shift: v128,
    slope: v128,
    w: usize,
    n: i32,
  ): void {
    const center = f32x4.splat(m);
    const scale = f32x4.splat(r);
    for (let i = 0; i < n; i += 4) {
      const at = (<usize>i) << 2;
      const v = f32x4.sub(v128.load(x + at), center);
      const d = f32x4.sub(f32x4.mul(v128.load(g + at), v128.load(w + at)), shift);
      Run.store(out, i, n, f32x4.mul(f32x4.sub(d, f32x4.mul(v, slope)), scale));
    }
  }

  @inline static backwardFlat(
    out: usize,
    g: usize,
    x: usize,
    m: f32,
    r: f32,
    shift: v128,
    slope: v128,
    weight: f32,
    n: i32,
  ): void {
    const center = f32x4.splat(m);
    const scale = f32x4.splat(r);
    const w = f32x4.splat(weight);
    for (let i = 0; i < n; i += 4) {
      const at = (<usize>i) << 2;
      const v = f32x4.sub(v128.load(x + at), center);
      const d = f32x4.sub(f32x4.mul(v128.load(g + at), w), shift);
      Run.store(out, i, n, f32x4.mul(f32x4.sub(d, f32x4.mul(v, slope)), scale));
    }
  }

  /** The statistic of the channels of four elements from flat index i on, within one row of the features. */
  @inline static channelsOf(statistic: usize, i: usize, inner: i32, channels: i32): v128 {
    const width = <usize>inner;
    const channel = (i / width) % <usize>channels;
    const from = statistic + (channel << 2);
    if (width == 1) return v128.load(from);
    if ((i + 3) / width == i / width) return v128.load32_splat(from);
    let value = v128.load32_splat(from);
    value = f32x4.replace_lane(value, 1, Run.channelOf(statistic, i + 1, width, channels));
    value = f32x4.replace_lane(value, 2, Run.channelOf(statistic, i + 2, width, channels));
    return f32x4.replace_lane(value, 3, Run.channelOf(statistic, i + 3, width, channels));
  }

  @inline static channelOf(statistic: usize, i: usize, width: usize, channels: i32): f32 {
    return load<f32>(statistic + (((i / width) % <usize>channels) << 2));
  }
}
