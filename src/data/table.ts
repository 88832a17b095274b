/**
 * Cells as they were read, before any preprocessing: numbers in one Float64Array, words by number in a dictionary.
 * No object per cell, whatever the table's size.
 */
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
  readonly values: Float64Array;
  /** Row-major; k > 0 is the word dictionary[k − 1]. Null when there is no word at all. */
  readonly codes: Int32Array | null;
  readonly dictionary: readonly string[];

  constructor(
    origin: TableOrigin,
    width: number,
    values: Float64Array,
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
