/** The object store on anything that speaks S3: AWS, MinIO, Ceph, … Its SDK is loaded by whoever opens such a store, and by nobody else. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import type { S3Location } from "../config.ts";
import {
  allOrError,
  checkKey,
  ObjectKeyError,
  ObjectNotFoundError,
  type ObjectStore,
  type ObjectToPut,
  StoreAwayError,
  type StoredObject,
} from "./object-store.ts";

/** So much of a stream is sent at once; S3 takes 10,000 parts, so an object may have 80 GiB. */
const PART_BYTES = 8 * 2 ** 20;
const PARTS_AT_ONCE = 2;
const REMOVALS_AT_ONCE = 16;

export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  constructor({ bucket, prefix, region, endpoint, credentials, pathStyle }: S3Location) {
    this.#client = new S3Client({
      region,
      forcePathStyle: pathStyle,
      // Servers other than AWS know the newer checksums of bodies only in part.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      ...(endpoint !== undefined && { endpoint }),
      ...(credentials && { credentials }),
    });
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  async putAll(objects: readonly ObjectToPut[]): Promise<StoredObject[]> {
    return allOrError(objects.map(({ key, content }) => this.put(key, content)));
  }

  /** S3 shows an object once all of it has arrived; a stream that breaks leaves what was there before. */
  async put(key: string, content: ObjectToPut["content"]): Promise<StoredObject> {
    const hash = createHash("sha256");
    let bytes = 0;
    const count = (chunk: Uint8Array): void => {
      hash.update(chunk);
      bytes += chunk.byteLength;
    };
    // What breaks in the stream is not the store's fault, and is told as it is.
    let broken: unknown;
    async function* counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      try {
        for await (const chunk of chunks) {
          count(chunk);
          yield chunk;
        }
      } catch (error) {
        broken = error;
        throw error;
      }
    }
    const whole = content instanceof Uint8Array;
    if (whole) count(content);
    const upload = new Upload({
      client: this.#client,
      params: { ...this.#at(key), Body: whole ? content : Readable.from(counted(content), { objectMode: true }) },
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
    });
    try {
      await upload.done();
    } catch (error) {
      throw broken ?? away(error);
    }
    return { bytes, sha256: hash.digest("hex") };
  }

  async read(key: string): Promise<Uint8Array> {
    const body = await this.#get(key);
    try {
      return await body.transformToByteArray();
    } catch (error) {
      throw away(error);
    }
  }

  async stream(key: string, range?: { start: number; end: number }): Promise<Readable> {
    if (range && range.end <= range.start) {
      if (!(await this.exists(key))) throw new ObjectNotFoundError(key);
      return Readable.from([]);
    }
    const body = await this.#get(key, range && `bytes=${range.start}-${range.end - 1}`);
    if (!(body instanceof Readable)) throw new TypeError("The S3 client gave no stream of Node.");
    return body;
  }

  async exists(key: string): Promise<boolean> {
    try {
      await this.#client.send(new HeadObjectCommand(this.#at(key)));
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw away(error);
    }
  }

  async remove(key: string): Promise<void> {
    const names = [this.#at(key).Key, ...(await this.#names(`${this.#at(key).Key}/`))];
    // One by one, because not every server that speaks S3 removes many at once.
    for (let at = 0; at < names.length; at += REMOVALS_AT_ONCE) {
      const some = names.slice(at, at + REMOVALS_AT_ONCE);
      await Promise.all(some.map((name) => this.#removeName(name)));
    }
  }

  async list(folder: string): Promise<string[]> {
    const names = await this.#names(`${this.#at(folder).Key}/`);
    return names.map((name) => name.slice(this.#prefix.length)).sort();
  }

  async check(): Promise<void> {
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }));
    } catch (error) {
      throw isMissing(error) ? new StoreAwayError(`there is no bucket "${this.#bucket}"`, error) : away(error);
    }
  }

  #at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + checkKey(key) };
  }

  async #get(key: string, range?: string) {
    try {
      const { Body } = await this.#client.send(
        new GetObjectCommand({ ...this.#at(key), ...(range !== undefined && { Range: range }) }),
      );
      if (!Body) throw new ObjectNotFoundError(key);
      return Body;
    } catch (error) {
      throw isMissing(error) ? new ObjectNotFoundError(key) : away(error);
    }
  }

  async #names(prefix: string): Promise<string[]> {
    const names: string[] = [];
    try {
      for await (const { Contents = [] } of paginateListObjectsV2(
        { client: this.#client },
        { Bucket: this.#bucket, Prefix: prefix },
      )) {
        for (const { Key } of Contents) if (Key !== undefined) names.push(Key);
      }
    } catch (error) {
      throw away(error);
    }
    return names;
  }

  async #removeName(name: string): Promise<void> {
    try {
      await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: name }));
    } catch (error) {
      if (!isMissing(error)) throw away(error);
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404;
}

/** Whoever asked can only try again: whether the network, the server or a right is missing is for the operator. */
function away(error: unknown): Error {
  if (error instanceof ObjectNotFoundError || error instanceof ObjectKeyError) return error;
  return new StoreAwayError(error instanceof Error ? `${error.name}: ${error.message}` : String(error), error);
}
