// out = condition ≠ 0 ? a : b, all three broadcast.
import { Operand } from "./binary";
import { Lanes } from "./lanes";

export function where(
  out: usize,
  condition: usize,
  a: usize,
  b: usize,
  rank: i32,
  dims: usize,
  stridesC: usize,
  stridesA: usize,
  stridesB: usize,
): void {
  choose(out, condition, a, b, rank, dims, stridesC, stridesA, stridesB);
}

/** Outer dimensions call themselves; the innermost is a row. Returns the address after what was written. */
function choose(
  out: usize,
  condition: usize,
  a: usize,
  b: usize,
  rank: i32,
  dims: usize,
  stridesC: usize,
  stridesA: usize,
  stridesB: usize,
): usize {
  if (rank == 0) return row(out, condition, a, b, 1, 0, 0, 0);
  let n = load<i32>(dims);
  const stepC = (<usize>load<i32>(stridesC)) << 2;
  const stepA = (<usize>load<i32>(stridesA)) << 2;
  const stepB = (<usize>load<i32>(stridesB)) << 2;
  if (rank == 1) return row(out, condition, a, b, n, stepC, stepA, stepB);
  for (; n > 0; --n, condition += stepC, a += stepA, b += stepB) {
    out = choose(out, condition, a, b, rank - 1, dims + 4, stridesC + 4, stridesA + 4, stridesB + 4);
  }
  return out;
}

function row(
  out: usize,
  condition: usize,
  a: usize,
  b: usize,
  n: i32,
  stepC: usize,
  stepA: usize,
  stepB: usize,
): usize {
  const zero = f32x4.splat(0);
  if (stepC == 4 && stepA == 4 && stepB == 4) {
    for (; n >= 4; n -= 4, condition += 16, a += 16, b += 16, out += 16) {
      v128.store(out, Lanes.select(f32x4.ne(v128.load(condition), zero), v128.load(a), v128.load(b)));
    }
  } else if (stepC == 4 && stepA == 4 && stepB == 0) {
    const repeated = v128.load32_splat(b);
    for (; n >= 4; n -= 4, condition += 16, a += 16, out += 16) {
      v128.store(out, Lanes.select(f32x4.ne(v128.load(condition), zero), v128.load(a), repeated));
    }
  } else if (stepC == 4 && stepA == 0 && stepB == 4) {
    const repeated = v128.load32_splat(a);
    for (; n >= 4; n -= 4, condition += 16, b += 16, out += 16) {
      v128.store(out, Lanes.select(f32x4.ne(v128.load(condition), zero), repeated, v128.load(b)));
    }
  }
  for (; n >= 4; n -= 4, condition += stepC << 2, a += stepA << 2, b += stepB << 2, out += 16) {
    const mask = f32x4.ne(Operand.load(condition, stepC), zero);
    v128.store(out, Lanes.select(mask, Operand.load(a, stepA), Operand.load(b, stepB)));
  }
  if (n > 0) {
    const mask = f32x4.ne(Operand.tail(condition, stepC, n), zero);
    Lanes.storePartial(out, Lanes.select(mask, Operand.tail(a, stepA, n), Operand.tail(b, stepB, n)), n);
  }
  return out + ((<usize>n) << 2);
}
