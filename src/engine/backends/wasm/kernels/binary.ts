// out = f(a, b) with broadcasting: `out` is contiguous, a and b walk with strides of their own.
import { Lanes } from "./lanes";
import { Pow } from "./power";

/** Outer dimensions call themselves; the innermost is a row. Returns the address after what was written. */
function combine<F>(out: usize, a: usize, b: usize, rank: i32, dims: usize, stridesA: usize, stridesB: usize): usize {
  if (rank == 0) return row<F>(out, a, b, 1, 0, 0);
  let n = load<i32>(dims);
  const stepA = (<usize>load<i32>(stridesA)) << 2;
  const stepB = (<usize>load<i32>(stridesB)) << 2;
  if (rank == 1) return row<F>(out, a, b, n, stepA, stepB);
  for (; n > 0; --n, a += stepA, b += stepB) {
    out = combine<F>(out, a, b, rank - 1, dims + 4, stridesA + 4, stridesB + 4);
  }
  return out;
}

function row<F>(out: usize, a: usize, b: usize, n: i32, stepA: usize, stepB: usize): usize {
  if (stepA == 4 && stepB == 4) {
    for (; n >= 4; n -= 4, a += 16, b += 16, out += 16) {
      v128.store(out, changetype<F>(0).apply(v128.load(a), v128.load(b)));
    }
  } else if (stepA == 4 && stepB == 0) {
    const repeated = v128.load32_splat(b);
    for (; n >= 4; n -= 4, a += 16, out += 16) v128.store(out, changetype<F>(0).apply(v128.load(a), repeated));
  } else {
    for (; n >= 4; n -= 4, a += stepA << 2, b += stepB << 2, out += 16) {
      v128.store(out, changetype<F>(0).apply(Operand.load(a, stepA), Operand.load(b, stepB)));
    }
  }
  if (n > 0) {
    Lanes.storePartial(out, changetype<F>(0).apply(Operand.tail(a, stepA, n), Operand.tail(b, stepB, n)), n);
  }
  return out + ((<usize>n) << 2);
}

export class Operand {
  /** Four elements `step` bytes apart; 0 repeats one. */
  @inline static load(from: usize, step: usize): v128 {
    if (step == 4) return v128.load(from);
    if (step == 0) return v128.load32_splat(from);
    return Lanes.gather(from, step);
  }
  @inline static tail(from: usize, step: usize, count: i32): v128 {
    if (step == 4) return v128.load(from);
    return Lanes.gatherPartial(from, step, count);
  }
}

@unmanaged
class Add {
  @inline apply(a: v128, b: v128): v128 {
    return f32x4.add(a, b);
  }
}
export function add(out: usize, a: usize, b: usize, rank: i32, dims: usize, stridesA: usize, stridesB: usize): void {
  combine<Add>(out, a, b, rank, dims, stridesA, stridesB);
}

@unmanaged
class Sub {
  @inline apply(a: v128, b: v128): v128 {
    return f32x4.sub(a, b);
  }
}
export function sub(out: usize, a: usize, b: usize, rank: i32, dims: usize, stridesA: usize, stridesB: usize): void {
  combine<Sub>(out, a, b, rank, dims, stridesA, stridesB);
}

@unmanaged
class Mul {
  @inline apply(a: v128, b: v128): v128 {
    return f32x4.mul(a, b);
  }
}
export function mul(out: usize, a: usize, b: usize, rank: i32, dims: usize, stridesA: usize, stridesB: usize): void {
  combine<Mul>(out, a, b, rank, dims, stridesA, stridesB);
}

@unmanaged
class Div {
  @inline apply(a: v128, b: v128): v128 {
    return f32x4.div(a, b);
  }
}
export function div(out: usize, a: usize, b: usize, rank: i32, dims: usize, stridesA: usize, stridesB: usize): void {
  combine<Div>(out, a, b, rank, dims, stridesA, stridesB);
}

export function pow(out: usize, a: usize, b: usize, rank: i32, dims: usize, stridesA: usize, stridesB: usize): void {
  combine<Pow>(out, a, b, rank, dims, stridesA, stridesB);
}

/** WebAssembly's max and min give NaN when either operand is NaN, as torch.maximum does. */
@unmanaged
class Maximum {
  @inline apply(a: v128, b: v128): v128 {
    return f32x4.max(a, b);
  }
}
export function maximum(
  out: usize,
  a: usize,
  b: usize,
  rank: i32,
  dims: usize,
  stridesA: usize,
  stridesB: usize,
): void {
  combine<Maximum>(out, a, b, rank, dims, stridesA, stridesB);
}

