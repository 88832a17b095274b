import { expect, test } from "vitest";
import { repeat, summarize } from "../../bench/repetitions.ts";

test("the median is the middle rate, and the spread is told as parts of it", () => {
  expect(summarize([130, 90, 100])).toEqual({ median: 100, low: 90 / 100 - 1, high: 130 / 100 - 1 });
});

test("with an even number of rates the median lies between the middle two", () => {
  expect(summarize([1, 4, 2, 100]).median).toBe(3);
});

test("repeat counts every call it made", () => {
  let calls = 0;
  const { count } = repeat(() => calls++, 0.001);
  expect(count).toBe(calls);
  expect(count).toBeGreaterThan(0);
});
