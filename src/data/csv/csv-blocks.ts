/** A CSV as blocks. */
import type { Block } from "../blocks/block.ts";
import { BlockBuilder } from "../blocks/block-builder.ts";
import { DataError } from "../data-error.ts";
import { readCsv } from "./read-csv.ts";

/** Throws DataError, naming row and column, for a table that can't be read. */
export async function* csvBlocks(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Block> {
  let builder = new BlockBuilder([]);
  let ready: Block[] = [];
  let rows = 0;
  const reading = readCsv(stream, {
    header: (names) => {
      builder = new BlockBuilder(names.map((name) => ({ name, shape: [] })));
    },
    row: (cells, row) => {
      rows = row;
      const { columns } = builder;
      for (let i = 0; i < columns.length; i++) columns[i]?.addText(cells[i] ?? "");
      const block = builder.endRow();
      if (block) ready.push(block);
    },
  });
  for await (const _ of reading) {
    yield* ready;
    ready = [];
  }
  yield* ready;
  if (rows === 0) throw new DataError("The file has a header, but no rows below it.");
  const last = builder.end();
  if (last) yield last;
}
