/** Rows of JavaScript values on their way into blocks: objects by column name, or arrays. */
import { DataError, grouped, quoted } from "../data-error.ts";
import { describe } from "../inline.ts";
import { type Block, type ColumnHead, cellsOf, MAX_COLUMNS, MAX_ROW_CELLS } from "./block.ts";
import { BlockBuilder, type ColumnBuilder } from "./block-builder.ts";

const MAX_RANK = 6;

/** Takes rows in order; the first says what columns there are and of what shapes. Throws DataError, naming the place. */
export class ValueRows {
  readonly #heads: readonly ColumnHead[];
  readonly #areArrays: boolean;
  readonly #builder: BlockBuilder;
  readonly #unit: string;
  #count = 0;

  /** `line` counts `unit`s from 1, for messages. */
  constructor(first: object, line: number, unit: "Line" | "Row") {
    this.#unit = unit;
    this.#areArrays = Array.isArray(first);
    this.#heads = Object.entries(first).map(([name, value]) => ({
      name,
      shape: shapeOf(value, name, `${unit} ${grouped(line)}`),
    }));
    const cells = this.#heads.reduce((sum, { shape }) => sum + cellsOf(shape), 0);
    if (this.#heads.length === 0)
      throw new DataError(`${unit} ${grouped(line)} is empty; expected values.`, { row: 1 });
    if (this.#heads.length > MAX_COLUMNS || cells > MAX_ROW_CELLS) {
      throw new DataError(
        `${unit} ${grouped(line)} has ${grouped(this.#heads.length)} columns with ${grouped(cells)} values; ` +
          `at most ${grouped(MAX_COLUMNS)} columns and ${grouped(MAX_ROW_CELLS)} values are taken.`,
      );
    }
    const blank = this.#heads.findIndex(({ name }) => name.trim() === "");
    if (blank >= 0) throw new DataError(`Column ${blank + 1} has no name; every key needs one.`);
    this.#builder = new BlockBuilder(this.#heads);
  }

  add(value: object, line: number): Block | undefined {
    this.#count += 1;
    if (Array.isArray(value) !== this.#areArrays) {
      const [found, expected] = this.#areArrays ? ["an object", "an array"] : ["an array", "an object"];
      throw this.#mistake(line, `is ${found}; expected ${expected}, as in the first`);
    }
    const own = new Map<string, unknown>(Object.entries(value));
    if (this.#areArrays && own.size !== this.#heads.length) {
      throw this.#mistake(
        line,
        `has ${grouped(own.size)} values; expected ${grouped(this.#heads.length)}, as in the first`,
      );
    }
    let found = 0;
    this.#heads.forEach((head, i) => {
      const column = this.#builder.columns[i];
      if (own.has(head.name)) found += 1;
      if (column) this.#addValue(own.get(head.name) ?? null, head, column, line);
    });
    if (found < own.size) {
      const known = new Set(this.#heads.map(({ name }) => name));
      const extra = [...own.keys()].find((name) => !known.has(name)) ?? "";
      throw this.#mistake(line, `has a key ${quoted(extra)}, which the first does not have`, extra);
    }
    return this.#builder.endRow();
  }

  end(): Block | undefined {
    return this.#builder.end();
  }

  #addValue(value: unknown, { name, shape }: ColumnHead, column: ColumnBuilder, line: number): void {
    if (value === null) for (let i = cellsOf(shape); i > 0; i--) column.addMissing();
    else this.#addNested(value, shape, 0, name, column, line);
  }

  #addNested(
    value: unknown,
    shape: readonly number[],
    depth: number,
    name: string,
    column: ColumnBuilder,
    line: number,
  ): void {
    const expected = shape[depth];
    if (expected !== undefined) {
      if (!Array.isArray(value) || value.length !== expected) {
        const what = `expects an array of ${expected}, as in the first; got ${describe(value)}`;
        throw this.#mistake(line, `, column ${quoted(name)}: ${what}`, name);
      }
      for (const inner of value) this.#addNested(inner, shape, depth + 1, name, column, line);
    } else if (typeof value === "number" && !Number.isFinite(value) && !Number.isNaN(value)) {
      throw this.#mistake(line, `, column ${quoted(name)}: expects a single value, got ${value}`, name);
    } else if (typeof value === "number") column.addNumber(value);
    else if (typeof value === "bigint") column.addNumber(Number(value));
    else if (value instanceof Date) column.addNumber(value.getTime());
    else if (typeof value === "string") column.addText(value.trim());
    else if (typeof value === "boolean") column.addBoolean(value);
    else if (value === null || value === undefined) column.addMissing();
    else throw this.#mistake(line, `, column ${quoted(name)}: expects a single value, got ${describe(value)}`, name);
  }

  #mistake(line: number, what: string, column?: string): DataError {
    const text = `${this.#unit} ${grouped(line)}${what.startsWith(",") ? "" : " "}${what}.`;
    return new DataError(text, { row: this.#count, ...(column !== undefined && { column }) });
  }
}

function shapeOf(value: unknown, name: string, where: string): number[] {
  const shape: number[] = [];
  for (let inner = value; Array.isArray(inner); inner = inner[0]) {
    if (inner.length === 0 || shape.length === MAX_RANK) {
      const what = inner.length === 0 ? "is an empty array" : `is nested more than ${MAX_RANK} deep`;
      throw new DataError(`${where}, column ${quoted(name)}: ${what}.`, { row: 1, column: name });
    }
    shape.push(inner.length);
  }
  return shape;
}
