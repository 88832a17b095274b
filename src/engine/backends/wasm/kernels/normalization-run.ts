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

  // Sums over a run: four vectors are added as float32, two by two, and what they give as float64. So a sum has a rounding or
  // two of its terms' size more than one of float64 alone, however long it is, and takes less than half the time.

  /** Σ x */
  @inline static sum(x: usize, n: i32): f64 {
    let total = f64x2.splat(0);
    for (; n >= 16; n -= 16, x += 64) {
      const a = f32x4.add(v128.load(x), v128.load(x, 16));
      const b = f32x4.add(v128.load(x, 32), v128.load(x, 48));
      total = Run.addTo(total, f32x4.add(a, b));
    }
    for (; n >= 4; n -= 4, x += 16) total = Run.addTo(total, v128.load(x));
    if (n > 0) total = Run.addTo(total, Lanes.loadPartial(x, n, 0));
    return Lanes.total(total);
  }

  /** Σ (x − m)² */
  @inline static squares(x: usize, m: f64, n: i32): f64 {
    const length = <f64>n;
    const lost = m - <f64>(<f32>m);
    const center = f32x4.splat(<f32>m);
    let total = f64x2.splat(0);
    for (; n >= 16; n -= 16, x += 64) {
      const a = f32x4.add(Run.square(v128.load(x), center), Run.square(v128.load(x, 16), center));
      const b = f32x4.add(Run.square(v128.load(x, 32), center), Run.square(v128.load(x, 48), center));
      total = Run.addTo(total, f32x4.add(a, b));
    }
    for (; n >= 4; n -= 4, x += 16) total = Run.addTo(total, Run.square(v128.load(x), center));
    if (n > 0) total = Run.addTo(total, Run.square(Lanes.loadPartial(x, n, <f32>m), center));
    // Around another centre than the mean there is so much more.
    return Lanes.total(total) - length * lost * lost;
  }

  /** Σ g and Σ g·(x − m), in the two lanes. */
  @inline static sumAndDot(g: usize, x: usize, m: f32, n: i32): v128 {
    const center = f32x4.splat(m);
    let sum = f64x2.splat(0);
    let dot = sum;
    for (; n >= 16; n -= 16, x += 64, g += 64) {
      const d0 = v128.load(g);
      const d1 = v128.load(g, 16);
      const d2 = v128.load(g, 32);
      const d3 = v128.load(g, 48);
      sum = Run.addTo(sum, f32x4.add(f32x4.add(d0, d1), f32x4.add(d2, d3)));
      const p0 = f32x4.mul(d0, f32x4.sub(v128.load(x), center));
      const p1 = f32x4.mul(d1, f32x4.sub(v128.load(x, 16), center));
      const p2 = f32x4.mul(d2, f32x4.sub(v128.load(x, 32), center));
      const p3 = f32x4.mul(d3, f32x4.sub(v128.load(x, 48), center));
      dot = Run.addTo(dot, f32x4.add(f32x4.add(p0, p1), f32x4.add(p2, p3)));
    }
    for (; n >= 4; n -= 4, x += 16, g += 16) {
      const d = v128.load(g);
      sum = Run.addTo(sum, d);
      dot = Run.addTo(dot, f32x4.mul(d, f32x4.sub(v128.load(x), center)));
    }
    if (n > 0) {
      const d = Lanes.loadPartial(g, n, 0);
      sum = Run.addTo(sum, d);
      dot = Run.addTo(dot, f32x4.mul(d, f32x4.sub(Lanes.loadPartial(x, n, m), center)));
    }
    return Run.totals(sum, dot);
  }

  /** Σ g·w and Σ g·w·(x − m), in the two lanes. */
  @inline static weightedSumAndDot(g: usize, x: usize, m: f32, w: usize, n: i32): v128 {
    const center = f32x4.splat(m);
    let sum = f64x2.splat(0);
    let dot = sum;
    for (; n >= 16; n -= 16, x += 64, g += 64, w += 64) {
      const d0 = f32x4.mul(v128.load(g), v128.load(w));
      const d1 = f32x4.mul(v128.load(g, 16), v128.load(w, 16));
      const d2 = f32x4.mul(v128.load(g, 32), v128.load(w, 32));
      const d3 = f32x4.mul(v128.load(g, 48), v128.load(w, 48));
      sum = Run.addTo(sum, f32x4.add(f32x4.add(d0, d1), f32x4.add(d2, d3)));
      const p0 = f32x4.mul(d0, f32x4.sub(v128.load(x), center));
      const p1 = f32x4.mul(d1, f32x4.sub(v128.load(x, 16), center));
      const p2 = f32x4.mul(d2, f32x4.sub(v128.load(x, 32), center));
      const p3 = f32x4.mul(d3, f32x4.sub(v128.load(x, 48), center));
      dot = Run.addTo(dot, f32x4.add(f32x4.add(p0, p1), f32x4.add(p2, p3)));
    }
    for (; n >= 4; n -= 4, x += 16, g += 16, w += 16) {
      const d = f32x4.mul(v128.load(g), v128.load(w));
      sum = Run.addTo(sum, d);
      dot = Run.addTo(dot, f32x4.mul(d, f32x4.sub(v128.load(x), center)));
    }
    if (n > 0) {
      const d = f32x4.mul(Lanes.loadPartial(g, n, 0), Lanes.loadPartial(w, n, 0));
      sum = Run.addTo(sum, d);
      dot = Run.addTo(dot, f32x4.mul(d, f32x4.sub(Lanes.loadPartial(x, n, m), center)));
    }
    return Run.totals(sum, dot);
  }

  /** The four lanes of x added to the two of a sum. */
  @inline static addTo(total: v128, x: v128): v128 {
    return f64x2.add(total, f64x2.add(Lanes.low(x), Lanes.high(x)));
  }

  @inline static square(x: v128, center: v128): v128 {
    const d = f32x4.sub(x, center);
    return f32x4.mul(d, d);
  }

  @inline static totals(first: v128, second: v128): v128 {
    return f64x2.replace_lane(f64x2.splat(Lanes.total(first)), 1, Lanes.total(second));
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
