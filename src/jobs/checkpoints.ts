/** The checkpoints that a job has stored, the newest first: a file that a disk has cut short or changed is told from a whole one. */
import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { HEADER_PREFIX, headerEnd } from "../engine/safetensors.ts";
import type { StoredCheckpoint } from "./job.ts";
import { ObjectNotFoundError, type ObjectStore } from "./object-store.ts";

/** A file whose bytes are not those that were written. */
export class DamagedCheckpointError extends Error {
  override readonly name = "DamagedCheckpointError";
  readonly key: string;

  constructor({ key, bytes }: StoredCheckpoint, found: string) {
    super(`The checkpoint ${key} is damaged: ${bytes} bytes were written, ${found}.`);
    this.key = key;
  }
}

/** The newest whose every byte is as it was written; null if there is none. `tell` hears what is wrong with newer ones. */
export async function newestWhole(
  store: ObjectStore,
  checkpoints: readonly StoredCheckpoint[],
  tell: (error: Error) => void,
): Promise<StoredCheckpoint | null> {
  for (const checkpoint of checkpoints) {
    try {
      await verify(store, checkpoint);
      return checkpoint;
    } catch (error) {
      if (!isUnusable(error)) throw error;
      tell(error);
    }
  }
  return null;
}

async function verify(store: ObjectStore, checkpoint: StoredCheckpoint): Promise<void> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of await store.stream(checkpoint.key)) {
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  if (bytes !== checkpoint.bytes) throw new DamagedCheckpointError(checkpoint, `${bytes} are there`);
  if (hash.digest("hex") !== checkpoint.sha256) throw new DamagedCheckpointError(checkpoint, "others are there");
}

/** All of it. Throws DamagedCheckpointError for one that was cut short, and ObjectNotFoundError. */
export async function readCheckpoint(store: ObjectStore, checkpoint: StoredCheckpoint): Promise<Uint8Array> {
  const bytes = await store.read(checkpoint.key);
  if (bytes.byteLength !== checkpoint.bytes) {
    throw new DamagedCheckpointError(checkpoint, `${bytes.byteLength} are there`);
  }
  return bytes;
}

/** Most headers are shorter, and one request is enough. */
const FIRST_BYTES = 2 ** 16;

/** What `decode` makes of its header, without the weights behind that. Throws DamagedCheckpointError and ObjectNotFoundError. */
export async function readHeader<T>(
  store: ObjectStore,
  checkpoint: StoredCheckpoint,
  decode: (header: Uint8Array) => T,
): Promise<T> {
  const damaged = (found: string) => new DamagedCheckpointError(checkpoint, found);
  const read = async (start: number, end: number) => buffer(await store.stream(checkpoint.key, { start, end }));
  const first = await read(0, FIRST_BYTES);
  if (first.length < HEADER_PREFIX) throw damaged(`${first.length} are there`);
  const end = headerEnd(first);
  if (end > checkpoint.bytes) throw damaged(`and its header claims to be longer`);
  const header = end <= first.length ? first : Buffer.concat([first, await read(first.length, end)]);
  if (header.length < end) throw damaged(`${header.length} are there`);
  try {
    return decode(header);
  } catch {
    throw damaged("others are there");
  }
}

/**
 * Uses the newest checkpoint that is there and whole. `find` looks anew after each try: while a job trains, newer ones
 * replace those that were just found. Throws what was wrong with the last one, or ObjectNotFoundError.
 */
export async function useNewest<T>(
  find: () => Promise<readonly StoredCheckpoint[]>,
  use: (checkpoint: StoredCheckpoint) => Promise<T>,
): Promise<T> {
  const unusable = new Map<string, Error>();
  for (;;) {
    const checkpoint = (await find()).find(({ key }) => !unusable.has(key));
    if (!checkpoint) throw [...unusable.values()].at(-1) ?? new ObjectNotFoundError("checkpoints");
    try {
      return await use(checkpoint);
    } catch (error) {
      if (!isUnusable(error)) throw error;
      unusable.set(checkpoint.key, error);
    }
  }
}

const isUnusable = (error: unknown): error is DamagedCheckpointError | ObjectNotFoundError =>
  error instanceof DamagedCheckpointError || error instanceof ObjectNotFoundError;
