/** What the text of one cell means: missing, a number, or a word. The same rules for CSV, inline data and predictions. */

/** Texts that mean "no value here", in any column. */
export const MISSING_WORDS: readonly string[] = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"];

const missing = new Set(MISSING_WORDS);

export const isMissing = (text: string): boolean => missing.has(text);

/** The largest number that float32 can hold. */
export const FLOAT32_MAX = 3.4028234663852886e38;

/**
 * The decimal number that a text is, or NaN. Stricter than `Number`: "", "0x1f", "0b1" and "Infinity" are no numbers
 * here. `true` and `false` count as 1 and 0, as in NumPy.
 */
export function parseNumber(text: string): number {
  const value = Number(text);
  if (!Number.isNaN(value)) {
    const last = text.charCodeAt(text.length - 1);
    const endsInDigitOrDot = (last >= 48 && last <= 57) || last === 46;
    return endsInDigitOrDot && !hasRadixPrefix(text) ? finiteOrNaN(value) : Number.NaN;
  }
  return parseBoolean(text);
}

/** What stands for 0 and for 1, in the spellings of JSON, Python and Excel. */
export const BOOLEANS: readonly (readonly string[])[] = [
  ["false", "False", "FALSE"],
  ["true", "True", "TRUE"],
];

/** 1 for "true", 0 for "false"; else NaN. */
export const parseBoolean = (text: string): number => booleans.get(text) ?? Number.NaN;
const booleans = new Map(BOOLEANS.flatMap((spellings, value) => spellings.map((text) => [text, value] as const)));

const finiteOrNaN = (value: number): number => (Number.isFinite(value) ? value : Number.NaN);

function hasRadixPrefix(text: string): boolean {
  if (text.charCodeAt(0) !== 48 || text.length < 3) return false;
  const second = text.charCodeAt(1) | 32;
  return second === 120 || second === 98 || second === 111;
}

/** Names of categories and classes in a stable order: numbers first and by value, then text by code unit. */
export function compareCategories(a: string, b: string): number {
  const x = parseNumber(a);
  const y = parseNumber(b);
  if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
  if (x < y || x > y) return x - y;
  return a < b ? -1 : a > b ? 1 : 0;
}
