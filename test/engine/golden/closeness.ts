/** Whether numbers agree with PyTorch's, and if not, where they are furthest apart. */

export interface Tolerance {
  /** Allowed difference as a part of the expected value … */
  readonly rtol: number;
  /** … plus this much. */
  readonly atol: number;
}

/**
 * Null when every |actual − expected| ≤ atol + rtol·|expected|, with NaN and infinities in the same places; otherwise a
 * sentence about the worst element, for `expect(…).toBeNull()` to show.
 */
export function difference(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { rtol, atol }: Tolerance,
): string | null {
  if (actual.length !== expected.length) return `${actual.length} values instead of ${expected.length}`;
  let worst = 1;
  let where = -1;
  for (let i = 0; i < expected.length; i++) {
    const excess = excessOf(actual[i] ?? Number.NaN, expected[i] ?? Number.NaN, rtol, atol);
    if (excess > worst) {
      worst = excess;
      where = i;
    }
  }
  if (where < 0) return null;
  return `element ${where} is ${actual[where]}, PyTorch has ${expected[where]}: ${worst.toPrecision(3)} × the tolerance`;
}

function excessOf(actual: number, expected: number, rtol: number, atol: number): number {
  if (Object.is(actual, expected) || actual === expected) return 0;
  if (!Number.isFinite(actual) || !Number.isFinite(expected)) return Infinity;
  return Math.abs(actual - expected) / (atol + rtol * Math.abs(expected));
}
