/** Reads files that were uploaded, once, into the table that is kept of them. */
import { TableAnalysis, type TableStatistics } from "../../data/analyse-table.ts";
import type { Block, Blocks } from "../../data/blocks/block.ts";
import { encodeBlocks } from "../../data/blocks/block-file.ts";
import { readFiles } from "../../data/formats.ts";
import { bounded } from "../../data/unpack.ts";
import type { ObjectStore } from "../object-store.ts";

/** Files that lie in the object store, and where their table is to lie. */
export interface Upload {
  readonly files: readonly StoredFile[];
  readonly table: string;
  /** The most bytes that the table may have. */
  readonly limit: number;
}

export interface StoredFile {
  readonly key: string;
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: number;
}

/** What is in a table, and how many bytes are kept of it. */
export interface StoredTable extends TableStatistics {
  readonly bytes: number;
}

/** Throws DataError for bytes that are no table, and DataTooLargeError. */
export type ReadUpload = (upload: Upload) => Promise<StoredTable>;

export function uploadReader(store: ObjectStore): ReadUpload {
  return async ({ files, table, limit }) => {
    const analysis = new TableAnalysis();
    const sources = files.map(({ key, ...file }) => ({
      ...file,
      open: (range?: { start: number; end: number }) => store.stream(key, range),
    }));
    const blocks = analysed(readFiles(sources, limit), analysis);
    // What unpacks inside of a format, such as zip or Parquet, is bounded here.
    const { bytes } = await store.put(table, bounded(encodeBlocks(blocks), limit));
    return { ...analysis.finish(), bytes };
  };
}

async function* analysed(blocks: Blocks, analysis: TableAnalysis): AsyncGenerator<Block> {
  for await (const block of blocks) {
    analysis.add(block);
    yield block;
  }
}
