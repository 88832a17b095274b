/** A Parquet file as blocks, one row group after the other. */
import { parquetMetadataAsync, parquetScan, parquetSchema } from "hyparquet";
import { type CompressionCodec, type Compressors, compressors } from "hyparquet-compressors";
import type { Block } from "../blocks/block.ts";
import { ValueRows } from "../blocks/value-rows.ts";
import { DataError, grouped, quoted } from "../data-error.ts";
import type { SourceFile } from "../source-file.ts";

/** A row group is held as a whole: so many bytes, unpacked, and so many values. */
const MAX_GROUP_BYTES = 128 * 1024 * 1024;
const MAX_GROUP_CELLS = 16 * 1024 * 1024;

export const isParquet = (head: Uint8Array): boolean => Buffer.from(head).subarray(0, 4).toString("latin1") === "PAR1";

/** Throws DataError for what can't be read. Dates become milliseconds since 1970. */
export async function* parquetBlocks(source: SourceFile): AsyncGenerator<Block> {
  const file = { byteLength: source.bytes, slice: (start: number, end = source.bytes) => read(source, start, end) };
  const metadata = await told(parquetMetadataAsync(file));
  const names = await told(async () => parquetSchema(metadata).children.map(({ element }) => element.name));
  for (const { num_rows, total_byte_size } of metadata.row_groups) {
    if (!(Number(num_rows) >= 0 && Number(total_byte_size) >= 0)) throw broken(UNFIT);
    if (Number(total_byte_size) <= MAX_GROUP_BYTES && Number(num_rows) * names.length <= MAX_GROUP_CELLS) continue;
    throw new DataError(
      `A row group has ${grouped(Number(num_rows))} rows in ${grouped(Number(total_byte_size))} bytes; at most ` +
        `${grouped(MAX_GROUP_CELLS)} values in ${grouped(MAX_GROUP_BYTES)} bytes are taken. Write smaller ones ` +
        "(pyarrow and pandas: row_group_size=100000).",
    );
  }
  let rows: ValueRows | undefined;
  let row = 0;
  const scan = await told(parquetScan({ file, metadata, compressors: boundedCompressors }));
  for (const range of scan.ranges) {
    const columns: ArrayLike<unknown>[] = [];
    for (const column of names) columns.push(await told(scan.readColumn({ ...range, column })));
    checkLengths(columns, names, range.rowEnd - range.rowStart);
    for (let i = 0; i < range.rowEnd - range.rowStart; i++) {
      row += 1;
      const values = Object.fromEntries(names.map((name, c) => [name, columns[c]?.[i] ?? null]));
      rows ??= new ValueRows(values, row, "Row");
      const block = rows.add(values, row);
      if (block) yield block;
    }
  }
  if (rows === undefined) throw new DataError("The Parquet file has no rows.");
  const last = rows.end();
  if (last) yield last;
}

function checkLengths(columns: readonly ArrayLike<unknown>[], names: readonly string[], rows: number): void {
  const short = columns.findIndex(({ length }) => length !== rows);
  if (short < 0) return;
  throw broken(
    `column ${quoted(names[short] ?? "")} has ${grouped(columns[short]?.length ?? 0)} values in a row group of ${grouped(rows)} rows`,
  );
}

async function read(source: SourceFile, start: number, end: number): Promise<ArrayBuffer> {
  if (start < 0 || end > source.bytes || end < start) throw broken("it points beyond its end; was it cut short?");
  if (end - start > MAX_GROUP_BYTES) throw broken(`${grouped(end - start)} bytes of it belong together, too many`);
  const bytes = new Uint8Array(end - start);
  let at = 0;
  if (end > start) {
    for await (const part of await source.open({ start, end })) {
      bytes.set(part, at);
      at += part.length;
    }
  }
  return bytes.buffer;
}

/** What a page says that it unpacks to is allocated before anything is unpacked. */
const boundedCompressors: Compressors = Object.fromEntries(
  Object.entries(compressors).map(([codec, unpack]) => [
    codec satisfies string as CompressionCodec,
    (input: Uint8Array, length: number): Uint8Array => {
      if (length > MAX_GROUP_BYTES) throw broken(`a page of it unpacks to ${grouped(length)} bytes, too many`);
      return unpack(input, length);
    },
  ]),
);

/** The reader's mistakes in our words; those of the disk pass. */
async function told<T>(reading: Promise<T> | (() => Promise<T>)): Promise<T> {
  try {
    return await (typeof reading === "function" ? reading() : reading);
  } catch (error) {
    if (!(error instanceof Error) || error instanceof DataError) throw error;
    if (isStumble(error)) throw broken(UNFIT);
    if ("code" in error) throw error;
    throw broken(error.message);
  }
}

const UNFIT = "what it says of itself does not fit together; was it damaged?";

/** Whether the reader stumbled over what is wrong, rather than saying it. */
const isStumble = (error: Error): boolean =>
  error instanceof TypeError || error instanceof RangeError || /undefined|NaN/.test(error.message);

const broken = (why: string): DataError => new DataError(`The Parquet file can't be read: ${why}.`);
