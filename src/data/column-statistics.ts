/** What a table says about itself: the columns of `GET /v1/datasets/{id}`, and all that a spec is checked against. */
import type { BlockColumn, ColumnHead } from "./blocks/block.ts";
import { compareCategories } from "./cell.ts";

export type ColumnType = "number" | "integer" | "boolean" | "string";

export interface ColumnStatistics {
  readonly name: string;
  /** Of one row's value, such as [28, 28]; left out where it is a single one. */
  readonly shape?: readonly number[] | undefined;
  /** `string` as soon as one value is neither missing nor a number. */
  readonly dtype: ColumnType;
  /** Over the values that are numbers; null where there is none. */
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  /** Cells that are empty, NA, NaN, null, None or ?. */
  readonly missing: number;
  /**
   * The different values, sorted. Null where there are more than 1,000 (100 for integers), or where they are of no use:
   * fractional numbers.
   */
  readonly categories: readonly string[] | null;
  /** The different values that are not numbers, where numbers stand beside them; null for more than 1,000. */
  readonly words?: readonly string[] | null | undefined;
}

export const MAX_CATEGORIES = 1000;
const MAX_INTEGER_CATEGORIES = 100;
/** Distinct values kept over all columns together, so that 10,000 columns of text stay in constant memory. */
const MAX_CATEGORIES_IN_ALL = 200_000;
/** A text longer than this is no category. */
const MAX_CATEGORY_LENGTH = 200;

/** What all collectors of one table may still keep. */
export class CategoryBudget {
  left = MAX_CATEGORIES_IN_ALL;
}

/** Takes the cells of one column, block after block, in constant memory. */
export class ColumnCollector {
  readonly #head: ColumnHead;
  readonly #budget: CategoryBudget;
  #numbers = 0;
  #hasWords = false;
  #missing = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #mean = 0;
  #integersOnly = true;
  #booleansOnly = true;
  #numberValues: Set<number> | null = new Set();
  #wordValues: Set<string> | null = new Set();

  constructor(head: ColumnHead, budget: CategoryBudget) {
    this.#head = head;
    this.#budget = budget;
  }

  add({ values, codes, dictionary, booleans }: BlockColumn): void {
    for (const word of dictionary) this.#addWord(word);
    const numbers = this.#numbers;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] ?? Number.NaN;
      if (!Number.isNaN(value)) this.#addNumber(value);
      else if (codes === null || codes[i] === 0) this.#missing += 1;
    }
    if (!booleans && this.#numbers > numbers) this.#booleansOnly = false;
  }

  finish(): ColumnStatistics {
    const some = this.#numbers > 0;
    const dtype = this.#dtype();
    const words = this.#wordValues === null ? null : [...this.#wordValues].sort(compareCategories);
    const mixed = this.#hasWords && some;
    return {
      name: this.#head.name,
      ...(this.#head.shape.length > 0 && { shape: this.#head.shape }),
      dtype,
      min: some ? this.#min : null,
      max: some ? this.#max : null,
      mean: some ? this.#mean : null,
      missing: this.#missing,
      categories: this.#categories(dtype),
      ...(mixed && { words }),
    };
  }

  #dtype(): ColumnType {
    if (this.#hasWords) return "string";
    if (this.#numbers === 0) return "number";
    if (this.#booleansOnly) return "boolean";
    return this.#integersOnly ? "integer" : "number";
  }

  #categories(dtype: ColumnType): string[] | null {
    if (dtype === "boolean") return [...(this.#numberValues ?? [])].sort().map((value) => (value ? "true" : "false"));
    if (dtype === "number" || this.#numberValues === null || this.#wordValues === null) return null;
    const all = [...[...this.#numberValues].map(String), ...this.#wordValues];
    const most = dtype === "integer" ? MAX_INTEGER_CATEGORIES : MAX_CATEGORIES;
    return all.length > most ? null : all.sort(compareCategories);
  }

  #addNumber(value: number): void {
    this.#numbers += 1;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    this.#mean += (value - this.#mean) / this.#numbers;
    if (this.#integersOnly && !Number.isInteger(value)) this.#integersOnly = false;
    if (this.#numberValues !== null) this.#numberValues = this.#remember(this.#numberValues, value);
  }

  #addWord(text: string): void {
    this.#hasWords = true;
    if (text.length > MAX_CATEGORY_LENGTH) this.#wordValues = this.#forget(this.#wordValues);
    else if (this.#wordValues !== null) this.#wordValues = this.#remember(this.#wordValues, text);
  }

  /** Null once there are too many: the set is given up for good. */
  #remember<T>(values: Set<T>, value: T): Set<T> | null {
    if (values.has(value)) return values;
    if (values.size === MAX_CATEGORIES || this.#budget.left === 0) return this.#forget(values);
    values.add(value);
    this.#budget.left -= 1;
    return values;
  }

  #forget<T>(values: Set<T> | null): null {
    this.#budget.left += values?.size ?? 0;
    return null;
  }
}
