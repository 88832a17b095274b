/** The formats that data sets are uploaded in: how each is told from its bytes, and what reads it. */
import { arrayBlocks } from "./arrays/array-blocks.ts";
import type { ArraySource } from "./arrays/array-source.ts";
import { isIdx, openIdx } from "./arrays/idx.ts";
import { isNpy, openNpy } from "./arrays/npy.ts";
import { isZip, openNpz } from "./arrays/npz.ts";
import type { Block, Blocks } from "./blocks/block.ts";
import { csvBlocks } from "./csv/csv-blocks.ts";
import { DataError, quoted } from "./data-error.ts";
import { ndjsonBlocks } from "./ndjson/ndjson-blocks.ts";
import { isParquet, parquetBlocks } from "./parquet/parquet-blocks.ts";
import type { SourceFile } from "./source-file.ts";

interface Format {
  readonly mediaType: string;
  /** Endings of file names. */
  readonly endings: readonly string[];
  /** Whether a file begins as only files of this format do. */
  readonly isOne?: (head: Uint8Array) => boolean;
  /** Whether a small file may hold much. */
  readonly packed?: true;
  /** A table has columns of its own; arrays become one column each, and may come in several files. */
  readonly read:
    | { readonly table: (file: SourceFile) => Blocks }
    | { readonly arrays: (file: SourceFile) => Promise<ArraySource[]> };
}

const formats: readonly Format[] = [
  { mediaType: "text/csv", endings: [".csv", ".tsv"], read: { table: text(csvBlocks) } },
  { mediaType: "application/x-ndjson", endings: [".ndjson", ".jsonl"], read: { table: text(ndjsonBlocks) } },
  {
    mediaType: "application/vnd.apache.parquet",
    endings: [".parquet"],
    isOne: isParquet,
    packed: true,
    read: { table: parquetBlocks },
  },
  {
    mediaType: "application/x-npy",
    endings: [".npy"],
    isOne: isNpy,
    read: { arrays: async (file) => [await openNpy(await file.open(), file.name)] },
  },
  { mediaType: "application/x-npz", endings: [".npz"], isOne: isZip, packed: true, read: { arrays: openNpz } },
  {
    mediaType: "application/x-idx",
    endings: ["-ubyte", ".idx"],
    isOne: isIdx,
    read: { arrays: async (file) => [await openIdx(await file.open(), file.name)] },
  },
];

function text(read: (stream: AsyncIterable<Uint8Array>) => Blocks): (file: SourceFile) => Blocks {
  return async function* (file) {
    yield* read(await file.open());
  };
}

/** What a sender may say of bytes whose beginning or file name says more. */
export const UNTOLD = "application/octet-stream";

export const mediaTypes: readonly string[] = [...formats.map(({ mediaType }) => mediaType), UNTOLD];

/** The media type of a file: as its sender says, else by its first bytes, else by its name. Throws DataError. */
export function mediaTypeOf(file: { mediaType: string; fileName: string; head: Uint8Array }): string {
  const told = formats.find(({ mediaType }) => mediaType === file.mediaType);
  const name = file.fileName.toLowerCase().replace(/\.gz$/, "");
  const found =
    told ??
    formats.find(({ isOne }) => isOne?.(file.head)) ??
    formats.find(({ endings }) => endings.some((ending) => name.endsWith(ending)));
  if (found) return found.mediaType;
  const types = formats.map(({ mediaType }) => mediaType).join(", ");
  throw new DataError(
    `The format of ${file.fileName === "" ? "the upload" : quoted(file.fileName)} can't be told from its first bytes; ` +
      `say what it is with a content type (${types}).`,
  );
}

/** Whether a small file of this type may hold much. */
export const isPacked = (mediaType: string): boolean =>
  formats.find((known) => known.mediaType === mediaType)?.packed ?? false;

export interface TypedFile extends SourceFile {
  readonly mediaType: string;
}

/**
 * What was uploaded together, as one table. Throws DataError, and DataTooLargeError for arrays of more than `limit` bytes;
 * so do the blocks.
 */
export async function* readFiles(files: readonly TypedFile[], limit: number): AsyncGenerator<Block> {
  const readers = files.map((file) => ({ file, read: readerOf(file) }));
  const table = readers.find(({ read }) => "table" in read);
  if (table && files.length > 1) {
    const { name, mediaType } = table.file;
    throw new DataError(
      `${quoted(name)} is a table (${mediaType}), which is uploaded alone; only arrays (NPY, NPZ, IDX) can be joined.`,
    );
  }
  const sources: ArraySource[] = [];
  try {
    for (const { file, read } of readers) {
      if ("table" in read) return yield* read.table(file);
      sources.push(...(await read.arrays(file)));
    }
    yield* arrayBlocks(sources, limit);
  } finally {
    for (const source of sources) await source.close();
  }
}

function readerOf({ mediaType }: TypedFile): Format["read"] {
  const format = formats.find((known) => known.mediaType === mediaType);
  if (format === undefined) throw new DataError(`Nothing here reads ${quoted(mediaType)}.`);
  return format.read;
}
