/** A text as windows of characters, each with the character that follows; and the bigram model to beat. */
import { readFileSync } from "node:fs";

/** Genesis in the King James Version of 1611, a verse a line: in the public domain; taken from Debian's bible-kjv-text. */
const TEXT = readFileSync(new URL("data/genesis.txt", import.meta.url), "utf8");
const ALPHABET = [...new Set(TEXT)].sort();
const CODES = Int32Array.from(TEXT, (character) => ALPHABET.indexOf(character));

export const ALPHABET_SIZE = ALPHABET.length;

/** Codes of characters; shares of the text, the last part for testing. */
export function partText(choose: boolean): { train: Int32Array; test: Int32Array } {
  const cut = (share: number): number => Math.floor(CODES.length * share);
  // Numbers are chosen on the tenth before the last, which nothing has seen then.
  const [from, to] = choose ? [0.8, 0.9] : [0.9, 1];
  return { train: CODES.subarray(0, cut(from)), test: CODES.subarray(cut(from), cut(to)) };
}

export interface Windows {
  readonly inputs: number[][];
  /** What follows each character of the inputs. */
  readonly targets: number[][];
}

/** One beside the other; a rest shorter than a window is left out. */
export function windowsOf(codes: Int32Array, length: number): Windows {
  const starts = Array.from({ length: Math.floor((codes.length - 1) / length) }, (_, i) => i * length);
  const window = (start: number): number[] => Array.from(codes.subarray(start, start + length));
  return { inputs: starts.map(window), targets: starts.map((start) => window(start + 1)) };
}

/** Bits per character of the test windows under p(next | this) = (count + ½) / (total + ½·alphabet). */
export function bigramBits(train: Int32Array, test: Windows, alphabet: number): number {
  const counts = Array.from({ length: alphabet }, () => new Float64Array(alphabet).fill(0.5));
  for (let i = 1; i < train.length; i++) counts[train[i - 1]!]![train[i]!]!++;
  const totals = counts.map((row) => row.reduce((a, b) => a + b, 0));
  const bits = test.inputs.flatMap((window, w) =>
    window.map((here, i) => Math.log2(totals[here]!) - Math.log2(counts[here]![test.targets[w]![i]!]!)),
  );
  return bits.reduce((a, b) => a + b, 0) / bits.length;
}
