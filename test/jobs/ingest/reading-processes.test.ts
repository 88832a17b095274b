/** Uploads read in processes of their own: with the same result, and whatever becomes of those. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep, setImmediate as soon } from "node:timers/promises";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DataError, DataTooLargeError } from "../../../src/data/index.ts";
import { DiskObjectStore } from "../../../src/jobs/disk-object-store.ts";
import { type Upload, uploadReader } from "../../../src/jobs/ingest/read-upload.ts";
import { ReadingProcesses } from "../../../src/jobs/ingest/reading-processes.ts";

let root: string;
let store: DiskObjectStore;
let readers: ReadingProcesses;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "epochd-ingest-"));
  store = new DiskObjectStore(root);
  readers = new ReadingProcesses({ kind: "disk", root }, uploadReader(store));
});
afterEach(async () => {
  readers.close();
  await rm(root, { recursive: true, force: true });
});

async function stored(csv: string, about: Partial<Upload> = {}): Promise<Upload> {
  const { bytes } = await store.put("upload", Buffer.from(csv));
  const file = { key: "upload", name: "x", mediaType: "text/csv", bytes };
  return { files: [file], table: "table", limit: 1_000_000, ...about };
}

/** The ids of the processes that this one has started to read uploads. */
async function running(): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir("/proc")) {
    const about = await readFile(`/proc/${entry}/stat`, "utf8").catch(() => "");
    const command = await readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => "");
    const parent = Number(about.slice(about.lastIndexOf(")") + 2).split(" ")[1]);
    if (parent === process.pid && command.includes("reading-process")) found.push(Number(entry));
  }
  return found;
}

const patience = { timeout: 25_000, interval: 20 };
const untilRunning = (): Promise<number[]> =>
  vi.waitFor(async () => {
    const found = await running();
    expect(found).not.toEqual([]);
    return found;
  }, patience);

const large = (rows: number): string => `a,b\n${"1,2\n".repeat(rows)}`;

/** Any that its reader is not given the time to read. */
async function harmful(): Promise<Upload> {
  const { bytes } = await store.put("packed", Buffer.from("PAR1 and nothing else"));
  const file = { key: "packed", name: "x", mediaType: "application/vnd.apache.parquet", bytes };
  return { files: [file], table: "table", limit: 1000 };
}

const closeAndOpen = (limits: { ms: number; msPerMiB: number; idleMs: number }): void => {
  readers.close();
  readers = new ReadingProcesses({ kind: "disk", root }, uploadReader(store), limits);
};

test("an answer that comes when its upload was given up is not taken for another's", async () => {
  closeAndOpen({ ms: 100, msPerMiB: 60_000, idleMs: 10_000 });
  const upload = await stored(large(200_000));
  expect((await readers.read(upload)).rows).toBe(200_000);
  const reading = readers.read(await harmful());
  // The answer and the end of the patience are there at the same time.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  await expect(reading).rejects.toThrow(/could not be read within/);
  // Now the answer is heard, before the reader that gave it is gone.
  await soon();
  expect((await readers.read(upload)).rows).toBe(200_000);
});

test("a reader that has had nothing to do for long is given nothing any more, also while it has yet to end", async () => {
  closeAndOpen({ ms: 60_000, msPerMiB: 0, idleMs: 0 });
  const upload = await stored(large(100_000));
  for (let i = 0; i < 2; i++) {
    expect((await readers.read(upload)).rows).toBe(100_000);
    await sleep(2);
  }
});

test("a reader that can't be started is no mistake in the upload", async () => {
  const { execPath } = process;
  process.execPath = "/nowhere/node";
  const reading = readers.read(await stored(large(100_000))).catch((error: unknown) => error);
  process.execPath = execPath;
  const error = await reading;
  expect(error).not.toBeInstanceOf(DataError);
  expect(error).toMatchObject({ message: expect.stringContaining("ENOENT") });
  expect((await readers.read(await stored(large(100_000)))).rows).toBe(100_000);
});

