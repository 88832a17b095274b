// Batch, layer, group, instance and RMS normalisation. x is [outer, channels, inner]; with inner = 1 (a table of samples)
// four channels are done side by side, else each run of `inner` elements on its own. Sums end in float64.
import { Lanes } from "./lanes";
import { HAS_BIAS, HAS_WEIGHT, Run } from "./normalization-run";

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
  momentsPart(mean, variance, rstd, x, outer, channels, inner, uncentred, eps, 0, channels);
}

/** The channels `first` … `first + count − 1`. */
export function momentsPart(
  mean: usize,
  variance: usize,
  rstd: usize,
  x: usize,
  outer: i32,
  channels: i32,
  inner: i32,
  uncentred: i32,
  eps: f64,
  first: i32,
  count: i32,
): void {
  const terms = f64x2.splat(<f64>outer * <f64>inner);
  const step = (<usize>channels * <usize>inner) << 2;
  const width = inner == 1 ? 4 : 1;
  const end = first + count;
  x += (<usize>first * <usize>inner) << 2;
  for (let c = first; c < end; c += width, x += (<usize>width * <usize>inner) << 2) {
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
        for (let o = 0; o < outer; ++o) sum += Run.sum(x + <usize>o * step, inner);
        low = f64x2.splat(sum);
        high = low;
      }
      low = f64x2.div(low, terms);
      high = f64x2.div(high, terms);
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
      const center = f64x2.extract_lane(low, 0);
      let sum: f64 = 0;
      for (let o = 0; o < outer; ++o) sum += Run.squares(x + <usize>o * step, center, inner);
      lowSquares = f64x2.splat(max<f64>(sum, 0));
      highSquares = lowSquares;
    }
    lowSquares = f64x2.div(lowSquares, terms);
    highSquares = f64x2.div(highSquares, terms);
    const one = f64x2.splat(1);
    const lowRstd = f64x2.div(one, f64x2.sqrt(f64x2.add(lowSquares, f64x2.splat(eps))));
    const highRstd = f64x2.div(one, f64x2.sqrt(f64x2.add(highSquares, f64x2.splat(eps))));
    const to = c + width > end ? end : c + width;
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
