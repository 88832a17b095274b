/**
 * From what the first layer gets back to rows as they stand in the data, as far as that can be told: a number that was mapped stays
 * what it was mapped to, one that was filled in stays filled in, and a category that was not known is null.
 */
import type { FittedPreprocess } from "./preprocess.ts";
import { roundTo } from "./round-to.ts";

/** `inputs`: samples one after another. Each row could be asked with again, and would give the same inputs. */
export function undoPreprocess(fitted: FittedPreprocess, inputs: Float32Array): (number | string | null)[][] {
  const { mean, std, scale } = fitted;
  const width = size(fitted.shape);
  const columns = size(fitted.rawShape);
  const oneHot = new Map(fitted.oneHot.map(({ column, categories }) => [column, categories]));
  const rows: (number | string | null)[][] = [];
  // Plain loops: it may be a hundred thousand numbers, at the end of each of many small jobs.
  for (let start = 0; start < inputs.length; start += width) {
    const row: (number | string | null)[] = [];
    let at = start;
    for (let column = 0; column < columns; column++) {
      const categories = oneHot.get(column);
      if (categories !== undefined) {
        const hot = inputs.subarray(at, at + categories.length).indexOf(1);
        at += categories.length;
        row.push(categories[hot] ?? null);
      } else {
        const value = (inputs[at++] ?? 0) * (std?.[column] ?? 1) + (mean?.[column] ?? 0);
        row.push(roundTo(scale === 0 ? 0 : value / scale, DIGITS));
      }
    }
    rows.push(row);
  }
  return rows;
}

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Those that a 32-bit number has for certain. */
const DIGITS = 6;
