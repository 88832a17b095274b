/** What counts as a table in newline-delimited JSON, and what is said of lines that do not. */
import { describe, expect, test } from "vitest";
import { analyseTable, type Block } from "../../../src/data/index.ts";
import { ndjsonBlocks } from "../../../src/data/ndjson/ndjson-blocks.ts";
import { chunks } from "../sources-of-the-tests.ts";

async function read(text: string, size?: number): Promise<Block[]> {
  const blocks: Block[] = [];
  for await (const block of ndjsonBlocks(chunks(text, size))) blocks.push(block);
  return blocks;
}

test("objects make columns of their keys, in any order; what is not there is missing", async () => {
  const [block] = await read('{"a":1.5,"b":"x"}\r\n\n{"b":"7","a":null}\n{"b":" x "}');
  expect(block).toMatchObject({
    rows: 3,
    columns: [
      { name: "a", values: new Float64Array([1.5, Number.NaN, Number.NaN]), codes: null },
      { name: "b", values: new Float64Array([Number.NaN, 7, Number.NaN]), codes: new Int32Array([1, 0, 1]) },
    ],
  });
});

test("arrays make columns of their positions, and true and false are booleans", async () => {
  const { columns } = await analyseTable(ndjsonBlocks(chunks("[1,true]\n[2,false]\n")));
  expect(columns).toMatchObject([
    { name: "0", dtype: "integer" },
    { name: "1", dtype: "boolean", categories: ["false", "true"] },
  ]);
});

test("an array inside a row is one column of that shape", async () => {
  const [block] = await read('{"x":[[1,2],[3,4]],"y":0}\n{"x":[[5,6],[7,null]],"y":1}\n', 7);
  expect(block?.columns[0]).toMatchObject({
    shape: [2, 2],
    values: new Float64Array([1, 2, 3, 4, 5, 6, 7, Number.NaN]),
  });
});

test("keys that JavaScript objects know are ordinary names", async () => {
  const [block] = await read('{"__proto__":1,"constructor":2}\n');
  expect(block?.columns.map(({ name }) => name)).toEqual(["__proto__", "constructor"]);
});

test("many rows come in several blocks, all of them", async () => {
  const blocks = await read(Array.from({ length: 200_000 }, (_, i) => `[${i}]\n`).join(""), 60_000);
  expect(blocks.length).toBeGreaterThan(1);
  expect(blocks.reduce((sum, { rows }) => sum + rows, 0)).toBe(200_000);
  expect(blocks.at(-1)?.columns[0]?.values.at(-1)).toBe(199_999);
});

describe("is refused, saying where and why", () => {
  test.each<[string, string, RegExp]>([
    ["an empty file", "\n \n", /file is empty/],
    ["a line that is no JSON", '{"a":1}\n\n{"a":}\n', /^Line 3 is not JSON: /],
    ["a bare value", "5\n", /Line 1 holds 5; expected an object or an array/],
    ["an array among objects", '{"a":1}\n[1]\n', /Line 2 is an array; expected an object/],
    ["a short array", "[1,2]\n[1]\n", /Line 2 has 1 values; expected 2/],
    ["a new key", '{"a":1}\n{"a":1,"z":2}\n', /Line 2 has a key "z"/],
    ["an object inside", '{"a":{"b":1}}\n', /Line 1, column "a": expects a single value, got an object/],
    ["another shape", '{"a":[1,2]}\n{"a":[1,2,3]}\n', /Line 2, column "a": expects an array of 2.*got an array of 3/],
    ["a number beyond all doubles", '{"a":1e999}\n', /Line 1, column "a": expects a single value, got Infinity/],
    ["an empty array", '{"a":[]}\n', /Line 1, column "a": is an empty array/],
  ])("%s", async (_what, text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });

  test("a bad line far down, with its number", async () => {
    const text = `${"[1,2]\n".repeat(999_999)}[1,"\n`;
    await expect(read(text, 60_000)).rejects.toThrow(/^Line 1,000,000 is not JSON/);
  });
});
