/** Undoes gzip, also where it was applied a few times, and stops what unpacks to more than is taken. */
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { DataError, DataTooLargeError } from "./data-error.ts";

/** Told by its first bytes. Throws DataError for a broken gzip, or one that is packed without end, and DataTooLargeError beyond `limit` bytes. */
export async function* unpack(
  stream: AsyncIterable<Uint8Array>,
  limit: number,
  times = MOST_TIMES,
): AsyncGenerator<Uint8Array> {
  const [head, all] = await peek(bounded(stream, limit), 2);
  if (head[0] !== 0x1f || head[1] !== 0x8b) yield* all;
  else if (times > 0) yield* unpack(gunzip(all), limit, times - 1);
  else
    throw new DataError(`The upload is packed as gzip more than ${MOST_TIMES} times; pack it once, or send it plain.`);
}

/** There are files that unpack to themselves. */
const MOST_TIMES = 4;

/** The first bytes, as far as there are so many, and the whole stream. */
export async function peek(
  stream: AsyncIterable<Uint8Array>,
  length: number,
): Promise<[head: Uint8Array, all: AsyncIterable<Uint8Array>]> {
  const chunks = stream[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.length < length) {
    const { done, value } = await chunks.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      if (head.length > 0) yield head;
      for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
    } finally {
      await chunks.return?.();
    }
  }
  return [head.subarray(0, length), all()];
}

export async function* bounded(stream: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > limit) throw new DataTooLargeError(limit);
    yield chunk;
  }
}

async function* gunzip(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const unzip = createGunzip();
  pipeline(Readable.from(stream), unzip, () => {});
  try {
    yield* unzip;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && String(error.code).startsWith("Z_"))) throw error;
    throw new DataError(
      `The upload begins as gzip, but can't be unpacked: ${error.message}. Was it cut short? Pack it again, or send it plain.`,
    );
  }
}
