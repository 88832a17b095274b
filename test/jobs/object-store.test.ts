/** Both object stores, on disk and on a server that speaks S3: whole objects or none, and no way out of the store. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../src/broker/free-port.ts";
import { DiskObjectStore } from "../../src/jobs/disk-object-store.ts";
import { ObjectKeyError, ObjectNotFoundError, type ObjectStore, StoreAwayError } from "../../src/jobs/object-store.ts";
import { openObjectStore } from "../../src/jobs/open-object-store.ts";
import { startS3Server } from "../s3-server.ts";

const s3 = await startS3Server();
if (!s3) console.warn("The S3 store is not tested: no moto (pip install 'moto[server]'), and no EPOCHD_TEST_S3.");
const disk = await mkdtemp(join(tmpdir(), "epochd-store-"));
afterAll(async () => {
  await s3?.close();
  await rm(disk, { recursive: true, force: true });
});

const bytes = (content: string) => new TextEncoder().encode(content);

async function* chunks(...parts: (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part;
    yield bytes(part);
  }
}

describe.each([
  { name: "on disk", open: async () => new DiskObjectStore(await mkdtemp(join(disk, "store-"))), skip: false },
  {
    name: "on a server that speaks S3",
    open: async () => openObjectStore({ kind: "s3", location: { ...(await s3!.bucket()), prefix: "folder/" } }),
    skip: s3 === null,
  },
])("a store $name", ({ open, skip }) => {
  let store: ObjectStore;
  beforeEach(async ({ task }) => {
    if (task.mode === "run") store = await open();
  });

  describe.skipIf(skip)("an object", () => {
    test("is read as it was written, in one piece or streamed, with its size and checksum told", async () => {
      const stored = await store.put("jobs/a/model", chunks("hello ", "world"));
      expect(stored).toEqual({
        bytes: 11,
        sha256: "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9",
      });
      expect(await store.read("jobs/a/model")).toEqual(bytes("hello world"));
      expect(await text(await store.stream("jobs/a/model"))).toBe("hello world");
      expect(await text(await store.stream("jobs/a/model", { start: 6, end: 8 }))).toBe("wo");
      expect(await text(await store.stream("jobs/a/model", { start: 0, end: 0 }))).toBe("");
      expect(await text(await store.stream("jobs/a/model", { start: 3, end: 3 }))).toBe("");
    });

    test("comes as bytes whose slice() is a copy, as everywhere but in Node's Buffer", async () => {
      await store.put("a", bytes("hello"));
      const read = await store.read("a");
      read.slice(0, 1)[0] = 0;
      expect(read[0]).toBe("h".charCodeAt(0));
    });

    test("that is replaced is never half of each", async () => {
      await store.put("a", bytes("first"));
      await expect(store.put("a", chunks("sec", new Error("the client went away")))).rejects.toThrow(/went away/);
      expect(await text(await store.stream("a"))).toBe("first");
    });

    test("whose stream breaks leaves nothing behind", async () => {
      await expect(store.put("x/a", chunks("half", new Error("broken")))).rejects.toThrow("broken");
      expect(await store.exists("x/a")).toBe(false);
      expect(await store.list("x")).toEqual([]);
    });

    test("may be one of several that are put at once", async () => {
      const more = [
        { key: "x/a", content: bytes("first") },
        { key: "x/b", content: chunks("sec", "ond") },
        { key: "y/c", content: bytes("third") },
      ];
      expect((await store.putAll(more)).map((stored) => stored.bytes)).toEqual([5, 6, 5]);
      expect(await Promise.all(more.map(({ key }) => store.stream(key).then(text)))).toEqual([
        "first",
        "second",
        "third",
      ]);
      expect(await store.putAll([])).toEqual([]);
    });

    test("whose companion breaks is there as a whole or not at all", async () => {
      const put = store.putAll([
        { key: "x/a", content: bytes("whole") },
        { key: "x/b", content: chunks("half", new Error("broken")) },
      ]);
      await expect(put).rejects.toThrow("broken");
      expect(await store.exists("x/b")).toBe(false);
      if (await store.exists("x/a")) expect(await store.read("x/a")).toEqual(bytes("whole"));
    });

    test("that is put with one that breaks is not under way any more when that is told", async () => {
      const told: string[] = [];
      async function* slow() {
        yield bytes("slow");
        for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
        told.push("stored");
      }
      const put = store.putAll([
        { key: "x/a", content: chunks("half", new Error("broken")) },
        { key: "x/b", content: slow() },
      ]);
      await put.catch((error: Error) => told.push(error.message));
      expect(told).toEqual(["stored", "broken"]);
    });

    test("of many parts is stored as it streams", async () => {
      const part = new Uint8Array(2 ** 20).fill(7);
      const parts = Readable.from(Array.from({ length: 20 }, () => part));
      expect(await store.put("large", parts)).toMatchObject({ bytes: 20 * 2 ** 20 });
      expect(await store.read("large")).toHaveLength(20 * 2 ** 20);
    }, 60_000);

    test("that is not there is told by its name", async () => {
      await expect(store.read("jobs/none")).rejects.toThrow(ObjectNotFoundError);
      await expect(store.stream("jobs/none")).rejects.toThrow('There is no object "jobs/none" in the store.');
      expect(await store.exists("jobs/none")).toBe(false);
    });
  });

  describe.skipIf(skip)("a folder", () => {
    test("lists its objects sorted, and is removed as one", async () => {
      for (const key of ["jobs/a/2", "jobs/a/1", "jobs/ab/1", "datasets/a"]) await store.put(key, bytes(key));
      expect(await store.list("jobs/a")).toEqual(["jobs/a/1", "jobs/a/2"]);
      await store.remove("jobs/a");
      expect(await store.list("jobs")).toEqual(["jobs/ab/1"]);
      await store.remove("jobs/a");
      expect(await store.list("nothing/here")).toEqual([]);
    });
  });

  test
    .skipIf(skip)
    .each(["../out", "a/../../out", "/etc/passwd", "a//b", "", ".", "a/.hidden", "a\\b", "a\0b", "ä", "a/"])(
    "the key %j leads nowhere",
    async (key) => {
      await expect(store.put(key, bytes("x"))).rejects.toThrow(ObjectKeyError);
      await expect(store.read(key)).rejects.toThrow(ObjectKeyError);
      await expect(store.remove(key)).rejects.toThrow(ObjectKeyError);
    },
  );

  test.skipIf(skip)("says that it can be used", async () => {
    await store.check();
  });
});

describe("a store that can't be used says so", () => {
  test("on disk", async () => {
    await expect(new DiskObjectStore("/dev/null/objects").check()).rejects.toThrow(/ENOTDIR/);
  });

  test.skipIf(s3 === null)("without its bucket", async () => {
    const location = { ...(await s3!.bucket()), bucket: "another" };
    const store = await openObjectStore({ kind: "s3", location });
    await expect(store.check()).rejects.toThrow('The object store does not answer: there is no bucket "another"');
  });

  test("without its server", async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    const credentials = { accessKeyId: "a", secretAccessKey: "b" };
    const location = { bucket: "b", prefix: "", region: "us-east-1", endpoint, credentials, pathStyle: true };
    const store = await openObjectStore({ kind: "s3", location });
    await expect(store.check()).rejects.toThrow(StoreAwayError);
    await expect(store.read("a")).rejects.toThrow(StoreAwayError);
    await expect(store.put("a", bytes("x"))).rejects.toThrow(StoreAwayError);
    await expect(store.list("a")).rejects.toThrow(StoreAwayError);
  });
});

test("a stream to disk that breaks leaves no file behind", async () => {
  const root = await mkdtemp(join(disk, "store-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  await expect(new DiskObjectStore(root).put("x/a", chunks("half", new Error("broken")))).rejects.toThrow("broken");
  expect(await readdir(join(root, "x"))).toEqual([]);
});
