/** `preprocess.map`: what a cell's text stands for. A missing value is one value, whichever way it was written. */
import { isMissing, parseNumber } from "./cell.ts";
import { DataError, quoted } from "./data-error.ts";
import type { Table } from "./table.ts";

export class ValueMap {
  readonly #numbers = new Map<number, number>();
  readonly #words = new Map<string, number>();
  /** What a missing value becomes: NaN where the map does not say. */
  readonly missing: number = Number.NaN;
  /** By code of the table's dictionary: NaN where the map does not name the word. */
  readonly #byCode: Float64Array;

  readonly #textAdvice: (word: string) => string;

  /** For the cells of one table, or (without) for single words. `textAdvice`: said of a word where there is no map to name it. */
  constructor(map: Readonly<Record<string, number>> | null, table?: Table, textAdvice = adviceForSpec) {
    this.#textAdvice = textAdvice;
    for (const [text, value] of Object.entries(map ?? {})) {
      const number = parseNumber(text);
      if (!Number.isNaN(number)) this.#numbers.set(number, value);
      else if (isMissing(text)) this.missing = value;
      else this.#words.set(text, value);
    }
    const dictionary = table?.dictionary ?? [];
    this.#byCode = new Float64Array(dictionary.length + 1).fill(Number.NaN);
    dictionary.forEach((word, i) => {
      this.#byCode[i + 1] = this.word(word);
    });
  }

  /** NaN for a word that the map does not name. */
  word(text: string): number {
    return this.#words.get(text) ?? Number.NaN;
  }

  /** What one_hot makes of a category that a table's statistics name. */
  categoryOf(text: string): string {
    const number = parseNumber(text);
    if (!Number.isNaN(number)) return String(this.mapped(number));
    const mapped = this.word(text);
    return Number.isNaN(mapped) ? text : String(mapped);
  }

  /** A number as the map has it: itself unless it is named. */
  mapped(value: number): number {
    return this.#numbers.size === 0 ? value : (this.#numbers.get(value) ?? value);
  }

  /** A cell's number, NaN where it is missing. Throws for a word that has no number. */
  number(table: Table, row: number, column: number): number {
    const at = row * table.width + column;
    const value = table.values[at] ?? Number.NaN;
    if (!Number.isNaN(value)) return this.mapped(value);
    const code = table.codes?.[at] ?? 0;
    if (code === 0) return this.missing;
    const mapped = this.#byCode[code] ?? Number.NaN;
    if (Number.isNaN(mapped)) throw this.#textInNumbers(table, row, column);
    return mapped;
  }

  /** What one_hot sees of a cell: a number as text, a word the map does not name as itself, undefined if missing. */
  category(table: Table, row: number, column: number): string | undefined {
    const at = row * table.width + column;
    const code = table.codes?.[at] ?? 0;
    const mapped = code === 0 ? this.number(table, row, column) : (this.#byCode[code] ?? Number.NaN);
    if (!Number.isNaN(mapped)) return String(mapped);
    return code === 0 ? undefined : table.dictionary[code - 1];
  }

  /** Said of a word where a number is needed, at submission and when it is met in the rows. */
  advice(word: string): string {
    if (this.#words.size === 0) return this.#textAdvice(word);
    const some = [...this.#words.keys()].slice(0, 5).map(quoted).join(", ");
    const more = this.#words.size > 5 ? ", …" : "";
    return `${quoted(word)} is text, neither a number nor one of the values of preprocess.map (${some}${more})`;
  }

  #textInNumbers(table: Table, row: number, column: number): DataError {
    const { text, place } = table.place(row, column);
    return new DataError(`${text}${this.advice(table.word(row, column) ?? "")}`, place);
  }
}

const adviceForSpec = (word: string): string =>
  `${quoted(word)} is text, not a number; turn it into one (preprocess.map or preprocess.one_hot), or leave the column out of "features"`;

/** To whoever asks a model, and can't change any more how it was trained. */
export const adviceForRows = (word: string): string =>
  `${quoted(word)} is text, not a number as in the rows that the model was trained on`;
