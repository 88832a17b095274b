/** The object store on a local or mounted disk: a file per object, written beside, synced and renamed. */
import { createHash, randomUUID } from "node:crypto";
import { access, constants, type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { checkKey, ObjectNotFoundError, type ObjectStore, type StoredObject } from "./object-store.ts";

export class DiskObjectStore implements ObjectStore {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  async put(key: string, content: AsyncIterable<Uint8Array> | Uint8Array): Promise<StoredObject> {
    const path = this.pathOf(key);
    const beside = join(dirname(path), `.${randomUUID()}.tmp`);
    try {
      const file = await openNew(beside);
      const stored = await writeAll(file, content instanceof Uint8Array ? [content] : content).finally(() =>
        file.close(),
      );
      await rename(beside, path);
      await syncDirectory(dirname(path));
      return stored;
    } catch (error) {
      await rm(beside, { force: true });
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
