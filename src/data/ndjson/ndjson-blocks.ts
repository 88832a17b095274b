/** Newline-delimited JSON as blocks: an object or an array in each line, all with the columns of the first. */
import { type Block, type ColumnHead, cellsOf, MAX_COLUMNS, MAX_ROW_CELLS } from "../blocks/block.ts";
import { BlockBuilder, type ColumnBuilder } from "../blocks/block-builder.ts";
import { DataError, grouped, quoted } from "../data-error.ts";
import { decodeUtf8 } from "../decode-utf8.ts";
import { describe } from "../inline.ts";

/** The longest line, in characters. */
const MAX_LINE = 16 * 1024 * 1024;
const MAX_RANK = 6;

/** Throws DataError, naming line and column, for what can't be read. */
export async function* ndjsonBlocks(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Block> {
  let rows: Rows | undefined;
  let line = 0;
  for await (const lines of linesOf(stream)) {
    for (const text of lines) {
      line += 1;
      if (text.trim() === "") continue;
      const value = parse(text, line);
      rows ??= new Rows(value, line);
      const block = rows.add(value, line);
      if (block) yield block;
    }
  }
  if (rows === undefined) throw new DataError("The file is empty; expected a JSON object or array in each line.");
  const last = rows.end();
  if (last) yield last;
}

async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string[]> {
  let pending = "";
  for await (const text of decodeUtf8(stream)) {
    const lines = text.split("\n");
    lines[0] = pending + lines[0];
    pending = lines.pop() ?? "";
    if (lines.length > 0) yield lines;
    if (pending.length > MAX_LINE) {
      throw new DataError(
        `A line is longer than ${grouped(MAX_LINE)} characters; expected one JSON object or array per line.`,
      );
    }
  }
  if (pending !== "") yield [pending];
}

function parse(text: string, line: number): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : "";
    throw new DataError(`Line ${grouped(line)} is not JSON: ${why}. Every line holds one whole object or array.`);
  }
  if (typeof value === "object" && value !== null) return value;
  throw new DataError(`Line ${grouped(line)} holds ${describe(value)}; expected an object or an array.`);
}

/** Rows on their way into blocks. */
class Rows {
  readonly #heads: readonly ColumnHead[];
  readonly #areArrays: boolean;
  readonly #builder: BlockBuilder;
  #count = 0;

  constructor(first: object, line: number) {
    this.#areArrays = Array.isArray(first);
    this.#heads = Object.entries(first).map(([name, value]) => ({ name, shape: shapeOf(value, name, line) }));
    const cells = this.#heads.reduce((sum, { shape }) => sum + cellsOf(shape), 0);
    if (this.#heads.length === 0) throw new DataError(`Line ${grouped(line)} is empty; expected values.`, { row: 1 });
    if (this.#heads.length > MAX_COLUMNS || cells > MAX_ROW_CELLS) {
      throw new DataError(
        `Line ${grouped(line)} has ${grouped(this.#heads.length)} columns with ${grouped(cells)} values; ` +
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
      throw this.#mistake(line, `is ${found}; expected ${expected}, as in the first line`);
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
      throw this.#mistake(line, `has a key ${quoted(extra)}, which the first line does not have`, extra);
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
        const what = `expects an array of ${expected}, as in the first line; got ${describe(value)}`;
        throw this.#mistake(line, `, column ${quoted(name)}: ${what}`, name);
      }
      for (const inner of value) this.#addNested(inner, shape, depth + 1, name, column, line);
    } else if (typeof value === "number" && Number.isFinite(value)) column.addNumber(value);
    else if (typeof value === "string") column.addText(value.trim());
    else if (typeof value === "boolean") column.addBoolean(value);
    else if (value === null) column.addMissing();
    else throw this.#mistake(line, `, column ${quoted(name)}: expects a single value, got ${describe(value)}`, name);
  }

  #mistake(line: number, what: string, column?: string): DataError {
    const text = `Line ${grouped(line)}${what.startsWith(",") ? "" : " "}${what}.`;
    return new DataError(text, { row: this.#count, ...(column !== undefined && { column }) });
  }
}

function shapeOf(value: unknown, name: string, line: number): number[] {
  const shape: number[] = [];
  for (let inner = value; Array.isArray(inner); inner = inner[0]) {
    if (inner.length === 0 || shape.length === MAX_RANK) {
      const what = inner.length === 0 ? "is an empty array" : `is nested more than ${MAX_RANK} deep`;
      throw new DataError(`Line ${grouped(line)}, column ${quoted(name)}: ${what}.`, { row: 1, column: name });
    }
    shape.push(inner.length);
  }
  return shape;
}