test("an upload that would be read for ever is given up, and the next one is read", async () => {
  closeAndOpen({ ms: 3000, msPerMiB: 60_000, idleMs: 10_000 });
  const column = { name: "age", data: [31.5, null, 57], type: "DOUBLE" as const, nullable: true };
  const endless = Buffer.from(parquetWriteBuffer({ columnData: [column] }));
  // Of the first page's header.
  endless[11] = 0;
  const { bytes } = await store.put("endless", endless);
  const harmful = { key: "endless", name: "x", mediaType: "application/vnd.apache.parquet", bytes };
  const upload = await stored(large(100_000));
  await expect(readers.read({ ...upload, files: [harmful] })).rejects.toThrow(/could not be read within 3 s/);
  expect(await readers.read(upload)).toMatchObject({ rows: 100_000 });
});

describe("an upload that a process reads", () => {
  test("gives the table and the statistics that it gives here", async () => {
    const upload = await stored(`x,city\n${"1,Rome\n-0.5,Oslo\n,Rome\n".repeat(20_000)}`);
    const there = await readers.read(upload);
    const table = await store.read("table");
    expect(there).toEqual(await uploadReader(store)(upload));
    expect(table).toEqual(await store.read("table"));
  });

  test("is refused with the same words, row and column", async () => {
    const wrong = await readers.read(await stored(`${large(100_000)}1,2,3\n`)).catch((error: unknown) => error);
    expect(wrong).toBeInstanceOf(DataError);
    expect(wrong).toMatchObject({ message: expect.stringMatching(/^Row 100,001 has 3 values/), row: 100_001 });
    const tooLarge = readers.read(await stored(large(100_000), { limit: 100_000 }));
    await expect(tooLarge).rejects.toThrow(DataTooLargeError);
    const gone = { key: "gone", name: "x", mediaType: "text/csv", bytes: 1e6 };
    await expect(readers.read({ ...(await stored("")), files: [gone] })).rejects.toThrow(/no object "gone"/);
  });

  test("is read here where it is small, but not where it is packed", async () => {
    await readers.read(await stored("a,b\n1,2\n"));
    expect(await running()).toEqual([]);
    const { bytes } = await store.put("upload", Buffer.from("PAR1 and nothing else"));
    const packed = { key: "upload", name: "x", mediaType: "application/vnd.apache.parquet", bytes };
    await expect(readers.read({ files: [packed], table: "table", limit: 1000 })).rejects.toThrow(DataError);
    expect(await running()).toHaveLength(1);
  });

  test("may be one of many at once", async () => {
    const upload = await stored(large(100_000));
    const all = Array.from({ length: 10 }, (_, i) => readers.read({ ...upload, table: `table-${i}` }));
    expect((await Promise.all(all)).map(({ rows }) => rows)).toEqual(all.map(() => 100_000));
    expect((await running()).length).toBeLessThanOrEqual(4);
  });
});

describe.skipIf(process.platform !== "linux")("a reader that is killed", () => {
  test("has its upload refused, and the next one is read", async () => {
    const upload = await stored(large(3_000_000), { limit: 1e9 });
    const reading = readers.read(upload).catch((error: unknown) => error);
    const [pid = 0] = await untilRunning();
    process.kill(pid, "SIGKILL");
    expect(await reading).toMatchObject({ name: "DataError", message: expect.stringContaining("SIGKILL") });
    expect((await readers.read(await stored(large(100_000)))).rows).toBe(100_000);
  });

  test("with its service leaves nothing running", async () => {
    const reading = readers.read(await stored(large(3_000_000), { limit: 1e9 })).catch((error: unknown) => error);
    await untilRunning();
    readers.close();
    expect(await reading).toMatchObject({ message: "The service is closing." });
    await vi.waitUntil(async () => (await running()).length === 0, patience);
    await expect(readers.read(await stored(large(100_000)))).rejects.toThrow(/closing/);
  });
});
