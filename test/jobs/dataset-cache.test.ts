/** Data sets that were read stay in memory, within bounds, and never longer than they exist. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Blocks } from "../../src/data/index.ts";
import { DatasetCache } from "../../src/jobs/dataset-cache.ts";
import { DatasetStore, type UploadedFile } from "../../src/jobs/dataset-store.ts";
import { DiskObjectStore } from "../../src/jobs/disk-object-store.ts";
import { ObjectNotFoundError } from "../../src/jobs/object-store.ts";
import { chunks } from "../data/sources-of-the-tests.ts";

let root: string;
let objects: DiskObjectStore;
let datasets: DatasetStore;
/** The keys of the tables that were read from the store. */
let reads: string[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "epochd-cache-"));
  reads = [];
  objects = new (class extends DiskObjectStore {
    override stream(key: string, range?: { start: number; end: number }) {
      if (key.endsWith("/table")) reads.push(key);
      return super.stream(key, range);
    }
  })(root);
  datasets = new DatasetStore(objects);
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function create(content: string): Promise<string> {
  async function* file(): AsyncGenerator<UploadedFile> {
    yield { name: "x", fileName: "", mediaType: "text/csv", content: chunks(content) };
  }
  return (await datasets.create(file(), { limit: 1_000_000 })).id;
}

async function cells(blocks: Blocks): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const { columns } of blocks) for (const { name, values } of columns) found.push([name, ...values]);
  return found;
}

test("a data set is read once, and again for columns that were passed over", async () => {
  const id = await create("a,b\n1,2\n3,4\n");
  const cache = new DatasetCache(datasets, 1000);
  const onlyA = (name: string): boolean => name === "a";
  expect(await cells(cache.open(id, onlyA))).toEqual([["a", 1, 3]]);
  expect(await cells(cache.open(id, onlyA))).toEqual([["a", 1, 3]]);
  expect(reads).toHaveLength(1);
  const all = [
    ["a", 1, 3],
    ["b", 2, 4],
  ];
  expect(await cells(cache.open(id))).toEqual(all);
  expect(await cells(cache.open(id))).toEqual(all);
  expect(reads).toHaveLength(2);
});

test("the same content under another id is not read again", async () => {
  const [first, second] = [await create("a\n1\n"), await create("a\n1\n")];
  const cache = new DatasetCache(datasets, 1000);
  await cells(cache.open(first));
  expect(await cells(cache.open(second))).toEqual([["a", 1]]);
  expect(reads).toHaveLength(1);
});

test("what was used least lately is given up when there is no room", async () => {
  const ids = [await create("a\n1\n2\n3\n4\n"), await create("a\n5\n6\n7\n8\n"), await create("a\n9\n8\n7\n6\n")];
  const [a = "", b = "", c = ""] = ids;
  const cache = new DatasetCache(datasets, 8);
  for (const id of [a, b, a, c, a, b]) await cells(cache.open(id));
  expect(reads.map((key) => ids.indexOf(key.split("/")[1] ?? ""))).toEqual([0, 1, 2, 1]);
});

test("a data set that is larger than the room is read each time, whole", async () => {
  const id = await create("a\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
  const cache = new DatasetCache(datasets, 8);
  for (let i = 0; i < 2; i++) expect(await cells(cache.open(id))).toEqual([["a", 1, 2, 3, 4, 5, 6, 7, 8, 9]]);
  expect(reads).toHaveLength(2);
});

test("a data set that is deleted is gone from here, too", async () => {
  const id = await create("a\n1\n");
  const cache = new DatasetCache(datasets, 1000);
  await cells(cache.open(id));
  await datasets.remove(id);
  await expect(cells(cache.open(id))).rejects.toThrow(ObjectNotFoundError);
});
