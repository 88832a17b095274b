/** Functions of one or two numbers in float64, accurate enough to measure float32 results against. */
import type { InstructionName } from "../../../src/engine/instructions.ts";

export function erf(x: number): number {
  // Taylor's series near zero, the continued fraction of erfc beyond.
  const t = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (t > 6) return Math.sign(x);
  if (t < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 100; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 120; n > 0; n--) fraction = n / 2 / (t + fraction);
  return Math.sign(x) * (1 - Math.exp(-t * t) / (Math.sqrt(Math.PI) * (t + fraction)));
}

/** JavaScript's own functions where they are accurate; C's rules where the two differ. */
export const scalarFunctions = {
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  erf,
  sigmoid: (x: number) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))),
} satisfies Partial<Record<InstructionName, (x: number) => number>>;

export function power(a: number, b: number): number {
  // JavaScript says NaN for 1 ** NaN and (±1) ** ±∞; C and PyTorch say 1.
  if (a === 1 || (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY)) return 1;
  return a ** b;
}
