/** The formats that data sets are uploaded in: how each is told from its bytes, and what reads it. */
import type { Blocks } from "./blocks/block.ts";
import { csvBlocks } from "./csv/csv-blocks.ts";
import { DataError, quoted } from "./data-error.ts";
import { ndjsonBlocks } from "./ndjson/ndjson-blocks.ts";

/** A file that lies ready to be read, in any order. */
export interface SourceFile {
  /** What its sender calls it; a column of this name is made of an array. */
  readonly name: string;
  readonly bytes: number;
  /** All of it, or the bytes from `start` on and before `end`. */
  open(range?: { start: number; end: number }): Promise<AsyncIterable<Uint8Array>>;
}

interface Format {
  readonly mediaType: string;
  /** Endings of file names. */
  readonly endings: readonly string[];
  /** What its files begin with, where that tells them from all others. */
  readonly magic?: (head: Uint8Array) => boolean;
  readonly blocks: (file: SourceFile) => Blocks;
}

const text = (read: (stream: AsyncIterable<Uint8Array>) => Blocks) =>
  async function* (file: SourceFile) {
    yield* read(await file.open());
  };

const formats: readonly Format[] = [
  { mediaType: "text/csv", endings: [".csv", ".tsv"], blocks: text(csvBlocks) },
  { mediaType: "application/x-ndjson", endings: [".ndjson", ".jsonl"], blocks: text(ndjsonBlocks) },
];

/** What a sender may say of bytes whose beginning or file name says more. */
export const UNTOLD = "application/octet-stream";

export const mediaTypes: readonly string[] = [...formats.map(({ mediaType }) => mediaType), UNTOLD];

/** The media type of a file: as its sender says, else by its first bytes, else by its name. Throws DataError. */
export function mediaTypeOf(file: { mediaType: string; fileName: string; head: Uint8Array }): string {
  const told = formats.find(({ mediaType }) => mediaType === file.mediaType);
  const name = file.fileName.toLowerCase().replace(/\.gz$/, "");
  const found =
    told ??
    formats.find(({ magic }) => magic?.(file.head)) ??
    formats.find(({ endings }) => endings.some((ending) => name.endsWith(ending)));
  if (found) return found.mediaType;
  const types = formats.map(({ mediaType }) => mediaType).join(", ");
  throw new DataError(
    `The format of ${file.fileName === "" ? "the upload" : quoted(file.fileName)} can't be told from its first bytes; ` +
      `say what it is with a content type (${types}).`,
  );
}

export interface TypedFile extends SourceFile {
  readonly mediaType: string;
}

/** What was uploaded together, as one table. Throws DataError, as do the blocks. */
export function readFiles(files: readonly TypedFile[]): Blocks {
  const [file] = files;
  const format = formats.find(({ mediaType }) => mediaType === file?.mediaType);
  if (file === undefined || format === undefined) throw new DataError("The upload holds no file.");
  return format.blocks(file);
}
