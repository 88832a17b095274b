/** Rounding, against what formatting and parsing gives. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { roundTo } from "../../src/data/round-to.ts";

const digits = fc.integer({ min: 1, max: 9 });
const values = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  // As data has them, among them powers of ten and their neighbours.
  fc.double({ noNaN: true, min: -1e7, max: 1e7 }),
  fc
    .tuple(fc.integer({ min: -6, max: 8 }), fc.constantFrom(1, 1 - 2 ** -53, 1 + 2 ** -52))
    .map(([e, near]) => 10 ** e * near),
);

test("is what formatting and parsing gives, but for halves", () => {
  fc.assert(
    fc.property(values, digits, (value, count) => {
      const given = roundTo(value, count);
      const nearest = Number(value.toPrecision(count));
      if (given !== nearest) {
        // A value in the middle between two may be rounded to either.
        const next = roundTo(nearest, count) === nearest;
        expect(next).toBe(true);
        expect(Math.abs(given - value)).toBeCloseTo(Math.abs(nearest - value), 12);
      }
    }),
    { numRuns: 2000 },
  );
});

test("32-bit numbers have no digits that they had not", () => {
  fc.assert(
    fc.property(
      fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(-1e12), max: Math.fround(1e12) }),
      digits,
      (value, count) => {
        const text = String(Math.abs(roundTo(value, count)))
          .replace(/e.*/, "")
          .replace(".", "");
        expect(text.replace(/^0+|0+$/g, "").length).toBeLessThanOrEqual(count);
      },
    ),
    { numRuns: 2000 },
  );
});

test.each([0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("%d stays as it is", (value) => {
  expect(roundTo(value, 5)).toBe(value);
});
