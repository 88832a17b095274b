import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { linesOf, statisticsOf } from "../../bench/learning/data-sets.ts";
import { idxRows, MissingDataError } from "../../bench/learning/idx-rows.ts";

async function rowsOf(id: string): Promise<string[]> {
  const rows: string[] = [];
  for await (const row of linesOf(id)) rows.push(String(row));
  return rows.slice(1);
}

test.each([
  ["digits", 1438, 359],
  ["letters", 16_000, 4000],
])("%s are parted into %i rows to train on and %i to test on", async (name, train, test) => {
  expect((await statisticsOf(`${name}-train`)).rows).toBe(train);
  expect(await rowsOf(`${name}-test`)).toHaveLength(test);
});

test("no digit is in both parts", async () => {
  const known = new Set(await rowsOf("digits-train"));
  expect((await rowsOf("digits-test")).filter((row) => known.has(row))).toEqual([]);
});

test("images in MNIST's format become rows of their label and their bytes", () => {
  const folder = mkdtempSync(join(tmpdir(), "idx-"));
  const file = (name: string, ...bytes: number[]) =>
    writeFileSync(join(folder, name), gzipSync(Uint8Array.from(bytes)));
  try {
    file("some-images-idx3-ubyte.gz", 0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 10, 20, 30, 255, 0, 128);
    file("some-labels-idx1-ubyte.gz", 0, 0, 8, 1, 0, 0, 0, 2, 7, 9);
    expect([...idxRows(folder, "some")]).toEqual(["label,pixel_0,pixel_1,pixel_2", "7,10,20,30", "9,255,0,128"]);
    expect(() => [...idxRows(folder, "other")]).toThrow(MissingDataError);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
