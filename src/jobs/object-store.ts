/** Where bytes lie that are too large for the broker: datasets, checkpoints, models. Keys look like `jobs/<id>/x`. */
import type { Readable } from "node:stream";

export interface StoredObject {
  readonly bytes: number;
  readonly sha256: string;
}

export interface ObjectToPut {
  readonly key: string;
  readonly content: AsyncIterable<Uint8Array> | Uint8Array;
}

export interface ObjectStore {
  /** Writes all of it or nothing: a reader never sees half an object, also after a crash. */
  put(key: string, content: ObjectToPut["content"]): Promise<StoredObject>;
  /** Each of them as {@link put} does; those of one folder cost less together. Throws what went wrong with the first of those that failed. */
  putAll(objects: readonly ObjectToPut[]): Promise<StoredObject[]>;
  /** Throws ObjectNotFoundError. */
  read(key: string): Promise<Uint8Array>;
  /** All of it, or the bytes from `start` on and before `end`. Throws ObjectNotFoundError. */
  stream(key: string, range?: { start: number; end: number }): Promise<Readable>;
  exists(key: string): Promise<boolean>;
  /** Removes one object, or all whose key starts with `<key>/`; nothing there is fine. */
  remove(key: string): Promise<void>;
  /** The keys below a folder, sorted. */
  list(folder: string): Promise<string[]>;
  /** Throws what prevents it from being used. */
  check(): Promise<void>;
}

export class ObjectNotFoundError extends Error {
  override readonly name = "ObjectNotFoundError";
  readonly key: string;
  constructor(key: string) {
    super(`There is no object "${key}" in the store.`);
    this.key = key;
  }
}

/** A key that could lead out of the store, or that the store can't hold. */
export class ObjectKeyError extends Error {
  override readonly name = "ObjectKeyError";
  constructor(key: string) {
    super(
      `"${key}" can't be the key of an object: expected names of letters, digits, ".", "_" and "-", joined by "/", ` +
        'none of them starting with "."',
    );
  }
}

/** The store itself can't be used now, rather than that an object is missing. */
export class StoreAwayError extends Error {
  override readonly name = "StoreAwayError";
  constructor(reason: string, cause?: unknown) {
    super(`The object store does not answer: ${reason}`, { cause });
  }
}

/** Whether there is no room left for what was to be stored: a full disk, a quota, a limit of the size of files. */
export function isStoreFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^(ENOSPC|EDQUOT|EFBIG)$/.test(String(error.code));
}

/** The key, if it is one. Throws ObjectKeyError: a part can't start with a dot, so no key is "..", nor a file that is still being written. */
export function checkKey(key: string): string {
  if (!key.split("/").every((part) => /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/.test(part))) throw new ObjectKeyError(key);
  return key;
}

/** Waits for all of them, so that nothing of them is under way behind an error. */
export async function allOrError<T>(works: readonly Promise<T>[]): Promise<T[]> {
  const done = await Promise.allSettled(works);
  return done.map((one) => {
    if (one.status === "rejected") throw one.reason;
    return one.value;
  });
}
