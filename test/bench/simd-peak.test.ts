import { expect, test } from "vitest";
import { flopsOf, simdPeak } from "../../bench/simd-peak.ts";

const STARTS = Array.from({ length: 12 }, (_, i) => i);
const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

test.each([
  ["fused", (sum: number) => sum + 0.25],
  ["apart", (sum: number) => sum * 0.5 + 0.5],
] as const)("with multiply and add %s the loop computes what it is counted for", (form, step) => {
  const run = simdPeak(form)!;
  const after = STARTS.map((start) => Array.from({ length: 3 * 8 }).reduce<number>(step, start));
  expect(run(3, 0.5)).toBeCloseTo(total(after), 3);
  // 3 rounds of 8 multiplications and additions to 12 sums of 4 lanes
  expect(flopsOf(3)).toBe(3 * 8 * 12 * 4 * 2);
});
