// exp, expm1, log, log1p and what follows from them, for four float32 lanes; accurate to about 2 units in the last
// place over the whole range, denormals and infinities included. `apply` is the form that the loops in unary.ts take.
import { Lanes } from "./lanes";

// ln 2 in two parts; the first has so few bits that n·LN2_HIGH is exact.
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.1219444e-4;
const LOG2_E: f32 = 1.44269504088896341;

/** eʳ − 1 for |r| ≤ ln(2)/2 (polynomial of Cephes' expf). */
class ExpCore {
  @inline static minusOne(r: v128): v128 {
    let p = f32x4.splat(1.98756915e-4);
    p = Lanes.madd(p, r, f32x4.splat(1.3981999507e-3));
    p = Lanes.madd(p, r, f32x4.splat(8.3334519073e-3));
    p = Lanes.madd(p, r, f32x4.splat(4.1665795894e-2));
    p = Lanes.madd(p, r, f32x4.splat(1.6666665459e-1));
    p = Lanes.madd(p, r, f32x4.splat(5.0000001201e-1));
    return Lanes.madd(f32x4.mul(r, r), p, r);
  }

  /** x − n·ln 2 */
  @inline static remainder(x: v128, n: v128): v128 {
    const r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(LN2_HIGH)));
    return f32x4.sub(r, f32x4.mul(n, f32x4.splat(LN2_LOW)));
  }
}

@unmanaged
export class Exp {
  @inline apply(x: v128): v128 {
    // pmin and pmax keep a NaN in the first operand's place.
    const bounded = f32x4.pmax(f32x4.pmin(x, f32x4.splat(89)), f32x4.splat(-104));
    const n = f32x4.nearest(f32x4.mul(bounded, f32x4.splat(LOG2_E)));
    const y = f32x4.add(ExpCore.minusOne(ExpCore.remainder(bounded, n)), f32x4.splat(1));
    // 2ⁿ in two factors: n reaches 128 and −150, beyond what one float32 exponent holds.
    const whole = i32x4.trunc_sat_f32x4_s(n);
    const half = i32x4.shr_s(whole, 1);
    return f32x4.mul(f32x4.mul(y, Lanes.power2(half)), Lanes.power2(i32x4.sub(whole, half)));
  }
}

@unmanaged
export class Expm1 {
  @inline apply(x: v128): v128 {
    const bounded = f32x4.pmax(f32x4.pmin(x, f32x4.splat(89)), f32x4.splat(-20));
    const n = f32x4.nearest(f32x4.mul(bounded, f32x4.splat(LOG2_E)));
    const y = ExpCore.minusOne(ExpCore.remainder(bounded, n));
    // 2ⁿ·y + (2ⁿ − 1), all halved so that n = 128 is in range; with n = 0 it is y itself, also where y is denormal.
    const scale = Lanes.power2(i32x4.sub(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(1)));
    const scaled = Lanes.madd(scale, y, f32x4.sub(scale, f32x4.splat(0.5)));
    const result = Lanes.select(f32x4.eq(n, f32x4.splat(0)), y, f32x4.add(scaled, scaled));
    return Lanes.withSign(result, x);
  }
}

// The logarithm as in FreeBSD's logf: x = 2ᵏ·(1 + f) with 1 + f in [√½, √2); s = f/(2 + f).
const LOG_LN2_HIGH: f32 = 6.9313812256e-1;
const LOG_LN2_LOW: f32 = 9.0580006145e-6;
const SQRT_HALF_BITS: i32 = 0x3f3504f3;

class LogCore {
  /** s·(f²/2 + R(s²)), from which log(1 + f) = f − f²/2 + this. */
  @inline static correction(f: v128, halfSquare: v128): v128 {
    const s = f32x4.div(f, f32x4.add(f32x4.splat(2), f));
    const z = f32x4.mul(s, s);
    const w = f32x4.mul(z, z);
    const odd = f32x4.mul(w, Lanes.madd(w, f32x4.splat(0.24279078841), f32x4.splat(0.40000972152)));
    const even = f32x4.mul(z, Lanes.madd(w, f32x4.splat(0.28498786688), f32x4.splat(0.66666662693)));
    return f32x4.mul(s, f32x4.add(halfSquare, f32x4.add(odd, even)));
  }

  /** log(0) = −∞, log of a negative number = NaN, log(∞) = ∞; `result` elsewhere. */
  @inline static atEdges(x: v128, result: v128): v128 {
    let y = Lanes.select(f32x4.eq(x, f32x4.splat(f32.POSITIVE_INFINITY)), x, result);
    y = Lanes.select(f32x4.eq(x, f32x4.splat(0)), f32x4.splat(f32.NEGATIVE_INFINITY), y);
    return Lanes.select(f32x4.ge(x, f32x4.splat(0)), y, f32x4.splat(f32.NaN));
  }
}

