/** The rules for single cells. */
import { expect, test } from "vitest";
import { compareCategories, isMissing, parseNumber } from "../../src/data/cell.ts";

test.each([
  ["0", 0],
  ["-1.5", -1.5],
  ["+2", 2],
  [".5", 0.5],
  ["5.", 5],
  ["1e-3", 0.001],
  ["2E5", 200_000],
  ["007", 7],
  ["true", 1],
  ["FALSE", 0],
])("%s is the number %d", (text, value) => {
  expect(parseNumber(text)).toBe(value);
});

test.each(["", " ", "abc", "0x1f", "0B1", "0o7", "Infinity", "-Infinity", "NaN", "1e400", "12px", "1 2", "-", "."])(
  "%j is no number",
  (text) => {
    expect(parseNumber(text)).toBeNaN();
  },
);

test("a missing value has many spellings, and 0 is not one", () => {
  expect(["", "NA", "NaN", "null", "?", "None"].every(isMissing)).toBe(true);
  expect(["0", "no", "-", "missing"].some(isMissing)).toBe(false);
});

test("categories are sorted by value, then by text, whatever their first order", () => {
  expect(["b", "10", "a", "9", "B", "1.5"].sort(compareCategories)).toEqual(["1.5", "9", "10", "B", "a", "b"]);
});
