// sin and cos of float32 lanes, computed in float64 (as FreeBSD's sinf does), right also for huge arguments.
import { Lanes } from "./lanes";

/** Beyond this |x| the two parts of π/2 are not enough. */
const LARGE: f32 = 2e8;

@unmanaged
export class Sin {
  @inline apply(x: v128): v128 {
    if (Reduction.needed(x)) return largeAngles(x, 0);
    const y = Lanes.narrow(Angle.quarter(Lanes.low(x), 0), Angle.quarter(Lanes.high(x), 0));
    return Lanes.select(f32x4.eq(x, f32x4.splat(0)), x, y);
  }
}

@unmanaged
export class Cos {
  @inline apply(x: v128): v128 {
    if (Reduction.needed(x)) return largeAngles(x, 1);
    return Lanes.narrow(Angle.quarter(Lanes.low(x), 1), Angle.quarter(Lanes.high(x), 1));
  }
}

// 0: 2/π; 1: 1.5·2⁵², which rounds to an integer and leaves it in the lowest bits. 2–3: π/2 in two parts; the first has
// 33 bits, so n times it is exact for n < 2²⁰ and good for n < 2²⁸.
const ANGLE: usize = memory.data<f64>([
  6.36619772367581382433e-1, 6755399441055744, 1.5707963109016418457, 1.58932547735281966916e-8,
]);
const SIN_P: usize = memory.data<f64>([
  -0.166666666416265235595, 0.0083333293858894631756, -1.98393348360966317347e-4, 2.7183114939898219064e-6,
]);
const COS_P: usize = memory.data<f64>([
  1, -0.49999999725103100312, 0.0416666233237390631894, -0.00138867637746099294692, 2.43904487962774090654e-5,
]);

class Angle {
  /** sin(x + shift·π/2) of two float64 lanes. */
  @inline static quarter(x: v128, shift: i64): v128 {
    const turned = f64x2.add(f64x2.mul(x, Lanes.entry64(ANGLE, 0)), Lanes.entry64(ANGLE, 1));
    const n = f64x2.sub(turned, Lanes.entry64(ANGLE, 1));
    let r = f64x2.sub(x, f64x2.mul(n, Lanes.entry64(ANGLE, 2)));
    r = f64x2.sub(r, f64x2.mul(n, Lanes.entry64(ANGLE, 3)));
    return Angle.ofQuadrant(r, shift == 0 ? turned : i64x2.add(turned, i64x2.splat(shift)));
  }

  /** sin(r + quadrant·π/2) for |r| ≤ π/4; only the two lowest bits of `quadrant` count. */
  @inline static ofQuadrant(r: v128, quadrant: v128): v128 {
    const z = f64x2.mul(r, r);
    let sin = Lanes.entry64(SIN_P, 3);
    sin = f64x2.add(f64x2.mul(sin, z), Lanes.entry64(SIN_P, 2));
    sin = f64x2.add(f64x2.mul(sin, z), Lanes.entry64(SIN_P, 1));
    sin = f64x2.add(f64x2.mul(sin, z), Lanes.entry64(SIN_P, 0));
    sin = f64x2.add(r, f64x2.mul(f64x2.mul(z, r), sin));

    let cos = Lanes.entry64(COS_P, 4);
    cos = f64x2.add(f64x2.mul(cos, z), Lanes.entry64(COS_P, 3));
    cos = f64x2.add(f64x2.mul(cos, z), Lanes.entry64(COS_P, 2));
    cos = f64x2.add(f64x2.mul(cos, z), Lanes.entry64(COS_P, 1));
    cos = f64x2.add(f64x2.mul(cos, z), Lanes.entry64(COS_P, 0));

    // Bit 0 chooses between the two, bit 1 is the sign.
    const odd = i64x2.neg(v128.and(quadrant, i64x2.splat(1)));
    const sign = i64x2.shl(i64x2.shr_u(quadrant, 1), 63);
    return v128.xor(v128.bitselect(cos, sin, odd), sign);
  }
}

