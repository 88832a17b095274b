// exp, expm1, log, log1p and what follows from them, for four float32 lanes; accurate to about 2 units in the last
// place over the whole range, denormals and infinities included. `apply` is the form that the loops in unary.ts take.
import { Lanes } from "./lanes";

// 0–1: bounds beyond which exp is ∞ or 0; 2: where expm1 is −1. 3: log₂ e. 4–5: ln 2 in two parts, the first with so few
// bits that n·ln2 is exact. 6: 1.5·2²³; adding it rounds to an integer and leaves that in the lowest bits. 7: the bits of 1.
// 8: ½. 9–10: the bits of 2⁶⁴, and 2⁻⁶⁴.
const EXP: usize = memory.data<f32>([
  89, -104, -20, 1.44269504088896341, 0.693359375, -2.1219444e-4, 12582912, 1, 0.5, 18446744073709552e3,
  5.421010862427522e-20,
]);
/** (eʳ − 1 − r)/r² for |r| ≤ ln(2)/2, from Cephes' expf. */
const EXP_P: usize = memory.data<f32>([
  5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3, 1.3981999507e-3, 1.98756915e-4,
]);

class ExpCore {
  /** eʳ − 1. Estrin's order of terms: half as long a chain as Horner's, and no more operations, as r² is needed anyway. */
  @inline static minusOne(r: v128): v128 {
    const square = f32x4.mul(r, r);
    const high = Lanes.madd(r, Lanes.entry(EXP_P, 5), Lanes.entry(EXP_P, 4));
    const middle = Lanes.madd(r, Lanes.entry(EXP_P, 3), Lanes.entry(EXP_P, 2));
    const low = Lanes.madd(r, Lanes.entry(EXP_P, 1), Lanes.entry(EXP_P, 0));
    return Lanes.madd(square, Lanes.madd(square, Lanes.madd(square, high, middle), low), r);
  }

  /** x/ln 2, rounded, plus 1.5·2²³ */
  @inline static shifted(x: v128): v128 {
    return Lanes.madd(x, Lanes.entry(EXP, 3), Lanes.entry(EXP, 6));
  }

  /** x − n·ln 2 */
  @inline static remainder(x: v128, n: v128): v128 {
    const r = f32x4.sub(x, f32x4.mul(n, Lanes.entry(EXP, 4)));
    return f32x4.sub(r, f32x4.mul(n, Lanes.entry(EXP, 5)));
  }

  /** 2ⁿ times the power whose bits are `one`, for n in the lowest bits: what lies above them is shifted out. */
  @inline static power2(n: v128, one: v128): v128 {
    return i32x4.add(i32x4.shl(n, 23), one);
  }
}

@unmanaged
export class Exp {
  @inline apply(x: v128): v128 {
    // pmin and pmax keep a NaN in the first operand's place.
    const bounded = f32x4.pmax(f32x4.pmin(x, Lanes.entry(EXP, 0)), Lanes.entry(EXP, 1));
    const shifted = ExpCore.shifted(bounded);
    const n = f32x4.sub(shifted, Lanes.entry(EXP, 6));
    const y = f32x4.add(ExpCore.minusOne(ExpCore.remainder(bounded, n)), Lanes.entry(EXP, 7));
    // 2ⁿ in two factors: n reaches 128 and −150, beyond what one float32 exponent holds.
    const one = Lanes.entry(EXP, 7);
    const half = i32x4.shr_s(shifted, 1);
    return f32x4.mul(f32x4.mul(y, ExpCore.power2(half, one)), ExpCore.power2(i32x4.sub(shifted, half), one));
  }
}

/** The same bits as Exp for x ≤ 40, and quicker: with n ≤ 58 one factor may be 2ⁿ⁺⁶⁴ and the other a constant. */
@unmanaged
export class ExpOfNegative {
  @inline apply(x: v128): v128 {
    const bounded = f32x4.pmax(x, Lanes.entry(EXP, 1));
    const shifted = ExpCore.shifted(bounded);
    const n = f32x4.sub(shifted, Lanes.entry(EXP, 6));
    const y = f32x4.add(ExpCore.minusOne(ExpCore.remainder(bounded, n)), Lanes.entry(EXP, 7));
    return f32x4.mul(f32x4.mul(y, ExpCore.power2(shifted, Lanes.entry(EXP, 9))), Lanes.entry(EXP, 10));
  }
}

