import { expect, test } from "vitest";
import { fitPower, growthTable } from "../../bench/growth.ts";

const pointsOf = (cost: (size: number) => number) =>
  [1, 2, 4, 8, 16].map((size) => ({ size, microseconds: cost(size) }));

test("the exponent of a power law is found", () => {
  const { factor, exponent } = fitPower(pointsOf((size) => 3 * size ** 1.5));
  expect(factor).toBeCloseTo(3);
  expect(exponent).toBeCloseTo(1.5);
});

test("a cost beside a fixed one grows with a power below 1", () => {
  expect(fitPower(pointsOf((size) => 10 + size)).exponent).toBeLessThan(1);
});

test("each size has its line, and the slope is told", () => {
  const points = pointsOf((size) => 100 * size);
  const [first, , , , last, verdict] = growthTable(points, "layers", fitPower(points)).split("\n");
  expect(first).toMatch(/1 layers +100 µs a step +100 µs each +█$/);
  expect(last).toMatch(/16 layers +1,600 µs a step +100 µs each +█{48}$/);
  expect(verdict).toBe("  grows with the power 1.00 of the layers");
});
