// Batch, layer, group, instance and RMS normalisation. x is [outer, channels, inner]; with inner = 1 (a table of samples)
// four channels are done side by side, else each run of `inner` elements on its own. Sums are float64.
import { Lanes } from "./lanes";
import { Row } from "./reduce";

const HAS_WEIGHT = 1;
const HAS_BIAS = 2;
const MEAN_FOLLOWS = 4;

export function moments(
  mean: usize,
  variance: usize,
  rstd: usize,
  x: usize,
  outer: i32,
  channels: i32,
  inner: i32,
  uncentred: i32,
  eps: f64,
): void {
  const count = f64x2.splat(<f64>outer * <f64>inner);
  const step = (<usize>channels * <usize>inner) << 2;
  const width = inner == 1 ? 4 : 1;
  for (let c = 0; c < channels; c += width, x += (<usize>width * <usize>inner) << 2) {
    let low = f64x2.splat(0);
    let high = low;
    if (!uncentred) {
      if (inner == 1) {
        let from = x;
        for (let o = outer; o > 0; --o, from += step) {
          const v = v128.load(from);
          low = f64x2.add(low, Lanes.low(v));
          high = f64x2.add(high, Lanes.high(v));
        }
      } else {
        let sum: f64 = 0;
        for (let o = 0; o < outer; ++o) sum += Row.sum(x + <usize>o * step, inner);
        low = f64x2.splat(sum);
        high = low;
      }
      low = f64x2.div(low, count);
      high = f64x2.div(high, count);
    }
    let lowSquares = f64x2.splat(0);
    let highSquares = lowSquares;
    if (inner == 1) {
      let from = x;
      for (let o = outer; o > 0; --o, from += step) {
        const v = v128.load(from);
        const a = f64x2.sub(Lanes.low(v), low);
        const b = f64x2.sub(Lanes.high(v), high);
        lowSquares = f64x2.add(lowSquares, f64x2.mul(a, a));
        highSquares = f64x2.add(highSquares, f64x2.mul(b, b));
      }
    } else {
      let sum: f64 = 0;
      for (let o = 0; o < outer; ++o) sum += Run.squares(x + <usize>o * step, low, inner);
      lowSquares = f64x2.splat(sum);
      highSquares = lowSquares;
    }
    lowSquares = f64x2.div(lowSquares, count);
    highSquares = f64x2.div(highSquares, count);
    const one = f64x2.splat(1);
    const lowRstd = f64x2.div(one, f64x2.sqrt(f64x2.add(lowSquares, f64x2.splat(eps))));
    const highRstd = f64x2.div(one, f64x2.sqrt(f64x2.add(highSquares, f64x2.splat(eps))));
    const to = c + width > channels ? channels : c + width;
    Run.storeUpTo(mean, c, to, Lanes.narrow(low, high));
    Run.storeUpTo(variance, c, to, Lanes.narrow(lowSquares, highSquares));
    Run.storeUpTo(rstd, c, to, Lanes.narrow(lowRstd, highRstd));
  }
}

export function normalize(
  out: usize,
  x: usize,
  mean: usize,
  rstd: usize,
  weight: usize,
  bias: usize,
  outer: i32,
  channels: i32,
  inner: i32,
  features: i32,
  spread: i32,
  flags: i32,
): void {
  if (inner == 1 && (features == channels || !(flags & (HAS_WEIGHT | HAS_BIAS)))) {
    for (; outer > 0; --outer, x += (<usize>channels) << 2, out += (<usize>channels) << 2) {
      for (let c = 0; c < channels; c += 4) {
        const at = (<usize>c) << 2;
        let y = f32x4.mul(f32x4.sub(v128.load(x + at), v128.load(mean + at)), v128.load(rstd + at));
        if (flags & HAS_WEIGHT) y = f32x4.mul(y, v128.load(weight + at));
        if (flags & HAS_BIAS) y = f32x4.add(y, v128.load(bias + at));
        Lanes.storeColumns(out, c, channels, y);
      }
    }
    return;
  }
  const wide = spread == 1;
  const length = (flags & (HAS_WEIGHT | HAS_BIAS)) == 0 || wide ? inner : spread;
  const bytes = (<usize>length) << 2;
  const segments = inner / length;
  let feature = 0;
  for (let o = 0; o < outer; ++o) {
    for (let c = 0; c < channels; ++c) {
      const m = v128.load32_splat(mean + ((<usize>c) << 2));
      const r = v128.load32_splat(rstd + ((<usize>c) << 2));
      for (let s = 0; s < segments; ++s, x += bytes, out += bytes) {
        const at = (<usize>feature) << 2;
        if (wide) Run.normalizeWide(out, x, m, r, weight + at, bias + at, length, flags);
        else Run.normalizeFlat(out, x, m, r, weight + at, bias + at, length, flags);
        feature += wide ? length : 1;
        if (feature >= features) feature = 0;
      }
    }
  }
}

