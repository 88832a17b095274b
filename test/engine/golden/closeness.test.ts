import { expect, test } from "vitest";
import { difference } from "./closeness.ts";

const tolerance = { rtol: 0.01, atol: 0.1 };

test("equal within the tolerance is no difference", () => {
  expect(difference([1.05, 101, Number.NaN, -Infinity], [1, 100, Number.NaN, -Infinity], tolerance)).toBeNull();
});

test("the worst element is named", () => {
  expect(difference([1.2, 105], [1, 100], tolerance)).toBe("element 1 is 105, PyTorch has 100: 4.55 × the tolerance");
});

test("NaN and infinities must stand in the same places", () => {
  expect(difference([Number.NaN], [1], tolerance)).toContain("element 0");
  expect(difference([1], [Number.NaN], tolerance)).toContain("element 0");
  expect(difference([Infinity], [-Infinity], tolerance)).toContain("element 0");
  expect(difference([3e38], [Infinity], tolerance)).toContain("element 0");
});

test("a missing value is a difference", () => {
  expect(difference([1], [1, 1], tolerance)).toBe("1 values instead of 2");
});