@unmanaged
export class Expm1 {
  @inline apply(x: v128): v128 {
    const bounded = f32x4.pmax(f32x4.pmin(x, Lanes.entry(EXP, 0)), Lanes.entry(EXP, 2));
    const shifted = ExpCore.shifted(bounded);
    const n = f32x4.sub(shifted, Lanes.entry(EXP, 6));
    const y = ExpCore.minusOne(ExpCore.remainder(bounded, n));
    // 2ⁿ·y + (2ⁿ − 1), all halved so that n = 128 is in range; with n = 0 it is y itself, also where y is denormal.
    const whole = i32x4.sub(shifted, Lanes.entry(EXP, 6));
    const scale = i32x4.shl(i32x4.add(whole, i32x4.splat(126)), 23);
    const scaled = Lanes.madd(scale, y, f32x4.sub(scale, Lanes.entry(EXP, 8)));
    const result = Lanes.select(f32x4.eq(n, f32x4.splat(0)), y, f32x4.add(scaled, scaled));
    return Lanes.withSign(result, x);
  }
}

// The logarithm as in FreeBSD's logf: x = 2ᵏ·(1 + f) with 1 + f in [√½, √2); s = f/(2 + f).
// 0: ½; 1: 1; 2: 2; 3–4: ln 2 in two parts; 5: smallest normal number; 6: 2²⁵; 7: ∞; 8: −∞; 9: NaN; 10: √½.
const LOG: usize = memory.data<f32>([
  0.5,
  1,
  2,
  6.9313812256e-1,
  9.0580006145e-6,
  1.17549435e-38,
  33554432,
  f32.POSITIVE_INFINITY,
  f32.NEGATIVE_INFINITY,
  f32.NaN,
  0.70710676908493042,
]);
const LOG_P: usize = memory.data<f32>([0.66666662693, 0.40000972152, 0.28498786688, 0.24279078841]);

class LogCore {
  /** s·(f²/2 + R(s²)), from which log(1 + f) = f − f²/2 + this. */
  @inline static correction(f: v128, halfSquare: v128): v128 {
    const s = f32x4.div(f, f32x4.add(Lanes.entry(LOG, 2), f));
    const z = f32x4.mul(s, s);
    const w = f32x4.mul(z, z);
    const odd = f32x4.mul(w, Lanes.madd(w, Lanes.entry(LOG_P, 3), Lanes.entry(LOG_P, 1)));
    const even = f32x4.mul(z, Lanes.madd(w, Lanes.entry(LOG_P, 2), Lanes.entry(LOG_P, 0)));
    return f32x4.mul(s, f32x4.add(halfSquare, f32x4.add(odd, even)));
  }

  /** k: how far the exponent is from that of a number in [√½, √2) */
  @inline static exponent(x: v128): v128 {
    return i32x4.shr_s(i32x4.sub(x, Lanes.entry(LOG, 10)), 23);
  }

  /** log(0) = −∞, log of a negative number = NaN, log(∞) = ∞; `result` elsewhere. */
  @inline static atEdges(x: v128, result: v128): v128 {
    const zero = f32x4.splat(0);
    let y = Lanes.select(f32x4.eq(x, Lanes.entry(LOG, 7)), x, result);
    y = Lanes.select(f32x4.eq(x, zero), Lanes.entry(LOG, 8), y);
    return Lanes.select(f32x4.ge(x, zero), y, Lanes.entry(LOG, 9));
  }
}

@unmanaged
export class Log {
  @inline apply(x: v128): v128 {
    const denormal = f32x4.lt(x, Lanes.entry(LOG, 5));
    const scaled = Lanes.select(denormal, f32x4.mul(x, Lanes.entry(LOG, 6)), x);
    const k = LogCore.exponent(scaled);
    const f = f32x4.sub(i32x4.sub(scaled, i32x4.shl(k, 23)), Lanes.entry(LOG, 1));
    const exponent = f32x4.convert_i32x4_s(i32x4.sub(k, v128.and(denormal, i32x4.splat(25))));
    const halfSquare = f32x4.mul(Lanes.entry(LOG, 0), f32x4.mul(f, f));
    let y = Lanes.madd(exponent, Lanes.entry(LOG, 4), LogCore.correction(f, halfSquare));
    y = f32x4.add(f32x4.sub(y, halfSquare), f);
    return LogCore.atEdges(x, Lanes.madd(exponent, Lanes.entry(LOG, 3), y));
  }
}

@unmanaged
export class Log1p {
  @inline apply(x: v128): v128 {
    const one = Lanes.entry(LOG, 1);
    const u = f32x4.add(x, one);
    const k = LogCore.exponent(u);
    const near = i32x4.eq(k, i32x4.splat(0));
    // What rounding 1 + x lost, relative to u. Where u is near 1 nothing is lost: f is x itself.
    const lost = Lanes.select(f32x4.gt(x, one), f32x4.sub(one, f32x4.sub(u, x)), f32x4.sub(x, f32x4.sub(u, one)));
    const c = v128.andnot(f32x4.div(lost, u), near);
    const f = Lanes.select(near, x, f32x4.sub(i32x4.sub(u, i32x4.shl(k, 23)), one));
    const exponent = f32x4.convert_i32x4_s(k);
    const halfSquare = f32x4.mul(Lanes.entry(LOG, 0), f32x4.mul(f, f));
    const low = Lanes.madd(exponent, Lanes.entry(LOG, 4), c);
    const y = f32x4.sub(f, f32x4.sub(halfSquare, f32x4.add(LogCore.correction(f, halfSquare), low)));
    const result = LogCore.atEdges(u, Lanes.madd(exponent, Lanes.entry(LOG, 3), y));
    return Lanes.select(f32x4.eq(x, f32x4.splat(0)), x, result);
  }
}

