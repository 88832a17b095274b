/** Uploaded data sets: described, listed, opened, removed, and refused whole when they are no table. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DataError } from "../../src/data/index.ts";
import { DatasetStore, type UploadedFile } from "../../src/jobs/dataset-store.ts";
import { DiskObjectStore } from "../../src/jobs/disk-object-store.ts";
import { chunks } from "../data/sources-of-the-tests.ts";

let root: string;
let objects: DiskObjectStore;
let datasets: DatasetStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "epochd-datasets-"));
  objects = new DiskObjectStore(root);
  datasets = new DatasetStore(objects);
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function* csv(content: string): AsyncGenerator<UploadedFile> {
  yield { name: "x", fileName: "", mediaType: "text/csv", content: chunks(content) };
}
const create = (content: string, name?: string) => datasets.create(csv(content), { limit: 1000, name: name ?? null });

describe("a data set", () => {
  test("is described by its columns and keeps its cells", async () => {
    const made = await create("x,city\n1,Rome\n2,Oslo\n,Rome\n", "cities");
    expect(made).toMatchObject({ name: "cities", rows: 3, bytes: 27, content_type: "text/csv" });
    expect(made.columns).toMatchObject([
      { name: "x", min: 1, max: 2, mean: 1.5, missing: 1 },
      { name: "city", dtype: "string", missing: 0, categories: ["Oslo", "Rome"] },
    ]);
    expect(await datasets.get(made.id)).toEqual(made);
    const { value: block } = await datasets.open(made.id).next();
    expect(block?.columns).toMatchObject([
      { name: "x", values: new Float32Array([1, 2, Number.NaN]), codes: null },
      { name: "city", codes: new Int32Array([1, 2, 1]), dictionary: ["Rome", "Oslo"] },
    ]);
    expect(await objects.list("datasets")).toEqual([`datasets/${made.id}/dataset.json`, `datasets/${made.id}/table`]);
  });

  test.each(["", "a,b\n1,2,3\n", "a,b\n"])(
    "that is no table (%j) is refused and leaves nothing behind",
    async (content) => {
      await expect(create(content)).rejects.toThrow(DataError);
      expect(await objects.list("datasets")).toEqual([]);
    },
  );

  test("may be packed once more on its way, but not without end", async () => {
    const packed = (times: number): Buffer => (times === 0 ? Buffer.from("x\n1\n") : gzipSync(packed(times - 1)));
    async function* file(times: number): AsyncGenerator<UploadedFile> {
      yield { name: "x", fileName: "", mediaType: "text/csv", content: chunks(packed(times)) };
    }
    expect((await datasets.create(file(2), { limit: 1000 })).rows).toBe(1);
    await expect(datasets.create(file(9), { limit: 1000 })).rejects.toThrow(/packed as gzip more than/);
    expect((await objects.list("datasets")).filter((key) => key.includes("upload"))).toEqual([]);
  });

  test("is gone once it is removed", async () => {
    const { id } = await create("x\n1\n");
    expect(await datasets.remove(id)).toBe(true);
    expect(await datasets.get(id)).toBeNull();
    expect(await datasets.remove(id)).toBe(false);
    expect(await objects.list("datasets")).toEqual([]);
  });

  test.each(["../../etc/passwd", "ds_", "", "ds_../x"])(
    "with the id %j is not there, and is no way out",
    async (id) => {
      expect(await datasets.get(id)).toBeNull();
      expect(await datasets.remove(id)).toBe(false);
    },
  );

  test("is listed, newest first, page by page", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift((await create(`x\n${i}\n`)).id);
    const first = await datasets.list({ limit: 3 });
    expect(first.data.map(({ id }) => id)).toEqual(ids.slice(0, 3));
    const second = await datasets.list({ limit: 3, cursor: first.next_cursor ?? "" });
    expect(second.data.map(({ id }) => id)).toEqual(ids.slice(3));
    expect(second.next_cursor).toBeNull();
  });

  test("that is removed while it is listed leaves a gap, not the end of the list", async () => {
    const oldest = await create("x\n1\n");
    const removed = new Set([(await create("x\n2\n")).id, (await create("x\n3\n")).id]);
    class RemovedBeforeItIsRead extends DiskObjectStore {
      override async read(key: string): Promise<Uint8Array> {
        const id = key.split("/")[1] ?? "";
        if (removed.has(id)) await this.remove(`datasets/${id}`);
        return super.read(key);
      }
    }
    const racing = new DatasetStore(new RemovedBeforeItIsRead(root));
    const first = await racing.list({ limit: 2 });
    expect(first.data).toEqual([]);
    const second = await racing.list({ limit: 2, cursor: first.next_cursor ?? "" });
    expect(second.data.map(({ id }) => id)).toEqual([oldest.id]);
  });
});
