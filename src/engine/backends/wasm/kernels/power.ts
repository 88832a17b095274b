// xʸ for float32 lanes: 2^(y·log₂|x|) in float64, then the special cases of C's pow.
import { Lanes } from "./lanes";

const SQRT_HALF_BITS: i64 = 0x3fe6a09e667f3bcd;
/** Bits of 1.5·2⁵²: adding a small integer to them makes the float64 1.5·2⁵² + integer. */
const INTEGER_BITS: i64 = 0x4338000000000000;
const INTEGER_BASE: f64 = 6755399441055744;

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

class PowCore {
  /** 2^(y·log₂ x) for positive finite x; the exponent is bounded, so infinite y end at 0 or ∞ in float32. */
  @inline static positive(x: v128, y: v128): v128 {
    return PowCore.exp2(f64x2.mul(y, PowCore.log2(x)));
  }

  @inline static log2(x: v128): v128 {
    const k = i64x2.shr_s(i64x2.sub(x, i64x2.splat(SQRT_HALF_BITS)), 52);
    const exponent = f64x2.sub(i64x2.add(k, i64x2.splat(INTEGER_BITS)), f64x2.splat(INTEGER_BASE));
    const m = i64x2.sub(x, i64x2.shl(k, 52));
    // log(m) = 2·artanh(s), s = (m − 1)/(m + 1), |s| < 0.172
    const s = f64x2.div(f64x2.sub(m, f64x2.splat(1)), f64x2.add(m, f64x2.splat(1)));
    const z = f64x2.mul(s, s);
    let p = f64x2.splat(1.0 / 19.0);
    p = PowCore.madd(p, z, 1.0 / 17.0);
    p = PowCore.madd(p, z, 1.0 / 15.0);
    p = PowCore.madd(p, z, 1.0 / 13.0);
    p = PowCore.madd(p, z, 1.0 / 11.0);
    p = PowCore.madd(p, z, 1.0 / 9.0);
    p = PowCore.madd(p, z, 1.0 / 7.0);
    p = PowCore.madd(p, z, 1.0 / 5.0);
    p = PowCore.madd(p, z, 1.0 / 3.0);
    p = PowCore.madd(p, z, 1.0);
    return f64x2.add(exponent, f64x2.mul(f64x2.mul(s, p), f64x2.splat(2.8853900817779268))); // 2/ln 2
  }

  @inline static exp2(t: v128): v128 {
    const bounded = f64x2.pmax(f64x2.pmin(t, f64x2.splat(200)), f64x2.splat(-200));
    const n = f64x2.nearest(bounded);
    const r = f64x2.mul(f64x2.sub(bounded, n), f64x2.splat(0.6931471805599453));
    let p = f64x2.splat(1.0 / 39916800.0);
    p = PowCore.madd(p, r, 1.0 / 3628800.0);
    p = PowCore.madd(p, r, 1.0 / 362880.0);
    p = PowCore.madd(p, r, 1.0 / 40320.0);
    p = PowCore.madd(p, r, 1.0 / 5040.0);
    p = PowCore.madd(p, r, 1.0 / 720.0);
    p = PowCore.madd(p, r, 1.0 / 120.0);
    p = PowCore.madd(p, r, 1.0 / 24.0);
    p = PowCore.madd(p, r, 1.0 / 6.0);
    p = PowCore.madd(p, r, 0.5);
    p = PowCore.madd(p, r, 1.0);
    p = PowCore.madd(p, r, 1.0);
    const whole = i64x2.sub(f64x2.add(n, f64x2.splat(INTEGER_BASE)), i64x2.splat(INTEGER_BITS));
    return f64x2.mul(p, i64x2.shl(i64x2.add(whole, i64x2.splat(1023)), 52));
  }

  @inline static madd(a: v128, b: v128, c: f64): v128 {
    return f64x2.add(f64x2.mul(a, b), f64x2.splat(c));
  }
}