export function normalizeBackward(
  out: usize,
  g: usize,
  x: usize,
  mean: usize,
  rstd: usize,
  weight: usize,
  outer: i32,
  channels: i32,
  inner: i32,
  features: i32,
  spread: i32,
  flags: i32,
): void {
  if (inner == 1 && (features == channels || !(flags & HAS_WEIGHT))) {
    backwardOfColumns(out, g, x, mean, rstd, weight, outer, channels, flags);
    return;
  }
  const count = <f64>outer * <f64>inner;
  const wide = spread == 1;
  const length = (flags & HAS_WEIGHT) == 0 || wide ? inner : spread;
  const bytes = (<usize>length) << 2;
  const perRun = (<usize>inner) << 2;
  const step = <usize>channels * perRun;
  for (let c = 0; c < channels; ++c) {
    const m = load<f32>(mean + ((<usize>c) << 2));
    const r = load<f32>(rstd + ((<usize>c) << 2));
    const first = featureAt(c, inner, features, spread);
    let sum: f64 = 0;
    let dot: f64 = 0;
    for (let o = 0; o < outer; ++o) {
      let from = <usize>c * perRun + <usize>o * step;
      let feature = first;
      for (const end = from + perRun; from < end; from += bytes, feature += 1) {
        const w = weight + ((<usize>feature) << 2);
        if (wide && flags & HAS_WEIGHT) {
          sum += Row.dot(g + from, w, length);
          dot += Run.weightedDot(g + from, x + from, m, w, length);
        } else {
          const scale: f64 = flags & HAS_WEIGHT ? <f64>load<f32>(w) : 1;
          sum += scale * Row.sum(g + from, length);
          dot += scale * Run.dot(g + from, x + from, m, length);
        }
      }
    }
    const shift = flags & MEAN_FOLLOWS ? f32x4.splat(<f32>(sum / count)) : f32x4.splat(0);
    const slope = f32x4.splat(<f32>((dot / count) * <f64>r * <f64>r));
    for (let o = 0; o < outer; ++o) {
      let from = <usize>c * perRun + <usize>o * step;
      let feature = first;
      for (const end = from + perRun; from < end; from += bytes, feature += 1) {
        const w = weight + ((<usize>feature) << 2);
        if (wide && flags & HAS_WEIGHT) Run.backwardWide(out + from, g + from, x + from, m, r, shift, slope, w, length);
        else {
          const scale: f32 = flags & HAS_WEIGHT ? load<f32>(w) : 1;
          Run.backwardFlat(out + from, g + from, x + from, m, r, shift, slope, scale, length);
        }
      }
    }
  }
}

/** The feature of the first element of channel c's runs: the same in every run, since whole runs fit into the features. */
function featureAt(c: i32, inner: i32, features: i32, spread: i32): i32 {
  return <i32>(((<i64>c * <i64>inner) / <i64>spread) % <i64>features);
}

/** inner = 1: four channels side by side. */
function backwardOfColumns(
  out: usize,
  g: usize,
  x: usize,
  mean: usize,
  rstd: usize,
  weight: usize,
  outer: i32,
  channels: i32,
  flags: i32,
): void {
  const count = f64x2.splat(<f64>outer);
  const step = (<usize>channels) << 2;
  for (let c = 0; c < channels; c += 4) {
    const at = (<usize>c) << 2;
    const m = v128.load(mean + at);
    const r = v128.load(rstd + at);
    const w = flags & HAS_WEIGHT ? v128.load(weight + at) : f32x4.splat(1);
    let lowSum = f64x2.splat(0);
    let highSum = lowSum;
    let lowDot = lowSum;
    let highDot = lowSum;
    let from = at;
    for (let o = outer; o > 0; --o, from += step) {
      const d = v128.load(g + from);
      const v = f32x4.sub(v128.load(x + from), m);
      lowSum = f64x2.add(lowSum, Lanes.low(d));
      highSum = f64x2.add(highSum, Lanes.high(d));
      lowDot = f64x2.add(lowDot, f64x2.mul(Lanes.low(d), Lanes.low(v)));
      highDot = f64x2.add(highDot, f64x2.mul(Lanes.high(d), Lanes.high(v)));
    }
    const rr = f32x4.mul(r, r);
    const slope = f32x4.mul(Lanes.narrow(f64x2.div(lowDot, count), f64x2.div(highDot, count)), rr);
    let shift = f32x4.splat(0);
    if (flags & MEAN_FOLLOWS) shift = Lanes.narrow(f64x2.div(lowSum, count), f64x2.div(highSum, count));
    const scale = f32x4.mul(r, w);
    from = at;
    for (let o = outer; o > 0; --o, from += step) {
      const v = f32x4.sub(v128.load(x + from), m);
      const d = f32x4.sub(f32x4.sub(v128.load(g + from), shift), f32x4.mul(v, slope));
      Lanes.storeColumns(out + from - at, c, channels, f32x4.mul(d, scale));
    }
  }
}