@unmanaged
class Minimum {
  @inline apply(a: v128, b: v128): v128 {
    return f32x4.min(a, b);
  }
}
export function minimum(
  out: usize,
  a: usize,
  b: usize,
  rank: i32,
  dims: usize,
  stridesA: usize,
  stridesB: usize,
): void {
  combine<Minimum>(out, a, b, rank, dims, stridesA, stridesB);
}

/** A comparison's mask as 1 or 0. */
class Truth {
  @inline static of(mask: v128): v128 {
    return v128.and(mask, f32x4.splat(1));
  }
}

@unmanaged
class Eq {
  @inline apply(a: v128, b: v128): v128 {
    return Truth.of(f32x4.eq(a, b));
  }
}
export function eq(out: usize, a: usize, b: usize, rank: i32, dims: usize, stridesA: usize, stridesB: usize): void {
  combine<Eq>(out, a, b, rank, dims, stridesA, stridesB);
}

@unmanaged
class Ne {
  @inline apply(a: v128, b: v128): v128 {
    return Truth.of(f32x4.ne(a, b));
  }
}
export function ne(out: usize, a: usize, b: usize, rank: i32, dims: usize, stridesA: usize, stridesB: usize): void {
  combine<Ne>(out, a, b, rank, dims, stridesA, stridesB);
}

@unmanaged
class Lt {
  @inline apply(a: v128, b: v128): v128 {
    return Truth.of(f32x4.lt(a, b));
  }
}
export function lt(out: usize, a: usize, b: usize, rank: i32, dims: usize, stridesA: usize, stridesB: usize): void {
  combine<Lt>(out, a, b, rank, dims, stridesA, stridesB);
}

@unmanaged
class Le {
  @inline apply(a: v128, b: v128): v128 {
    return Truth.of(f32x4.le(a, b));
  }
}
export function le(out: usize, a: usize, b: usize, rank: i32, dims: usize, stridesA: usize, stridesB: usize): void {
  combine<Le>(out, a, b, rank, dims, stridesA, stridesB);
}

@unmanaged
class Gt {
  @inline apply(a: v128, b: v128): v128 {
    return Truth.of(f32x4.gt(a, b));
  }
}
export function gt(out: usize, a: usize, b: usize, rank: i32, dims: usize, stridesA: usize, stridesB: usize): void {
  combine<Gt>(out, a, b, rank, dims, stridesA, stridesB);
}

@unmanaged
class Ge {
  @inline apply(a: v128, b: v128): v128 {
    return Truth.of(f32x4.ge(a, b));
  }
}
export function ge(out: usize, a: usize, b: usize, rank: i32, dims: usize, stridesA: usize, stridesB: usize): void {
  combine<Ge>(out, a, b, rank, dims, stridesA, stridesB);
}

/** A choice, not a product: x ≤ 0 gives 0 even if g is infinite, and a NaN in x lets g through, as in PyTorch. */
@unmanaged
class ReluBackward {
  @inline apply(g: v128, x: v128): v128 {
    return v128.andnot(g, f32x4.le(x, f32x4.splat(0)));
  }
}
export function reluBackward(
  out: usize,
  a: usize,
  b: usize,
  rank: i32,
  dims: usize,
  stridesA: usize,
  stridesB: usize,
): void {
  combine<ReluBackward>(out, a, b, rank, dims, stridesA, stridesB);
}

@unmanaged
class SigmoidBackward {
  @inline apply(g: v128, y: v128): v128 {
    return f32x4.mul(g, f32x4.mul(f32x4.sub(f32x4.splat(1), y), y));
  }
}
export function sigmoidBackward(
  out: usize,
  a: usize,
  b: usize,
  rank: i32,
  dims: usize,
  stridesA: usize,
  stridesB: usize,
): void {
  combine<SigmoidBackward>(out, a, b, rank, dims, stridesA, stridesB);
}

@unmanaged
class TanhBackward {
  @inline apply(g: v128, y: v128): v128 {
    return f32x4.mul(g, f32x4.sub(f32x4.splat(1), f32x4.mul(y, y)));
  }
}
export function tanhBackward(
  out: usize,
  a: usize,
  b: usize,
  rank: i32,
  dims: usize,
  stridesA: usize,
  stridesB: usize,
): void {
  combine<TanhBackward>(out, a, b, rank, dims, stridesA, stridesB);
}