/** 0–1: beyond these bounds of −x the sigmoid is 0 or 1; 2: the bits of 2⁻⁶⁴; 3: bound of 2|x| where tanh is 1; 4: 2. */
const SQUASH: usize = memory.data<f32>([104, -30, 5.421010862427522e-20, 20, 2]);

@unmanaged
export class Sigmoid {
  @inline apply(x: v128): v128 {
    // 1/(1 + e) with e = exp(−x), all times 2⁻⁶⁴: e cannot overflow then, and small results keep all their digits.
    const bounded = f32x4.pmax(f32x4.pmin(f32x4.neg(x), Lanes.entry(SQUASH, 0)), Lanes.entry(SQUASH, 1));
    const shifted = ExpCore.shifted(bounded);
    const n = f32x4.sub(shifted, Lanes.entry(EXP, 6));
    const y = f32x4.add(ExpCore.minusOne(ExpCore.remainder(bounded, n)), Lanes.entry(EXP, 7));
    const small = Lanes.entry(SQUASH, 2);
    return f32x4.div(small, f32x4.add(small, f32x4.mul(y, ExpCore.power2(shifted, small))));
  }
}

@unmanaged
export class Tanh {
  @inline apply(x: v128): v128 {
    // e/(e + 2) with e = exp(2|x|) − 1, which has all its digits for small x, too.
    const magnitude = f32x4.abs(x);
    const bounded = f32x4.pmin(f32x4.add(magnitude, magnitude), Lanes.entry(SQUASH, 3));
    const shifted = ExpCore.shifted(bounded);
    const n = f32x4.sub(shifted, Lanes.entry(EXP, 6));
    const y = ExpCore.minusOne(ExpCore.remainder(bounded, n));
    const one = Lanes.entry(EXP, 7);
    const scale = ExpCore.power2(shifted, one);
    const e = Lanes.madd(scale, y, f32x4.sub(scale, one));
    return Lanes.withSign(f32x4.div(e, f32x4.add(e, Lanes.entry(SQUASH, 4))), x);
  }
}

const ERF_NEAR: usize = memory.data<f32>([
  1.28379166e-1, -3.76125336e-1, 1.12819925e-1, -2.67681349e-2, 4.99119423e-3, -5.96761703e-4,
]);
const ERF_FAR: usize = memory.data<f32>([
  -1.28717512e-1, -6.34846687e-1, -1.06777877e-1, 2.42546219e-2, -3.88396438e-3, 3.83197126e-4, -1.7285347e-5,
]);
/** 0: beyond it erf is 1; 1: where the polynomials meet. */
const ERF: usize = memory.data<f32>([4, 0.927734375]);

/** Two polynomials after N. Juffa: x·P(x²) near zero, 1 − exp(−Q(|x|)) beyond. */
@unmanaged
export class Erf {
  @inline apply(x: v128): v128 {
    const t = f32x4.pmin(f32x4.abs(x), Lanes.entry(ERF, 0));
    const s = f32x4.mul(t, t);

    let near = Lanes.entry(ERF_NEAR, 5);
    near = Lanes.madd(near, s, Lanes.entry(ERF_NEAR, 4));
    near = Lanes.madd(near, s, Lanes.entry(ERF_NEAR, 3));
    near = Lanes.madd(near, s, Lanes.entry(ERF_NEAR, 2));
    near = Lanes.madd(near, s, Lanes.entry(ERF_NEAR, 1));
    near = Lanes.madd(near, s, Lanes.entry(ERF_NEAR, 0));
    near = Lanes.madd(near, t, t);

    let far = Lanes.madd(Lanes.entry(ERF_FAR, 6), t, Lanes.entry(ERF_FAR, 5));
    far = Lanes.madd(far, s, Lanes.madd(Lanes.entry(ERF_FAR, 4), t, Lanes.entry(ERF_FAR, 3)));
    far = Lanes.madd(far, t, Lanes.entry(ERF_FAR, 2));
    far = Lanes.madd(far, t, Lanes.entry(ERF_FAR, 1));
    far = Lanes.madd(far, t, Lanes.entry(ERF_FAR, 0));
    far = changetype<ExpOfNegative>(0).apply(f32x4.sub(f32x4.mul(far, t), t));
    far = f32x4.sub(Lanes.entry(EXP, 7), far);

    return Lanes.withSign(Lanes.select(f32x4.gt(t, Lanes.entry(ERF, 1)), far, near), x);
  }
}
