// xʸ for float32 lanes: 2^(y·log₂|x|) in float64, then the special cases of C's pow.
import { Lanes } from "./lanes";

@unmanaged
export class Pow {
  @inline apply(x: v128, y: v128): v128 {
    const magnitude = f32x4.abs(x);
    const zero = f32x4.splat(0);
    const one = f32x4.splat(1);
    const infinity = f32x4.splat(f32.POSITIVE_INFINITY);

    const low = PowCore.positive(Lanes.low(magnitude), Lanes.low(y));
    const high = PowCore.positive(Lanes.high(magnitude), Lanes.high(y));
    let result = Lanes.narrow(low, high);

    // |x| = 0 or ∞: 0 or ∞ by the sign of y.
    const zeroBase = f32x4.eq(magnitude, zero);
    const edgeBase = v128.or(zeroBase, f32x4.eq(magnitude, infinity));
    const grows = v128.xor(f32x4.gt(y, zero), zeroBase);
    result = Lanes.select(edgeBase, v128.and(grows, infinity), result);

    // A negative base: NaN unless y is an integer, negative when y is odd. All y ≥ 2²⁴ are even integers.
    const negative = i32x4.shr_s(x, 31);
    const whole = f32x4.eq(f32x4.trunc(y), y);
    const half = f32x4.mul(y, f32x4.splat(0.5));
    const odd = v128.andnot(v128.and(whole, f32x4.lt(f32x4.abs(y), infinity)), f32x4.eq(f32x4.trunc(half), half));
    result = v128.xor(result, v128.and(v128.and(negative, odd), f32x4.splat(-0.0)));
    const undefinedRoot = v128.andnot(v128.andnot(negative, whole), edgeBase);
    result = Lanes.select(undefinedRoot, f32x4.splat(f32.NaN), result);

    // NaN in, NaN out, before the two cases that are 1 whatever the other operand is.
    const unordered = v128.or(f32x4.ne(x, x), f32x4.ne(y, y));
    result = Lanes.select(unordered, f32x4.splat(f32.NaN), result);
    const endless = v128.and(f32x4.eq(magnitude, one), f32x4.eq(f32x4.abs(y), infinity));
    const unit = v128.or(v128.or(f32x4.eq(y, zero), f32x4.eq(x, one)), endless);
    return Lanes.select(unit, one, result);
  }
}

// 0: 1.5·2⁵², which turns small integers into float64 and back; 1: 1; 2: 2/ln 2; 3: ln 2; 4–5: bounds of the exponent,
// beyond which the result is 0 or ∞ in float32; 6: √½.
const POW: usize = memory.data<f64>([
  6755399441055744, 1, 2.8853900817779268, 0.6931471805599453, 200, -200, 0.7071067811865476,
]);
/** artanh(s)/s in s²: 1/(2i + 1) */
const ARTANH: usize = memory.data<f64>([
  1, 0.3333333333333333, 0.2, 0.14285714285714285, 0.1111111111111111, 0.09090909090909091, 0.07692307692307693,
  0.06666666666666667, 0.058823529411764705,
]);
/** eʳ: 1/i! */
const EXP_SERIES: usize = memory.data<f64>([
  1, 1, 0.5, 0.16666666666666666, 0.041666666666666664, 0.008333333333333333, 0.001388888888888889,
  0.0001984126984126984, 0.0000248015873015873, 0.0000027557319223985893,
]);

class PowCore {
  /** 2^(y·log₂ x) for positive finite x */
  @inline static positive(x: v128, y: v128): v128 {
    return PowCore.exp2(f64x2.mul(y, PowCore.log2(x)));
  }

  @inline static log2(x: v128): v128 {
    const k = i64x2.shr_s(i64x2.sub(x, Lanes.entry64(POW, 6)), 52);
    const exponent = f64x2.sub(i64x2.add(k, Lanes.entry64(POW, 0)), Lanes.entry64(POW, 0));
    const m = i64x2.sub(x, i64x2.shl(k, 52));
    // log(m) = 2·artanh(s), s = (m − 1)/(m + 1), |s| < 0.172
    const one = Lanes.entry64(POW, 1);
    const s = f64x2.div(f64x2.sub(m, one), f64x2.add(m, one));
    const z = f64x2.mul(s, s);
    let p = Lanes.entry64(ARTANH, 8);
    p = PowCore.next(p, z, ARTANH, 7);
    p = PowCore.next(p, z, ARTANH, 6);
    p = PowCore.next(p, z, ARTANH, 5);
    p = PowCore.next(p, z, ARTANH, 4);
    p = PowCore.next(p, z, ARTANH, 3);
    p = PowCore.next(p, z, ARTANH, 2);
    p = PowCore.next(p, z, ARTANH, 1);
    p = PowCore.next(p, z, ARTANH, 0);
    return f64x2.add(exponent, f64x2.mul(f64x2.mul(s, p), Lanes.entry64(POW, 2)));
  }

  @inline static exp2(t: v128): v128 {
    const bounded = f64x2.pmax(f64x2.pmin(t, Lanes.entry64(POW, 4)), Lanes.entry64(POW, 5));
    const shifted = f64x2.add(bounded, Lanes.entry64(POW, 0));
    const n = f64x2.sub(shifted, Lanes.entry64(POW, 0));
    const r = f64x2.mul(f64x2.sub(bounded, n), Lanes.entry64(POW, 3));
    let p = Lanes.entry64(EXP_SERIES, 9);
    p = PowCore.next(p, r, EXP_SERIES, 8);
    p = PowCore.next(p, r, EXP_SERIES, 7);
    p = PowCore.next(p, r, EXP_SERIES, 6);
    p = PowCore.next(p, r, EXP_SERIES, 5);
    p = PowCore.next(p, r, EXP_SERIES, 4);
    p = PowCore.next(p, r, EXP_SERIES, 3);
    p = PowCore.next(p, r, EXP_SERIES, 2);
    p = PowCore.next(p, r, EXP_SERIES, 1);
    p = PowCore.next(p, r, EXP_SERIES, 0);
    return f64x2.mul(p, i64x2.add(i64x2.shl(shifted, 52), Lanes.entry64(POW, 1)));
  }

  /** One step of Horner's rule */
  @inline static next(p: v128, x: v128, table: usize, i: usize): v128 {
    return f64x2.add(f64x2.mul(p, x), Lanes.entry64(table, i));
  }
}
