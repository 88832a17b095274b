/** Between what the engine holds in arrays and what the device holds in words; `lowering.ts` says how. */
import type { TypedArray } from "../../backend.ts";

/** Whole numbers up to here, of either sign, are exact as float32. */
const LARGEST_INT = 2 ** 24;

/** The words that hold `values`: a fresh array. */
export function toWords(values: TypedArray): Float32Array<ArrayBuffer> {
  if (values instanceof Float32Array) return Float32Array.from(values);
  return values instanceof Int32Array ? wordsOfInts(values) : wordsOfDoubles(values);
}

/** Fills `into` from the words that hold it. */
export function fromWords<T extends TypedArray>(words: Float32Array, into: T): T {
  if (!(into instanceof Float64Array)) into.set(words);
  else for (let i = 0; i < into.length; i++) into[i] = words[2 * i]! + words[2 * i + 1]!;
  return into;
}

function wordsOfInts(values: Int32Array): Float32Array<ArrayBuffer> {
  const tooLarge = values.find((value) => value > LARGEST_INT || value < -LARGEST_INT);
  if (tooLarge !== undefined) {
    throw new RangeError(
      `A GPU keeps whole numbers as float32, which is exact up to ${LARGEST_INT}, but one of these is ${tooLarge}. ` +
        'Use device "cpu" for this job.',
    );
  }
  return Float32Array.from(values);
}

function wordsOfDoubles(values: Float64Array): Float32Array<ArrayBuffer> {
  const words = new Float32Array(2 * values.length);
  for (let i = 0; i < values.length; i++) {
    const nearest = Math.fround(values[i]!);
    words[2 * i] = nearest;
    // What is left of an infinity or a NaN is nothing.
    words[2 * i + 1] = Number.isFinite(nearest) ? values[i]! - nearest : 0;
  }
  return words;
}
