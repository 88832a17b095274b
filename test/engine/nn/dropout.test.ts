/** Dropouts in training: what is dropped together, how often, and what keeps its mean. */
import { expect, test } from "vitest";
import {
  AlphaDropout,
  Dropout,
  Dropout1d,
  Dropout2d,
  Dropout3d,
  FeatureAlphaDropout,
  ones,
  randn,
  type Tensor,
  zeros,
} from "../../../src/engine/index.ts";
import "../device-of-the-tests.ts";

const values = (t: Tensor): number[] => Array.from(t.data());

/** The rows of `width` elements, as sets of the values in them. */
function rowsOf(t: Tensor, width: number): Set<number>[] {
  const flat = values(t);
  return Array.from({ length: flat.length / width }, (_, i) => new Set(flat.slice(i * width, (i + 1) * width)));
}

test("Dropout drops a share p of the elements and scales the rest", () => {
  const y = values(new Dropout(0.25).seed(1).forward(ones([100, 100])));
  expect(new Set(y)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
  expect(y.filter((v) => v === 0).length / y.length).toBeCloseTo(0.25, 1);
});

test.each([
  ["Dropout1d", new Dropout1d(0.5), [40, 10, 6], 6],
  ["Dropout1d of one sample", new Dropout1d(0.5), [100, 6], 6],
  ["Dropout2d", new Dropout2d(0.5), [40, 10, 2, 3], 6],
  ["Dropout2d of sequences", new Dropout2d(0.5), [40, 10, 3], 3],
  ["Dropout3d", new Dropout3d(0.5), [40, 10, 2, 3, 2], 12],
  ["Dropout3d of one sample", new Dropout3d(0.5), [100, 2, 3, 2], 12],
])("%s keeps or drops whole channels", (_, module, shape, width) => {
  const rows = rowsOf(module.seed(2).forward(ones(shape)), width);
  expect(rows.every((row) => row.size === 1)).toBe(true);
  const dropped = rows.filter((row) => row.has(0)).length / rows.length;
  expect(dropped).toBeGreaterThan(0.3);
  expect(dropped).toBeLessThan(0.7);
});

test("AlphaDropout keeps mean 0 and variance 1", () => {
  const y = values(new AlphaDropout(0.3).seed(3).forward(randn([200, 200])));
  const mean = y.reduce((sum, v) => sum + v, 0) / y.length;
  const variance = y.reduce((sum, v) => sum + (v - mean) ** 2, 0) / y.length;
  expect(mean).toBeCloseTo(0, 1);
  expect(variance).toBeCloseTo(1, 1);
});

test("AlphaDropout puts SELU's limit where it drops, as PyTorch's formula has it", () => {
  // a = ((1 − p)(1 + p·α'²))^(−½), b = −a·α'·p with p = 0.5, α' = −1.7580993408473766, x = 0.
  const a = 0.8864052604279182;
  const [kept, dropped] = [a * 1.7580993408473766 * 0.5, a * -1.7580993408473766 * 0.5];
  const y = new Set(values(new AlphaDropout(0.5).seed(4).forward(zeros([30, 30]))));
  expect([...y].sort((p, q) => p - q)).toEqual([expect.closeTo(dropped, 5), expect.closeTo(kept, 5)]);
});

test("FeatureAlphaDropout treats a channel alike", () => {
  const rows = rowsOf(new FeatureAlphaDropout(0.5).seed(5).forward(zeros([20, 10, 4])), 4);
  expect(rows.every((row) => row.size === 1)).toBe(true);
  expect(new Set(rows.map((row) => [...row][0])).size).toBe(2);
});

test("p = 1 drops everything, p = 0 and evaluation nothing", () => {
  const x = ones([3, 4, 5]);
  for (const Class of [Dropout, Dropout1d, Dropout2d, AlphaDropout, FeatureAlphaDropout]) {
    expect(values(new Class(1).forward(x))).toEqual(values(zeros([3, 4, 5])));
    expect(new Class(0).forward(x)).toBe(x);
    expect(new Class(0.5).eval().forward(x)).toBe(x);
    expect(() => new Class(1.5)).toThrow("from 0 to 1");
  }
});
