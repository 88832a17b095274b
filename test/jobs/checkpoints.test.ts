/** What is read of a checkpoint's file without reading all of it, also where the disk has changed it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, expect, test } from "vitest";
import { checkpointShapes, encodeSafetensors } from "../../src/engine/index.ts";
import { headerEnd } from "../../src/engine/safetensors.ts";
import { DamagedCheckpointError, readHeader } from "../../src/jobs/checkpoints.ts";
import { DiskObjectStore } from "../../src/jobs/disk-object-store.ts";
import type { StoredCheckpoint } from "../../src/jobs/job.ts";

const root = await mkdtemp(join(tmpdir(), "epochd-checkpoints-"));
afterAll(() => rm(root, { recursive: true, force: true }));

/** Knows how much was read of it. */
class CountingStore extends DiskObjectStore {
  bytesRead = 0;

  override async stream(key: string, range?: { start: number; end: number }): Promise<Readable> {
    const counted = async function* (this: CountingStore, chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        this.bytesRead += chunk.byteLength;
        yield chunk;
      }
    };
    return Readable.from(counted.call(this, await super.stream(key, range)));
  }
}

const store = new CountingStore(root);
const MODEL = encodeSafetensors(new Map([["model.w", { shape: [2 ** 20], data: new Float32Array(2 ** 20) }]]));

/** Stores MODEL with what `change` makes of it, and names it as it was before. */
async function stored(change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array = (bytes) => bytes) {
  store.bytesRead = 0;
  const { sha256, bytes } = await store.put("jobs/a/1-1-1.safetensors", MODEL);
  await store.put("jobs/a/1-1-1.safetensors", change(MODEL.slice()));
  return { key: "jobs/a/1-1-1.safetensors", epoch: 1, step: 1, bytes, sha256 } satisfies StoredCheckpoint;
}

const shapes = (header: Uint8Array) => checkpointShapes(header, "last");

test("a header is read without the weights behind it", async () => {
  expect(await readHeader(store, await stored(), shapes)).toEqual(new Map([["w", [2 ** 20]]]));
  expect(store.bytesRead).toBeLessThan(MODEL.byteLength / 8);
});

test("a header of many chunks is read whole", async () => {
  const about = "x".repeat(2 ** 20);
  const long = encodeSafetensors(new Map([["model.w", { shape: [1], data: new Float32Array(1) }]]), { about });
  const file = await store.put("jobs/a/2-1-1.safetensors", long);
  const checkpoint = { key: "jobs/a/2-1-1.safetensors", epoch: 1, step: 1, ...file };
  expect(await readHeader(store, checkpoint, shapes)).toEqual(new Map([["w", [1]]]));
});

test.each<[string, (bytes: Uint8Array<ArrayBuffer>) => Uint8Array]>([
  ["says that it is longer than the file", (bytes) => bytes.fill(255, 4, 7)],
  ["is no JSON", (bytes) => bytes.fill(0, 10, 12)],
  ["is cut short", (bytes) => bytes.subarray(0, headerEnd(bytes) - 1)],
  ["is cut short before its length", (bytes) => bytes.subarray(0, 5)],
  ["is gone", (bytes) => bytes.subarray(0, 0)],
])("a header that %s is that of a damaged checkpoint, and nothing more is read for it", async (_what, change) => {
  const checkpoint = await stored(change);
  await expect(readHeader(store, checkpoint, shapes)).rejects.toThrow(DamagedCheckpointError);
  expect(store.bytesRead).toBeLessThan(MODEL.byteLength / 8);
});
