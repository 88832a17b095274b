// The gradients of normalisation: of x, and of the weight (the bias's is a plain sum). Views as in normalization.ts.
import { Lanes } from "./lanes";
import { HAS_WEIGHT, MEAN_FOLLOWS, Run } from "./normalization-run";

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
  normalizeBackwardPart(out, g, x, mean, rstd, weight, outer, channels, inner, features, spread, flags, 0, channels);
}

/** The channels `first` … `first + count − 1`. */
export function normalizeBackwardPart(
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
  first: i32,
  count: i32,
): void {
  if (inner == 1 && (features == channels || !(flags & HAS_WEIGHT))) {
    backwardOfColumns(out, g, x, mean, rstd, weight, outer, channels, flags, first, first + count);
    return;
  }
  const terms = <f64>outer * <f64>inner;
  const wide = spread == 1;
  const length = (flags & HAS_WEIGHT) == 0 || wide ? inner : spread;
  const bytes = (<usize>length) << 2;
  const perRun = (<usize>inner) << 2;
  const step = <usize>channels * perRun;
  for (let c = first; c < first + count; ++c) {
    const m = load<f32>(mean + ((<usize>c) << 2));
    const r = load<f32>(rstd + ((<usize>c) << 2));
    const firstFeature = featureAt(c, inner, features, spread);
    // Σ g·w and Σ g·w·(x − m)
    let totals = f64x2.splat(0);
    for (let o = 0; o < outer; ++o) {
      let from = <usize>c * perRun + <usize>o * step;
      let feature = firstFeature;
      for (const end = from + perRun; from < end; from += bytes, feature += 1) {
        const w = weight + ((<usize>feature) << 2);
        if (wide && flags & HAS_WEIGHT) {
          totals = f64x2.add(totals, Run.weightedSumAndDot(g + from, x + from, m, w, length));
        } else {
          const scale: f64 = flags & HAS_WEIGHT ? <f64>load<f32>(w) : 1;
          totals = f64x2.add(totals, f64x2.mul(f64x2.splat(scale), Run.sumAndDot(g + from, x + from, m, length)));
        }
      }
    }
    const means = f64x2.div(totals, f64x2.splat(terms));
    const shift = flags & MEAN_FOLLOWS ? f32x4.splat(<f32>f64x2.extract_lane(means, 0)) : f32x4.splat(0);
    const slope = f32x4.splat(<f32>(f64x2.extract_lane(means, 1) * <f64>r * <f64>r));
    for (let o = 0; o < outer; ++o) {
      let from = <usize>c * perRun + <usize>o * step;
      let feature = firstFeature;
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
  first: i32,
  end: i32,
): void {
  const count = f64x2.splat(<f64>outer);
  const step = (<usize>channels) << 2;
  for (let c = first; c < end; c += 4) {
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
      Lanes.storeColumns(out + from - at, c, end, f32x4.mul(d, scale));
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
  normalizeWeightBackwardPart(out, g, x, mean, rstd, n, channels, inner, features, spread, 0, features);
}

/** The features `first` … `first + count − 1`. */
export function normalizeWeightBackwardPart(
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
  first: i32,
  count: i32,
): void {
  const rows = n / (features * spread);
  const end = first + count;
  const bytes = (<usize>spread) << 2;
  const step = <usize>features * bytes;
  if (spread > 1) {
    for (let f = first; f < end; ++f) {
      let total: f64 = 0;
      for (let row = 0; row < rows; ++row) {
        const from = <usize>row * step + <usize>f * bytes;
        const channel = (<usize>(((from >> 2) / <usize>inner) % <usize>channels)) << 2;
        const dot = f64x2.extract_lane(Run.sumAndDot(g + from, x + from, load<f32>(mean + channel), spread), 1);
        total += dot * <f64>load<f32>(rstd + channel);
      }
      store<f32>(out + ((<usize>f) << 2), <f32>total);
    }
    return;
  }
  let f = first;
  // Layer normalisation: a row is a channel. Sixteen columns at a time, a cache line of each row.
  if (inner == features) for (; f + 16 <= end; f += 16) weightOfLine(out, g, x, mean, rstd, f, features, rows);
  for (; f < end; f += 4) {
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
    Lanes.storeColumns(out, f, end, Lanes.narrow(low, high));
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
