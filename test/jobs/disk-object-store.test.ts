/** The object store on disk: whole objects or none, and no way out of its folder. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DiskObjectStore } from "../../src/jobs/disk-object-store.ts";
import { ObjectKeyError, ObjectNotFoundError } from "../../src/jobs/object-store.ts";

let root: string;
let store: DiskObjectStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "epochd-store-"));
  store = new DiskObjectStore(root);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const bytes = (content: string) => new TextEncoder().encode(content);

async function* chunks(...parts: (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part;
    yield bytes(part);
  }
}

describe("an object", () => {
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
    expect(await readdir(join(root, "x"))).toEqual([]);
  });

  test("that is not there is told by its name", async () => {
    await expect(store.read("jobs/none")).rejects.toThrow(ObjectNotFoundError);
    await expect(store.stream("jobs/none")).rejects.toThrow('There is no object "jobs/none" in the store.');
    expect(await store.exists("jobs/none")).toBe(false);
  });
});

describe("a folder", () => {
  test("lists its objects sorted, and is removed as one", async () => {
    for (const key of ["jobs/a/2", "jobs/a/1", "jobs/ab/1", "datasets/a"]) await store.put(key, bytes(key));
    expect(await store.list("jobs/a")).toEqual(["jobs/a/1", "jobs/a/2"]);
    await store.remove("jobs/a");
    expect(await store.list("jobs")).toEqual(["jobs/ab/1"]);
    await store.remove("jobs/a");
    expect(await store.list("nothing/here")).toEqual([]);
  });
});

test.each(["../out", "a/../../out", "/etc/passwd", "a//b", "", ".", "a/.hidden", "a\\b", "a\0b", "ä", "a/"])(
  "the key %j leads nowhere",
  async (key) => {
    await expect(store.put(key, bytes("x"))).rejects.toThrow(ObjectKeyError);
    await expect(store.read(key)).rejects.toThrow(ObjectKeyError);
    await expect(store.remove(key)).rejects.toThrow(ObjectKeyError);
  },
);
