/** Bytes and data sets for tests: text in chunks of any size, and the example files by name. */
import { createReadStream } from "node:fs";
import { csvBlocks, type DataSource } from "../../src/data/index.ts";

/** Text as a stream of `size` bytes at a time: small chunks split lines, quotes and characters. */
export async function* chunks(text: string | Uint8Array, size = 5): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

export const exampleFile = (name: string): AsyncIterable<Uint8Array> =>
  createReadStream(new URL(`../../examples/data/${name}.csv`, import.meta.url));

/** Data sets whose ids are the names of the example files, and those given as text. */
export const sourceOf = (files: Record<string, string> = {}): DataSource => ({
  open: (id) => csvBlocks(id in files ? chunks(files[id] ?? "") : exampleFile(id)),
});
