/** Newline-delimited JSON as blocks: an object or an array in each line, all with the columns of the first. */
import type { Block } from "../blocks/block.ts";
import { ValueRows } from "../blocks/value-rows.ts";
import { DataError, grouped } from "../data-error.ts";
import { decodeUtf8 } from "../decode-utf8.ts";
import { describe } from "../inline.ts";

/** The longest line, in characters. */
const MAX_LINE = 16 * 1024 * 1024;

/** Throws DataError, naming line and column, for what can't be read. */
export async function* ndjsonBlocks(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Block> {
  let rows: ValueRows | undefined;
  let line = 0;
  for await (const lines of linesOf(stream)) {
    for (const text of lines) {
      line += 1;
      if (text.trim() === "") continue;
      const value = parse(text, line);
      rows ??= new ValueRows(value, line, "Line");
      const block = rows.add(value, line);
      if (block) yield block;
    }
  }
  if (rows === undefined) throw new DataError("The file is empty; expected a JSON object or array in each line.");
  const last = rows.end();
  if (last) yield last;
}

/** Whole lines, as they come. */
export async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string[]> {
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
