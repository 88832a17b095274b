/** Data sets in the object store: the table as blocks, whatever it was uploaded as, and beside it what it holds. */
import { createHash } from "node:crypto";
import type { Block } from "../data/blocks/block.ts";
import { decodeBlocks } from "../data/blocks/block-file.ts";
import { mediaTypeOf } from "../data/formats.ts";
import { peek, unpack } from "../data/unpack.ts";
import { Dataset } from "./dataset.ts";
import { DescribedObjects } from "./described-objects.ts";
import { newId } from "./ids.ts";
import { type ReadUpload, type StoredFile, uploadReader } from "./ingest/read-upload.ts";
import type { ObjectStore } from "./object-store.ts";

const TABLE = "table";

/** A file on its way in. */
export interface UploadedFile {
  /** What a column that is made of it is called. */
  readonly name: string;
  readonly fileName: string;
  readonly mediaType: string;
  /** Perhaps gzipped. */
  readonly content: AsyncIterable<Uint8Array>;
}

export class DatasetStore extends DescribedObjects<Dataset> {
  private readonly read: ReadUpload;

  /** Without a reader, uploads are read here. */
  constructor(store: ObjectStore, read: ReadUpload = uploadReader(store)) {
    super(store, {
      folder: "datasets",
      prefix: "ds",
      description: "dataset.json",
      parse: (json) => Dataset.parse(json),
    });
    this.read = read;
  }

  /**
   * Streams the files to the store and reads them there into a table. Throws DataError for bytes that are no table,
   * DataTooLargeError beyond `limit` bytes, unpacked, and whatever the streams throw; then nothing stays behind.
   */
  async create(files: AsyncIterable<UploadedFile>, about: { name?: string | null; limit: number }): Promise<Dataset> {
    const id = newId("ds");
    try {
      const upload = await this.receive(id, files, about.limit);
      const { bytes: stored_bytes, ...statistics } = await this.read({
        files: upload.files,
        table: this.keyOf(id, TABLE),
        limit: about.limit,
      });
      const dataset = Dataset.parse({
        id,
        name: about.name ?? null,
        created_at: new Date().toISOString(),
        content_type: upload.mediaType,
        ...statistics,
        bytes: upload.bytes,
        stored_bytes,
        sha256: upload.sha256,
      });
      for (const { key } of upload.files) await this.store.remove(key);
      await this.describe(dataset);
      return dataset;
    } catch (error) {
      await this.removeAll(id);
      throw error;
    }
  }

  private async receive(id: string, uploaded: AsyncIterable<UploadedFile>, limit: number): Promise<Received> {
    const hash = createHash("sha256");
    const files: StoredFile[] = [];
    let bytes = 0;
    for await (const { content, ...file } of uploaded) {
      // Only there while it is read.
      const key = this.keyOf(id, `upload-${files.length}`);
      const [head, all] = await peek(unpack(content, limit - bytes), HEAD_BYTES);
      const mediaType = mediaTypeOf({ ...file, head });
      const stored = await this.store.put(key, hashed(all, hash));
      files.push({ key, name: file.name, mediaType, bytes: stored.bytes });
      bytes += stored.bytes;
    }
    const [only] = files;
    const mediaType = files.length === 1 && only ? only.mediaType : "multipart/form-data";
    return { files, bytes, sha256: hash.digest("hex"), mediaType };
  }

  /** The columns that `wanted` picks, all when it is left out. Throws ObjectNotFoundError once it is read. */
  async *open(id: string, wanted?: (column: string) => boolean): AsyncGenerator<Block> {
    yield* decodeBlocks(await this.store.stream(this.keyOf(id, TABLE)), wanted);
  }
}

/** Enough to tell any format. */
const HEAD_BYTES = 8;

/** What was received, with the SHA-256 of all its files' bytes, one after the other. */
interface Received {
  readonly files: readonly StoredFile[];
  readonly bytes: number;
  readonly sha256: string;
  readonly mediaType: string;
}

async function* hashed(
  stream: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    hash.update(chunk);
    yield chunk;
  }
}