@unmanaged
export class Log {
  @inline apply(x: v128): v128 {
    const denormal = f32x4.lt(x, f32x4.splat(1.17549435e-38));
    const scaled = Lanes.select(denormal, f32x4.mul(x, f32x4.splat(33554432)), x);
    const k = i32x4.shr_s(i32x4.sub(scaled, i32x4.splat(SQRT_HALF_BITS)), 23);
    const f = f32x4.sub(i32x4.sub(scaled, i32x4.shl(k, 23)), f32x4.splat(1));
    const exponent = f32x4.convert_i32x4_s(i32x4.sub(k, v128.and(denormal, i32x4.splat(25))));
    const halfSquare = f32x4.mul(f32x4.splat(0.5), f32x4.mul(f, f));
    let y = Lanes.madd(exponent, f32x4.splat(LOG_LN2_LOW), LogCore.correction(f, halfSquare));
    y = f32x4.add(f32x4.sub(y, halfSquare), f);
    return LogCore.atEdges(x, Lanes.madd(exponent, f32x4.splat(LOG_LN2_HIGH), y));
  }
}

@unmanaged
export class Log1p {
  @inline apply(x: v128): v128 {
    const one = f32x4.splat(1);
    const u = f32x4.add(x, one);
    const k = i32x4.shr_s(i32x4.sub(u, i32x4.splat(SQRT_HALF_BITS)), 23);
    const near = i32x4.eq(k, i32x4.splat(0));
    // What rounding 1 + x lost, relative to u. Where u is near 1 nothing is lost: f is x itself.
    const lost = Lanes.select(f32x4.gt(x, one), f32x4.sub(one, f32x4.sub(u, x)), f32x4.sub(x, f32x4.sub(u, one)));
    const c = v128.andnot(f32x4.div(lost, u), near);
    const f = Lanes.select(near, x, f32x4.sub(i32x4.sub(u, i32x4.shl(k, 23)), one));
    const exponent = f32x4.convert_i32x4_s(k);
    const halfSquare = f32x4.mul(f32x4.splat(0.5), f32x4.mul(f, f));
    const low = Lanes.madd(exponent, f32x4.splat(LOG_LN2_LOW), c);
    const y = f32x4.sub(f, f32x4.sub(halfSquare, f32x4.add(LogCore.correction(f, halfSquare), low)));
    const result = LogCore.atEdges(u, Lanes.madd(exponent, f32x4.splat(LOG_LN2_HIGH), y));
    return Lanes.select(f32x4.eq(x, f32x4.splat(0)), x, result);
  }
}

@unmanaged
export class Sigmoid {
  @inline apply(x: v128): v128 {
    // With e = exp(−|x|) ≤ 1 neither side overflows, and small results keep all their digits.
    const e = changetype<Exp>(0).apply(f32x4.neg(f32x4.abs(x)));
    const numerator = Lanes.select(f32x4.lt(x, f32x4.splat(0)), e, f32x4.splat(1));
    return f32x4.div(numerator, f32x4.add(f32x4.splat(1), e));
  }
}

@unmanaged
export class Tanh {
  @inline apply(x: v128): v128 {
    const magnitude = f32x4.abs(x);
    const z = f32x4.mul(x, x);
    let p = f32x4.splat(-5.70498872745e-3);
    p = Lanes.madd(p, z, f32x4.splat(2.06390887954e-2));
    p = Lanes.madd(p, z, f32x4.splat(-5.37397155531e-2));
    p = Lanes.madd(p, z, f32x4.splat(1.33314422036e-1));
    p = Lanes.madd(p, z, f32x4.splat(-3.33332819422e-1));
    const small = Lanes.madd(f32x4.mul(p, z), magnitude, magnitude);
    const e = changetype<Exp>(0).apply(f32x4.add(magnitude, magnitude));
    const large = f32x4.sub(f32x4.splat(1), f32x4.div(f32x4.splat(2), f32x4.add(e, f32x4.splat(1))));
    return Lanes.withSign(Lanes.select(f32x4.lt(magnitude, f32x4.splat(0.625)), small, large), x);
  }
}

/** Two polynomials after N. Juffa: x·P(x²) near zero, 1 − exp(−Q(|x|)) beyond. */
@unmanaged
export class Erf {
  @inline apply(x: v128): v128 {
    const t = f32x4.pmin(f32x4.abs(x), f32x4.splat(4));
    const s = f32x4.mul(t, t);

    let near = f32x4.splat(-5.96761703e-4);
    near = Lanes.madd(near, s, f32x4.splat(4.99119423e-3));
    near = Lanes.madd(near, s, f32x4.splat(-2.67681349e-2));
    near = Lanes.madd(near, s, f32x4.splat(1.12819925e-1));
    near = Lanes.madd(near, s, f32x4.splat(-3.76125336e-1));
    near = Lanes.madd(near, s, f32x4.splat(1.28379166e-1));
    near = Lanes.madd(near, t, t);

    let far = Lanes.madd(f32x4.splat(-1.7285347e-5), t, f32x4.splat(3.83197126e-4));
    const upper = Lanes.madd(f32x4.splat(-3.88396438e-3), t, f32x4.splat(2.42546219e-2));
    far = Lanes.madd(far, s, upper);
    far = Lanes.madd(far, t, f32x4.splat(-1.06777877e-1));
    far = Lanes.madd(far, t, f32x4.splat(-6.34846687e-1));
    far = Lanes.madd(far, t, f32x4.splat(-1.28717512e-1));
    far = f32x4.sub(f32x4.mul(far, t), t);
    far = f32x4.sub(f32x4.splat(1), changetype<Exp>(0).apply(far));

    const result = Lanes.select(f32x4.gt(t, f32x4.splat(0.927734375)), far, near);
    return Lanes.withSign(result, x);
  }
}
