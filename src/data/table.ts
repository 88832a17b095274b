/**
 * Cells as they were read, before any preprocessing: numbers in one array, words by number in a dictionary.
 * No object per cell, whatever the table's size.
 */
import type { BlockColumn, NumberArray } from "./blocks/block.ts";
import { isMissing, parseNumber } from "./cell.ts";
import { type DataPlace, grouped, quoted } from "./data-error.ts";

/** Where a table came from, for messages: a file with named columns, or arrays at a path of the request. */
export type TableOrigin =
  | { readonly names: readonly string[] }
  | { readonly path: string; readonly at: (row: number, column: number) => string };

export class Table {
  readonly origin: TableOrigin;
  readonly width: number;
  readonly rows: number;
  /** Row-major; NaN where the cell is missing or a word. */
  readonly values: NumberArray;
  /** Row-major; k > 0 is the word dictionary[k − 1]. Null when there is no word at all. */
  readonly codes: Int32Array | null;
  readonly dictionary: readonly string[];

  constructor(
    origin: TableOrigin,
    width: number,
    values: NumberArray,
    codes: Int32Array | null = null,
    dictionary: readonly string[] = [],
  ) {
    this.origin = origin;
    this.width = width;
    this.rows = width === 0 ? 0 : values.length / width;
    this.values = values;
    this.codes = codes;
    this.dictionary = dictionary;
  }

  /** The word in a cell, or undefined for a number or a missing value. */
  word(row: number, column: number): string | undefined {
    const code = this.codes?.[row * this.width + column] ?? 0;
    return code === 0 ? undefined : this.dictionary[code - 1];
  }

  /** The same cells, with other words for where they are. */
  from(origin: TableOrigin): Table {
    return new Table(origin, this.width, this.values, this.codes, this.dictionary);
  }

  /** A column's name; inline arrays name theirs by position. */
  columnName(column: number): string {
    return "names" in this.origin ? (this.origin.names[column] ?? String(column)) : String(column);
  }

  /** What a message says of a cell, and the same for programs. */
  place(row: number, column: number): { text: string; place: DataPlace } {
    if ("path" in this.origin) {
      return { text: "", place: { path: this.origin.at(row, column), row: row + 1 } };
    }
    const name = this.columnName(column);
    return { text: `row ${grouped(row + 1)}, column ${quoted(name)}: `, place: { row: row + 1, column: name } };
  }
}

/** Takes cells in row-major order and grows as they come. */
export class TableBuilder {
  #values: Float64Array;
  #codes: Int32Array | null = null;
  #length = 0;
  readonly #dictionary: string[] = [];
  readonly #codeOf = new Map<string, number>();

  constructor(expectedCells = 1024) {
    this.#values = new Float64Array(Math.max(16, expectedCells));
  }

  addNumber(value: number): void {
    if (this.#length === this.#values.length) this.#grow();
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  /** Text as it stands in a file or a JSON string: a number, a missing value or a word. */
  addText(text: string): void {
    const value = parseNumber(text);
    this.addNumber(value);
    if (Number.isNaN(value) && !isMissing(text)) this.#setWord(this.#length - 1, text);
  }

  finish(origin: TableOrigin, width: number): Table {
    const codes = this.#codes?.subarray(0, this.#length) ?? null;
    return new Table(origin, width, this.#values.subarray(0, this.#length), codes, this.#dictionary);
  }

  #setWord(at: number, text: string): void {
    this.#codes ??= new Int32Array(this.#values.length);
    let code = this.#codeOf.get(text);
    if (code === undefined) {
      code = this.#dictionary.push(text);
      this.#codeOf.set(text, code);
    }
    this.#codes[at] = code;
  }

  #grow(): void {
    const values = new Float64Array(this.#values.length * 2);
    values.set(this.#values);
    this.#values = values;
    if (this.#codes === null) return;
    const codes = new Int32Array(values.length);
    codes.set(this.#codes);
    this.#codes = codes;
  }
}

/** `[0][2]`: the position of a value inside a sample. */
export function indices(position: number, shape: readonly number[]): string {
  let rest = position;
  let text = "";
  for (let d = shape.length - 1; d >= 0; d--) {
    const size = shape[d] ?? 1;
    text = `[${rest % size}]${text}`;
    rest = Math.floor(rest / size);
  }
  return text;
}

/** Columns as they were read, in parts, side by side: `widths` are the cells that each has in a row. */
export function joinColumns(
  origin: TableOrigin,
  columns: readonly (readonly BlockColumn[])[],
  widths: readonly number[],
): Table {
  const width = widths.reduce((a, b) => a + b, 0);
  const cells = (parts: readonly BlockColumn[]): number => parts.reduce((sum, { values }) => sum + values.length, 0);
  const rows = cells(columns[0] ?? []) / (widths[0] ?? 1);
  const all = columns.flat();
  const values = new (commonType(all))(rows * width);
  const codes = all.some((part) => part.codes !== null) ? new Int32Array(rows * width) : null;
  const dictionary = new Dictionary();
  let offset = 0;
  columns.forEach((parts, c) => {
    const own = widths[c] ?? 1;
    let at = 0;
    for (const part of parts) {
      copyCells(part.values, values, at, own, offset, width);
      if (part.codes !== null && codes !== null) {
        const translation = Int32Array.from([0, ...part.dictionary.map((word) => dictionary.code(word))]);
        const known = part.codes.map((code) => translation[code] ?? 0);
        copyCells(known, codes, at, own, offset, width);
      }
      at += part.values.length;
    }
    offset += own;
  });
  return new Table(origin, width, values, codes, dictionary.words);
}

/** From a column of `own` cells in a row, whose first is number `at`, to where they stand in rows of `width`. */
function copyCells(from: NumberArray, to: NumberArray, at: number, own: number, offset: number, width: number): void {
  if (own === width) {
    to.set(from, at);
    return;
  }
  let row = at / own;
  for (let i = 0; i < from.length; row++) {
    const start = row * width + offset;
    for (let k = 0; k < own; k++, i++) to[start + k] = from[i] ?? 0;
  }
}

/** The smallest type that holds the values of all parts exactly. */
function commonType(parts: readonly BlockColumn[]): new (length: number) => NumberArray {
  const has = (type: new (length: number) => NumberArray): boolean =>
    parts.some(({ values }) => values instanceof type);
  if (has(Float64Array) || (has(Float32Array) && has(Int32Array))) return Float64Array;
  return [Float32Array, Int32Array, Int16Array].find(has) ?? Uint8Array;
}

/** Words and the numbers that stand for them. */
class Dictionary {
  readonly words: string[] = [];
  readonly #codes = new Map<string, number>();

  code(word: string): number {
    const known = this.#codes.get(word);
    if (known !== undefined) return known;
    const code = this.words.push(word);
    this.#codes.set(word, code);
    return code;
  }
}
