// out = f(x), element by element.
import { Erf, Exp, Expm1, Log, Log1p, Sigmoid, Tanh } from "./exponential";
import { Lanes } from "./lanes";
import { Cos, Sin } from "./trigonometry";

/** The one loop; F has `apply(v128): v128` and no state, so its null instance is enough to call it. */
function map<F>(out: usize, x: usize, n: i32): void {
  // Two vectors at a time: while one waits for a result the other goes on.
  for (; n >= 8; n -= 8, x += 32, out += 32) {
    const first = changetype<F>(0).apply(v128.load(x));
    const second = changetype<F>(0).apply(v128.load(x, 16));
    v128.store(out, first);
    v128.store(out, second, 16);
  }
  if (n >= 4) {
    v128.store(out, changetype<F>(0).apply(v128.load(x)));
    n -= 4;
    x += 16;
    out += 16;
  }
  if (n > 0) Lanes.storePartial(out, changetype<F>(0).apply(v128.load(x)), n);
}

export function fill(out: usize, n: i32, value: f32): void {
  const lanes = f32x4.splat(value);
  for (; n >= 4; n -= 4, out += 16) v128.store(out, lanes);
  if (n > 0) Lanes.storePartial(out, lanes, n);
}

export function copy(out: usize, x: usize, n: i32): void {
  memory.copy(out, x, (<usize>n) << 2);
}

@unmanaged
class ToFloat {
  @inline apply(x: v128): v128 {
    return f32x4.convert_i32x4_s(x);
  }
}
export function toFloat(out: usize, x: usize, n: i32): void {
  map<ToFloat>(out, x, n);
}

@unmanaged
class ToInt {
  @inline apply(x: v128): v128 {
    return i32x4.trunc_sat_f32x4_s(x);
  }
}
export function toInt(out: usize, x: usize, n: i32): void {
  map<ToInt>(out, x, n);
}

export function toSingle(out: usize, x: usize, n: i32): void {
  for (let i: i32 = 0; i < n; ++i) store<f32>(out + (i << 2), <f32>load<f64>(x + (i << 3)));
}

@unmanaged
class Neg {
  @inline apply(x: v128): v128 {
    return f32x4.neg(x);
  }
}
export function neg(out: usize, x: usize, n: i32): void {
  map<Neg>(out, x, n);
}

@unmanaged
class Abs {
  @inline apply(x: v128): v128 {
    return f32x4.abs(x);
  }
}
export function abs(out: usize, x: usize, n: i32): void {
  map<Abs>(out, x, n);
}

/** (x > 0) − (x < 0): 0 for NaN, as torch.sign. */
@unmanaged
class Sign {
  @inline apply(x: v128): v128 {
    const zero = f32x4.splat(0);
    const one = f32x4.splat(1);
    return f32x4.sub(v128.and(f32x4.gt(x, zero), one), v128.and(f32x4.lt(x, zero), one));
  }
}
export function sign(out: usize, x: usize, n: i32): void {
  map<Sign>(out, x, n);
}

export function exp(out: usize, x: usize, n: i32): void {
  map<Exp>(out, x, n);
}
export function expm1(out: usize, x: usize, n: i32): void {
  map<Expm1>(out, x, n);
}
export function log(out: usize, x: usize, n: i32): void {
  map<Log>(out, x, n);
}
export function log1p(out: usize, x: usize, n: i32): void {
  map<Log1p>(out, x, n);
}

@unmanaged
class Sqrt {
  @inline apply(x: v128): v128 {
    return f32x4.sqrt(x);
  }
}
export function sqrt(out: usize, x: usize, n: i32): void {
  map<Sqrt>(out, x, n);
}

@unmanaged
class Rsqrt {
  @inline apply(x: v128): v128 {
    return f32x4.div(f32x4.splat(1), f32x4.sqrt(x));
  }
}
export function rsqrt(out: usize, x: usize, n: i32): void {
  map<Rsqrt>(out, x, n);
}

@unmanaged
class Reciprocal {
  @inline apply(x: v128): v128 {
    return f32x4.div(f32x4.splat(1), x);
  }
}
export function reciprocal(out: usize, x: usize, n: i32): void {
  map<Reciprocal>(out, x, n);
}

@unmanaged
class Square {
  @inline apply(x: v128): v128 {
    return f32x4.mul(x, x);
  }
}
export function square(out: usize, x: usize, n: i32): void {
  map<Square>(out, x, n);
}

export function sin(out: usize, x: usize, n: i32): void {
  map<Sin>(out, x, n);
}
export function cos(out: usize, x: usize, n: i32): void {
  map<Cos>(out, x, n);
}

@unmanaged
class Floor {
  @inline apply(x: v128): v128 {
    return f32x4.floor(x);
  }
}
export function floor(out: usize, x: usize, n: i32): void {
  map<Floor>(out, x, n);
}

export function tanh(out: usize, x: usize, n: i32): void {
  map<Tanh>(out, x, n);
}
export function sigmoid(out: usize, x: usize, n: i32): void {
  map<Sigmoid>(out, x, n);
}
export function erf(out: usize, x: usize, n: i32): void {
  map<Erf>(out, x, n);
}

/** x < 0 ? 0 : x, so NaN passes through. */
@unmanaged
class Relu {
  @inline apply(x: v128): v128 {
    return f32x4.pmax(x, f32x4.splat(0));
  }
}
export function relu(out: usize, x: usize, n: i32): void {
  map<Relu>(out, x, n);
}
