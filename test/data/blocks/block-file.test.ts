/** Tables on disk come back as they were, whatever is in them. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Block, BlockColumn } from "../../../src/data/blocks/block.ts";
import { decodeBlocks, encodeBlocks } from "../../../src/data/blocks/block-file.ts";
import { chunks } from "../sources-of-the-tests.ts";

async function* of(...blocks: Block[]): AsyncGenerator<Block> {
  yield* blocks;
}

async function bytesOf(...blocks: Block[]): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of encodeBlocks(of(...blocks))) parts.push(part);
  return Buffer.concat(parts);
}

async function decoded(bytes: Uint8Array, size: number, wanted?: (name: string) => boolean): Promise<Block[]> {
  const blocks: Block[] = [];
  for await (const block of decodeBlocks(chunks(bytes, size), wanted)) blocks.push(block);
  return blocks;
}

const column = (name: string, values: number[], extra: Partial<BlockColumn> = {}): BlockColumn => ({
  name,
  shape: [],
  values: Float64Array.from(values),
  codes: null,
  dictionary: [],
  booleans: false,
  ...extra,
});

test.each([
  ["bytes", [0, 255, 3], Uint8Array],
  ["short integers", [-32_768, 32_767, 3], Int16Array],
  ["integers", [2 ** 31 - 1, 0, -1], Int32Array],
  ["floats", [0.5, Number.NaN, 2 ** 40], Float32Array],
  ["minus zero", [-0, 1, 2], Float32Array],
  ["doubles", [0.1, 1, 2], Float64Array],
  ["whole numbers before a fraction that no float holds", [16_777_217, 0.5, 1], Float64Array],
])("%s are kept in the smallest type that holds them", async (_what, values, type) => {
  const [block] = await decoded(await bytesOf({ rows: 3, columns: [column("a", values)] }), 7);
  expect(block?.columns[0]?.values).toBeInstanceOf(type);
  expect([...(block?.columns[0]?.values ?? [])]).toEqual(values);
});

test("any table comes back as it was, in chunks of any size", async () => {
  const cell = fc.oneof(fc.double({ noNaN: false }), fc.integer(), fc.constant(-0));
  const table = fc.record({
    numbers: fc.array(cell, { minLength: 4, maxLength: 4 }),
    words: fc.array(fc.string({ unit: "binary" }), { minLength: 2, maxLength: 2 }),
    name: fc.string(),
    size: fc.integer({ min: 1, max: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(table, async ({ numbers, words, name, size }) => {
      const text = { values: Float64Array.of(Number.NaN, Number.NaN), codes: Int32Array.of(2, 1), dictionary: words };
      const block = {
        rows: 2,
        columns: [column(name, numbers, { shape: [2] }), column("text", [], { ...text, booleans: true })],
      };
      const [first, second] = await decoded(await bytesOf(block, block), size);
      expect(second).toEqual(first);
      expect([...(first?.columns[0]?.values ?? [])]).toEqual(numbers);
      expect(first?.columns[0]).toMatchObject({ name, shape: [2], codes: null, booleans: false });
      expect(first?.columns[1]).toMatchObject({ codes: text.codes, dictionary: words, booleans: true });
    }),
    { numRuns: 100 },
  );
});

test("columns that are not asked for are passed over", async () => {
  const words = { codes: Int32Array.of(1), dictionary: ["x"] };
  const block = { rows: 1, columns: [column("a", [1]), column("b", [Number.NaN], words), column("c", [3])] };
  const found = await decoded(await bytesOf(block, block), 11, (name) => name === "c");
  expect(found.map(({ columns }) => columns.map(({ name, values }) => [name, ...values]))).toEqual([
    [["c", 3]],
    [["c", 3]],
  ]);
});
