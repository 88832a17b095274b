import fc from "fast-check";
import { expect, test } from "vitest";
import { fromWords, toWords } from "../../../../src/engine/backends/gpu/words.ts";

test("float32 comes back as it was, whatever it is", () => {
  fc.assert(
    fc.property(fc.float32Array(), (values) => {
      expect(fromWords(toWords(values), new Float32Array(values.length))).toEqual(values);
    }),
  );
});

test("whole numbers come back up to 2^24", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -(2 ** 24), max: 2 ** 24 })), (numbers) => {
      const values = Int32Array.from(numbers);
      expect(fromWords(toWords(values), new Int32Array(values.length))).toEqual(values);
    }),
  );
});

test("a larger whole number is refused rather than rounded", () => {
  expect(() => toWords(Int32Array.of(1, 2 ** 24 + 1))).toThrow(/exact up to 16777216, but one of these is 16777217/);
});

test("float64 keeps 48 bits, infinities and NaN", () => {
  const values = Float64Array.of(0.999, 1 / 3, 1e30, -0, 123_456_789, Number.POSITIVE_INFINITY, Number.NaN, 1e300);
  const back = fromWords(toWords(values), new Float64Array(values.length));
  for (const i of [0, 1, 2, 3, 4])
    expect(Math.abs(back[i]! - values[i]!)).toBeLessThanOrEqual(2 ** -47 * Math.abs(values[i]!));
  expect([...back.subarray(5)]).toEqual([Number.POSITIVE_INFINITY, Number.NaN, Number.POSITIVE_INFINITY]);
});

test("a float64 zero is two float32 zeros", () => {
  expect(toWords(new Float64Array(1))).toEqual(new Float32Array(2));
});