export class Turn {
  /** For two float64 lanes t in [0, 1): float32 cos(2πt₀), sin(2πt₀), cos(2πt₁), sin(2πt₁). */
  @inline static cosSin(t: v128): v128 {
    const quarters = f64x2.mul(t, f64x2.splat(4));
    const turned = f64x2.add(quarters, Lanes.entry64(ANGLE, 1));
    const rest = f64x2.sub(quarters, f64x2.sub(turned, Lanes.entry64(ANGLE, 1)));
    const r = f64x2.mul(rest, f64x2.splat(1.5707963267948966));
    const sin = Angle.ofQuadrant(r, turned);
    const cos = Angle.ofQuadrant(r, i64x2.add(turned, i64x2.splat(1)));
    return v128.shuffle<i32>(f32x4.demote_f64x2_zero(cos), f32x4.demote_f64x2_zero(sin), 0, 4, 1, 5);
  }
}

class Reduction {
  @inline static needed(x: v128): bool {
    return v128.any_true(f32x4.gt(f32x4.abs(x), f32x4.splat(LARGE)));
  }
}

// The bits of 2/π, as bytes from the most significant one (three zero bytes lead).
const TWO_OVER_PI_BITS: usize = memory.data<u8>([
  0, 0, 0, 0xa2, 0xf9, 0x83, 0x6e, 0x4e, 0x44, 0x15, 0x29, 0xfc, 0x27, 0x57, 0xd1, 0xf5, 0x34, 0xdd, 0xc0, 0xdb, 0x62,
  0x95, 0x99, 0x3c, 0x43, 0x90, 0x41,
]);

/** sin(x + shift·π/2) lane by lane, by Payne and Hanek's reduction: rare, so not vectorised. */
function largeAngles(x: v128, shift: i64): v128 {
  let y = f32x4.splat(0);
  y = f32x4.replace_lane(y, 0, largeAngle(f32x4.extract_lane(x, 0), shift));
  y = f32x4.replace_lane(y, 1, largeAngle(f32x4.extract_lane(x, 1), shift));
  y = f32x4.replace_lane(y, 2, largeAngle(f32x4.extract_lane(x, 2), shift));
  return f32x4.replace_lane(y, 3, largeAngle(f32x4.extract_lane(x, 3), shift));
}

function largeAngle(x: f32, shift: i64): f32 {
  if (!(abs<f32>(x) < f32.POSITIVE_INFINITY)) return f32.NaN;
  if (abs<f32>(x) <= LARGE) {
    if (shift == 0 && x == 0) return x;
    return <f32>f64x2.extract_lane(Angle.quarter(f64x2.splat(<f64>x), shift), 0);
  }
  // The 24 bits of x times the 96 bits of 2/π that decide the quadrant and what is left of it.
  const bits = reinterpret<u32>(x);
  const mantissa = ((bits & 0xffffff) | 0x800000) << ((bits >> 23) & 7);
  const digits = TWO_OVER_PI_BITS + ((bits >> 26) & 15);
  const high = <u64>(mantissa * bswap(load<u32>(digits)));
  const middle = <u64>mantissa * <u64>bswap(load<u32>(digits, 4));
  const low = <u64>mantissa * <u64>bswap(load<u32>(digits, 8));
  const product = ((low >> 32) | (high << 32)) + middle;
  const quadrant = (product + ((<u64>1) << 61)) >> 62;
  const r = <f64>(<i64>(product - (quadrant << 62))) * 3.4061215800865545e-19; // π/2 · 2⁻⁶²
  const sign: f64 = x < 0 ? -1 : 1;
  // sin is odd and cos is even: work with |x|, then turn.
  const y = f64x2.extract_lane(Angle.ofQuadrant(f64x2.splat(r), i64x2.splat(<i64>quadrant + shift)), 0);
  return <f32>(shift == 0 ? sign * y : y);
}
