/** Parquet files as tables, and what is said of those that can't be read. */
import { compressors } from "hyparquet-compressors";
import { type ParquetWriteOptions, parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, test } from "vitest";
import { analyseTable, type Block, DataError } from "../../../src/data/index.ts";
import { parquetBlocks } from "../../../src/data/parquet/parquet-blocks.ts";
import { fileOf } from "../arrays/arrays-of-the-tests.ts";

const file = (columnData: ParquetWriteOptions["columnData"], extra: Partial<ParquetWriteOptions> = {}): Buffer =>
  Buffer.from(parquetWriteBuffer({ columnData, ...extra }));

async function read(bytes: Buffer): Promise<Block[]> {
  const blocks: Block[] = [];
  for await (const block of parquetBlocks(fileOf(bytes))) blocks.push(block);
  return blocks;
}

const people = [
  { name: "age", data: [31.5, null, 57], type: "DOUBLE" as const, nullable: true },
  { name: "id", data: [1n, 2n, 2n ** 40n], type: "INT64" as const },
  { name: "city", data: ["Rome", "Oslo", "Rome"], type: "STRING" as const },
  { name: "member", data: [true, false, true], type: "BOOLEAN" as const },
];

test("columns are typed as those of a CSV", async () => {
  const { rows, columns } = await analyseTable(parquetBlocks(fileOf(file(people))));
  expect(rows).toBe(3);
  expect(columns).toMatchObject([
    { name: "age", dtype: "number", min: 31.5, max: 57, missing: 1 },
    { name: "id", dtype: "integer", max: 2 ** 40 },
    { name: "city", dtype: "string", categories: ["Oslo", "Rome"] },
    { name: "member", dtype: "boolean" },
  ]);
});

test("row groups come one after the other, with and without packing", async () => {
  const data = Float32Array.from({ length: 1000 }, (_, i) => i / 4);
  for (const codec of ["UNCOMPRESSED", "SNAPPY"] as const) {
    const blocks = await read(file([{ name: "a", data, type: "FLOAT" }], { rowGroupSize: 300, codec }));
    expect(blocks.flatMap(({ columns }) => [...(columns[0]?.values ?? [])])).toEqual([...data]);
  }
  expect(Object.keys(compressors)).toEqual(expect.arrayContaining(["GZIP", "ZSTD", "BROTLI", "LZ4_RAW"]));
});

describe("is refused, saying why", () => {
  const whole = file(people);
  test.each<[string, Buffer, RegExp]>([
    ["a file that is cut short", whole.subarray(0, -20), /can't be read: /],
    ["another file", Buffer.from("PAR1 but then nothing of it, only text and text"), /can't be read: /],
    ["a page that is broken", Buffer.from(whole).fill(0xff, 10, 60), /can't be read: /],
    ["infinity", file([{ name: "a", data: [1, Infinity], type: "DOUBLE" }]), /Row 2, column "a": .* got Infinity/],
    ["no rows", file([{ name: "a", data: [], type: "DOUBLE" }]), /no rows/],
  ])("%s", async (_what, bytes, message) => {
    await expect(read(bytes)).rejects.toThrow(message);
  });
});

test("a file whose parts don't fit together is refused in words for people", async () => {
  const whole = file(people);
  const footer = whole.readUInt32LE(whole.length - 8);
  for (let at = whole.length - 8 - footer; at < whole.length; at++) {
    const harmed = Buffer.from(whole);
    harmed[at] = 0;
    const refused = await read(harmed).catch((error: unknown) => error);
    if (Array.isArray(refused)) continue;
    expect(refused, `byte ${at}`).toBeInstanceOf(DataError);
    expect(String(refused)).not.toMatch(/undefined|is not a function|BigInt|out of bounds|out of range/);
  }
});