export function normalizeWeightBackward(
  out: usize,
  g: usize,
  x: usize,
  mean: usize,
  rstd: usize,
  n: i32,
  channels: i32,
  inner: i32,
  features: i32,
  spread: i32,
): void {
  const rows = n / (features * spread);
  const bytes = (<usize>spread) << 2;
  const step = <usize>features * bytes;
  if (spread > 1) {
    for (let f = 0; f < features; ++f) {
      let total: f64 = 0;
      for (let row = 0; row < rows; ++row) {
        const from = <usize>row * step + <usize>f * bytes;
        const channel = (<usize>(((from >> 2) / <usize>inner) % <usize>channels)) << 2;
        total += Run.dot(g + from, x + from, load<f32>(mean + channel), spread) * <f64>load<f32>(rstd + channel);
      }
      store<f32>(out + ((<usize>f) << 2), <f32>total);
    }
    return;
  }
  let f = 0;
  // Layer normalisation: a row is a channel. Sixteen columns at a time, a cache line of each row.
  if (inner == features) for (; f + 16 <= features; f += 16) weightOfLine(out, g, x, mean, rstd, f, features, rows);
  for (; f < features; f += 4) {
    let low = f64x2.splat(0);
    let high = low;
    for (let row = 0; row < rows; ++row) {
      const i = <usize>row * <usize>features + <usize>f;
      const m = Run.channelsOf(mean, i, inner, channels);
      const r = Run.channelsOf(rstd, i, inner, channels);
      const v = f32x4.mul(f32x4.sub(v128.load(x + (i << 2)), m), r);
      const d = v128.load(g + (i << 2));
      low = f64x2.add(low, f64x2.mul(Lanes.low(d), Lanes.low(v)));
      high = f64x2.add(high, f64x2.mul(Lanes.high(d), Lanes.high(v)));
    }
    Lanes.storeColumns(out, f, features, Lanes.narrow(low, high));
  }
}

function weightOfLine(
  out: usize,
  g: usize,
  x: usize,
  mean: usize,
  rstd: usize,
  column: i32,
  features: i32,
  rows: i32,
): void {
  const at = (<usize>column) << 2;
  const step = (<usize>features) << 2;
  let a0 = f64x2.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let a4 = a0;
  let a5 = a0;
  let a6 = a0;
  let a7 = a0;
  g += at;
  x += at;
  for (; rows > 0; --rows, g += step, x += step, mean += 4, rstd += 4) {
    const m = v128.load32_splat(mean);
    const r = v128.load32_splat(rstd);
    const p0 = f32x4.mul(f32x4.mul(f32x4.sub(v128.load(x), m), r), v128.load(g));
    const p1 = f32x4.mul(f32x4.mul(f32x4.sub(v128.load(x, 16), m), r), v128.load(g, 16));
    const p2 = f32x4.mul(f32x4.mul(f32x4.sub(v128.load(x, 32), m), r), v128.load(g, 32));
    const p3 = f32x4.mul(f32x4.mul(f32x4.sub(v128.load(x, 48), m), r), v128.load(g, 48));
    a0 = f64x2.add(a0, Lanes.low(p0));
    a1 = f64x2.add(a1, Lanes.high(p0));
    a2 = f64x2.add(a2, Lanes.low(p1));
    a3 = f64x2.add(a3, Lanes.high(p1));
    a4 = f64x2.add(a4, Lanes.low(p2));
    a5 = f64x2.add(a5, Lanes.high(p2));
    a6 = f64x2.add(a6, Lanes.low(p3));
    a7 = f64x2.add(a7, Lanes.high(p3));
  }
  out += at;
  v128.store(out, Lanes.narrow(a0, a1));
  v128.store(out, Lanes.narrow(a2, a3), 16);
  v128.store(out, Lanes.narrow(a4, a5), 32);
  v128.store(out, Lanes.narrow(a6, a7), 48);
}

export function trackMoments(
  runningMean: usize,
  runningVariance: usize,
  count: usize,
  mean: usize,
  variance: usize,
  rows: i32,
  channels: i32,
  counted: i32,
  momentum: f64,
  correction: f64,
): void {
  const seen = load<f32>(count) + <f32>counted;
  store<f32>(count, seen);
  const share = momentum < 0 ? 1 / <f64>seen : momentum;
  for (let c = 0; c < channels; ++c) {
    const at = (<usize>c) << 2;
    let m: f64 = 0;
    let v: f64 = 0;
    for (let row = 0; row < rows; ++row) {
      const from = (<usize>row * <usize>channels + <usize>c) << 2;
      m += <f64>load<f32>(mean + from);
      v += <f64>load<f32>(variance + from);
    }
    m /= <f64>rows;
    v *= correction / <f64>rows;
    store<f32>(runningMean + at, <f32>((1 - share) * <f64>load<f32>(runningMean + at) + share * m));
    store<f32>(runningVariance + at, <f32>((1 - share) * <f64>load<f32>(runningVariance + at) + share * v));
  }
}

/** Loops over one run of neighbouring elements that share a channel. */
class Run {
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
