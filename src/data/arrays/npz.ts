/** NPZ files: a zip of NPY files, stored or deflated, each an array by its name. */
import { pipeline, Readable } from "node:stream";
import { createInflateRaw } from "node:zlib";
import { DataError, grouped, quoted } from "../data-error.ts";
import type { SourceFile } from "../source-file.ts";
import type { ArraySource } from "./array-source.ts";
import { openNpy } from "./npy.ts";

const MAX_ARRAYS = 100;
const MAX_DIRECTORY = 1024 * 1024;

export const isZip = (head: Uint8Array): boolean =>
  head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4;

interface Entry {
  readonly name: string;
  readonly deflated: boolean;
  readonly packed: number;
  readonly offset: number;
}

/** Throws DataError for a zip that can't be read, or that holds other than arrays. */
export async function openNpz(file: SourceFile): Promise<ArraySource[]> {
  const sources: ArraySource[] = [];
  try {
    for (const entry of await readDirectory(file)) {
      sources.push(await openNpy(await openEntry(file, entry), entry.name.replace(/\.npy$/, "")));
    }
  } catch (error) {
    for (const source of sources) await source.close();
    throw error;
  }
  return sources;
}

async function openEntry(
  file: SourceFile,
  { name, deflated, packed, offset }: Entry,
): Promise<AsyncIterable<Uint8Array>> {
  // Its names may be of other lengths than those of the directory.
  const local = await bytesAt(file, offset, 30);
  if (local.readUInt32LE() !== 0x04034b50) throw broken(`there is no entry ${quoted(name)} where its directory says`);
  const start = offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
  if (start + packed > file.bytes) throw broken(`its entry ${quoted(name)} goes beyond its end`);
  const stored = await file.open({ start, end: start + packed });
  return deflated ? inflated(stored, name) : stored;
}

async function* inflated(stream: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const inflate = createInflateRaw();
  pipeline(Readable.from(stream), inflate, () => {});
  try {
    yield* inflate;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && String(error.code).startsWith("Z_"))) throw error;
    throw broken(`its entry ${quoted(name)} can't be unpacked (${error.message})`);
  }
}

/** The format: PKWARE's APPNOTE.TXT, 4.3.12 (entries), 4.3.14 to 4.3.16 (the end), 4.5.3 (sizes of 64 bits). */
async function readDirectory(file: SourceFile): Promise<Entry[]> {
  const { start, bytes, count } = await findDirectory(file);
  if (count > MAX_ARRAYS || bytes > MAX_DIRECTORY) {
    throw new DataError(`The file holds ${grouped(count)} arrays, at most ${MAX_ARRAYS} are taken.`);
  }
  const directory = await bytesAt(file, start, bytes);
  const entries: Entry[] = [];
  for (let at = 0; entries.length < count; ) {
    if (at + 46 > bytes || directory.readUInt32LE(at) !== 0x02014b50) throw broken("its directory can't be read");
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => directory.readUInt16LE(at + field));
    const nameEnd = at + 46 + (nameLength ?? 0);
    const end = nameEnd + (extraLength ?? 0) + (commentLength ?? 0);
    if (end > bytes) throw broken("its directory can't be read");
    const name = directory.toString("utf8", at + 46, nameEnd);
    const method = directory.readUInt16LE(at + 10);
    if (!name.endsWith(".npy"))
      throw new DataError(`The zip holds ${quoted(name)}; expected NPY files only, as numpy.savez writes them.`);
    if (directory.readUInt16LE(at + 8) & 1) throw broken(`its entry ${quoted(name)} is encrypted`);
    if (method !== 0 && method !== 8)
      throw broken(`its entry ${quoted(name)} is packed in a way (${method}) that is not known here`);
    const [, packed = 0, offset = 0] = sizes64(directory, at, nameEnd, nameEnd + (extraLength ?? 0));
    entries.push({ name, deflated: method === 8, packed, offset });
    at = end;
  }
  return entries;
}

/** Unpacked and packed size and offset; those that do not fit into 32 bits stand in an extra field, in this order. */
function sizes64(directory: Buffer, at: number, extraStart: number, extraEnd: number): number[] {
  const sizes = [24, 20, 42].map((field) => directory.readUInt32LE(at + field));
  for (let extra = extraStart; extra + 4 <= extraEnd; extra += 4 + directory.readUInt16LE(extra + 2)) {
    if (directory.readUInt16LE(extra) !== 1) continue;
    let from = extra + 4;
    return sizes.map((size) => {
      if (size !== 0xffffffff || from + 8 > extraEnd) return size;
      from += 8;
      return Number(directory.readBigUInt64LE(from - 8));
    });
  }
  return sizes;
}

/** From the file's end: where the directory is. */
async function findDirectory(file: SourceFile): Promise<{ start: number; bytes: number; count: number }> {
  const tailStart = Math.max(0, file.bytes - 66_000);
  const tail = await bytesAt(file, tailStart, file.bytes - tailStart);
  const end = tail.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  if (end < 0 || end + 22 > tail.length) throw broken("its directory is missing; was it cut short?");
  const plain = {
    count: tail.readUInt16LE(end + 10),
    bytes: tail.readUInt32LE(end + 12),
    start: tail.readUInt32LE(end + 16),
  };
  if (plain.start !== 0xffffffff && plain.count !== 0xffff) return within(plain, file);
  if (end < 20 || tail.readUInt32LE(end - 20) !== 0x07064b50) throw broken("its directory is missing");
  const large = await bytesAt(file, Number(tail.readBigUInt64LE(end - 12)), 56);
  const [count = 0, bytes = 0, start = 0] = [32, 40, 48].map((field) => Number(large.readBigUInt64LE(field)));
  return within({ count, bytes, start }, file);
}

function within<T extends { start: number; bytes: number }>(place: T, file: SourceFile): T {
  if (place.start + place.bytes > file.bytes) throw broken("its directory goes beyond its end");
  return place;
}

async function bytesAt(file: SourceFile, start: number, length: number): Promise<Buffer> {
  if (start + length > file.bytes) throw broken("it is cut short");
  const parts: Uint8Array[] = [];
  for await (const part of await file.open({ start, end: start + length })) parts.push(part);
  return Buffer.concat(parts);
}

const broken = (why: string): DataError => new DataError(`The NPZ file can't be read: ${why}.`);
