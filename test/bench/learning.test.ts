import { expect, test } from "vitest";
import { scoreOf } from "../../bench/learning/score.ts";
import { bigramBits, windowsOf } from "../../bench/learning/text.ts";

test("a score counts the largest outputs that are right, and the bits of the probability that the targets got", () => {
  // Two samples of two classes at three places; logits of 0 and ln 3 are probabilities of 1/4 and 3/4.
  const high = Math.log(3);
  const outputs = Float32Array.of(high, 0, 0, 0, high, high, 0, 0, 0, high, high, high);
  const { accuracy, bits } = scoreOf(outputs, [2, 3], [0, 1, 1, 1, 1, 0]);
  expect(accuracy).toBeCloseTo(5 / 6);
  expect(bits).toBeCloseTo((5 * Math.log2(4 / 3) + 2) / 6);
});

test("windows stand side by side, each character beside the one that follows", () => {
  expect(windowsOf(Int32Array.of(1, 2, 3, 4, 5, 6), 2)).toEqual({
    inputs: [
      [1, 2],
      [3, 4],
    ],
    targets: [
      [2, 3],
      [4, 5],
    ],
  });
});

test("a bigram model needs no bits where a character tells the next, and one where two may follow equally often", () => {
  const repeat = (codes: readonly number[]) => Int32Array.from({ length: 4000 }, (_, i) => codes[i % codes.length]!);
  const [certain, even] = [repeat([0, 1, 2, 3]), repeat([0, 0, 1, 1])];
  expect(bigramBits(certain, windowsOf(certain, 10), 4)).toBeCloseTo(0, 2);
  expect(bigramBits(even, windowsOf(even, 10), 2)).toBeCloseTo(1, 2);
});
