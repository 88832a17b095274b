/**
 * From what the first layer gets back to rows as they stand in the data, as far as that can be told: a number that was mapped stays
 * what it was mapped to, one that was filled in stays filled in, and a category that was not known is null.
 */
import type { FittedPreprocess } from "./preprocess.ts";
import { roundTo } from "./round-to.ts";

/** `inputs`: samples one after another. Each row could be asked with again, and would give the same inputs. */
export function undoPreprocess(fitted: FittedPreprocess, inputs: Float32Array): (number | string | null)[][] {
  const width = size(fitted.shape);
  const oneHot = new Map(fitted.oneHot.map(({ column, categories }) => [column, categories]));
  return Array.from({ length: inputs.length / width }, (_, i) => {
    const values = inputs.subarray(i * width, (i + 1) * width);
    let at = 0;
    return Array.from({ length: size(fitted.rawShape) }, (_, column) => {
      const categories = oneHot.get(column);
      if (categories !== undefined) {
        const hot = values.subarray(at, at + categories.length).indexOf(1);
        at += categories.length;
        return categories[hot] ?? null;
      }
      const value = (values[at++] ?? 0) * (fitted.std?.[column] ?? 1) + (fitted.mean?.[column] ?? 0);
      return roundTo(fitted.scale === 0 ? 0 : value / fitted.scale, DIGITS);
    });
  });
}

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Those that a 32-bit number has for certain. */
const DIGITS = 6;
