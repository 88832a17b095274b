/** The object store on a local or mounted disk: a file per object, written beside, synced and renamed. */
import { createHash, randomUUID } from "node:crypto";
import { access, constants, type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import {
  allOrError,
  checkKey,
  ObjectNotFoundError,
  type ObjectStore,
  type ObjectToPut,
  type StoredObject,
} from "./object-store.ts";

export class DiskObjectStore implements ObjectStore {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  async put(key: string, content: ObjectToPut["content"]): Promise<StoredObject> {
    const [stored] = await this.putAll([{ key, content }]);
    if (!stored) throw new Error(`Nothing was stored as ${key}.`);
    return stored;
  }

  async putAll(objects: readonly ObjectToPut[]): Promise<StoredObject[]> {
    const files = objects.map(({ key, content }) => {
      const path = this.pathOf(key);
      const folder = dirname(path);
      return { path, folder, beside: join(folder, `.${randomUUID()}.tmp`), content };
    });
    try {
      const stored = await writeNew(files);
      await allOrError(files.map(({ beside, path }) => rename(beside, path)));
      await Promise.all(Array.from(new Set(files.map(({ folder }) => folder)), syncDirectory));
      return stored;
    } catch (error) {
      await Promise.all(files.map(({ beside }) => rm(beside, { force: true })));
      throw error;
    }
  }

  async read(key: string): Promise<Uint8Array> {
    const { buffer, byteOffset, byteLength } = await readFile(this.pathOf(key)).catch((error: unknown) =>
      throwNotFound(key, error),
    );
    // Not the Buffer itself: its slice() is a view, where every other Uint8Array gives a copy.
    return new Uint8Array(buffer, byteOffset, byteLength);
  }

  async stream(key: string, range?: { start: number; end: number }): Promise<Readable> {
    const file = await open(this.pathOf(key), "r").catch((error: unknown) => throwNotFound(key, error));
    if (range && range.end <= range.start) {
      await file.close();
      return Readable.from([]);
    }
    // Node counts the last byte in.
    return file.createReadStream(range && { start: range.start, end: range.end - 1 });
  }

  async exists(key: string): Promise<boolean> {
    return stat(this.pathOf(key)).then(
      (found) => found.isFile(),
      (error: unknown) => {
        if (isMissing(error)) return false;
        throw error;
      },
    );
  }

  async remove(key: string): Promise<void> {
    await rm(this.pathOf(key), { recursive: true, force: true });
  }

  async list(folder: string): Promise<string[]> {
    const files = await filesBelow(this.pathOf(folder));
    return files.map((path) => path.slice(this.root.length + 1)).sort();
  }

  /** The folder is made when it is missing: it is with the first object, too. */
  async check(): Promise<void> {
    await mkdir(this.root, { recursive: true });
    await access(this.root, constants.R_OK | constants.W_OK);
  }

  private pathOf(key: string): string {
    return join(this.root, ...checkKey(key).split("/"));
  }
}

/** Its folder is made when it is missing. */
async function openNew(path: string): Promise<FileHandle> {
  return open(path, "wx").catch(async (error: unknown) => {
    if (!isMissing(error)) throw error;
    await mkdir(dirname(path), { recursive: true });
    return open(path, "wx");
  });
}

/** Folder by folder, because one that is removed meanwhile must not hide the others. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  const shown = entries.filter(({ name }) => !name.startsWith("."));
  const paths = await Promise.all(
    shown.map((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : [path];
    }),
  );
  return paths.flat();
}

interface NewFile extends Pick<ObjectToPut, "content"> {
  readonly beside: string;
}

async function writeNew(files: readonly NewFile[]): Promise<StoredObject[]> {
  const opened: { readonly file: FileHandle; readonly content: ObjectToPut["content"] }[] = [];
  try {
    // One after the other: the first makes the folder that they share.
    for (const { beside, content } of files) opened.push({ file: await openNew(beside), content });
    return await allOrError(
      opened.map(({ file, content }) => writeAll(file, content instanceof Uint8Array ? [content] : content)),
    );
  } finally {
    await Promise.all(opened.map(({ file }) => file.close()));
  }
}

async function writeAll(
  file: FileHandle,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<StoredObject> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of chunks) {
    let written = 0;
    while (written < chunk.byteLength) {
      written += (await file.write(chunk, written, chunk.byteLength - written)).bytesWritten;
    }
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  await file.sync();
  return { bytes, sha256: hash.digest("hex") };
}

/** The new name is only safe once its directory is. Some systems can't open a directory: they do without. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r").catch(() => null);
  if (!directory) return;
  await directory.sync().catch(() => {});
  await directory.close();
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

function throwNotFound(key: string, error: unknown): never {
  throw isMissing(error) ? new ObjectNotFoundError(key) : error;
}
