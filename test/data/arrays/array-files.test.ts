/** NPY, NPZ and IDX files as tables: types, orders, shapes, and what is said of files that can't be read. */
import { describe, expect, test } from "vitest";
import { readFiles } from "../../../src/data/formats.ts";
import type { Block } from "../../../src/data/index.ts";
import { readTable } from "../../../src/data/read-table.ts";
import { fileOf, idx, npy, zip } from "./arrays-of-the-tests.ts";

const LIMIT = 1_000_000;

async function read(mediaType: string, ...files: Buffer[]): Promise<Block[]> {
  const typed = files.map((bytes, i) => ({ ...fileOf(bytes, "xyz"[i]), mediaType }));
  const blocks: Block[] = [];
  for await (const block of readFiles(typed, LIMIT)) blocks.push(block);
  return blocks;
}

const NPY = "application/x-npy";
const NPZ = "application/x-npz";
const IDX = "application/x-idx";
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));

test.each<[string, Uint8Array, number[]]>([
  ["|b1", bytes("0001"), [0, 1]],
  ["|u1", bytes("00ff"), [0, 255]],
  ["|i1", bytes("7f80"), [127, -128]],
  ["<u2", bytes("ffff0100"), [65_535, 1]],
  [">i2", bytes("80000001"), [-32_768, 1]],
  ["<u4", bytes("ffffffff01000000"), [4_294_967_295, 1]],
  [">i4", bytes("8000000000000001"), [-(2 ** 31), 1]],
  ["<i8", bytes("ffffffffffffffff0100000000000000"), [-1, 1]],
  [">u8", bytes("00000000000000010000010000000000"), [1, 2 ** 40]],
  ["<f2", bytes("003e0100"), [1.5, 2 ** -24]],
  [">f4", bytes("3fc00000bf800000"), [1.5, -1]],
  ["<f8", bytes("000000000000f83f000000000000f07f").fill(0, 14), [1.5, 0]],
])("numbers of type %s are read exactly", async (descr, values, expected) => {
  const [block] = await read(NPY, npy(descr, [2], values));
  expect(block).toMatchObject({ rows: 2, columns: [{ name: "x", shape: [] }] });
  expect([...(block?.columns[0]?.values ?? [])]).toEqual(expected);
});

test("labels may be text of fixed length", async () => {
  const text = Buffer.alloc(24);
  [..."catdo"].forEach((letter, i) => {
    text.writeUInt32LE(letter.charCodeAt(0), i * 4);
  });
  const [block] = await read(NPY, npy("<U3", [2], new Uint8Array(text)));
  expect(block?.columns[0]).toMatchObject({ codes: new Int32Array([1, 2]), dictionary: ["cat", "do"] });
});

test("a matrix alone has a column for each position, in C and in Fortran order", async () => {
  const c = await read(NPY, npy("<f4", [3, 2], new Float32Array([1, 2, 3, 4, 5, 6])));
  const fortran = await read(NPY, npy("<f4", [3, 2], new Float32Array([1, 3, 5, 2, 4, 6]), true));
  expect(c).toMatchObject([
    {
      rows: 3,
      columns: [
        { name: "0", values: new Float32Array([1, 3, 5]) },
        { name: "1", values: new Float32Array([2, 4, 6]) },
      ],
    },
  ]);
  expect(fortran).toEqual(c);
});

test("an array of three dimensions in Fortran order has the rows of the same array in C order", async () => {
  const shape = [2, 2, 3];
  const c = Float64Array.from({ length: 12 }, (_, i) => i);
  const fortran = Float64Array.from(
    { length: 12 },
    (_, i) => (i % 2) * 6 + (Math.floor(i / 2) % 2) * 3 + Math.floor(i / 4),
  );
  const [block] = await read(NPY, npy("<f8", shape, fortran, true));
  expect(block?.columns[0]).toMatchObject({ shape: [2, 3], values: c });
});

describe("an NPZ", () => {
  const entries = {
    "x.npy": npy(
      "|u1",
      [3, 2, 2],
      new Uint8Array(12).map((_, i) => i),
    ),
    "y.npy": npy("<i8", [3], new BigInt64Array([1n, 0n, 2n])),
  };

  test.each([false, true])(
    "has a column for each array, whose values keep their shape (deflated: %s)",
    async (deflate) => {
      const blocks = await read(NPZ, zip(entries, deflate));
      expect(blocks).toMatchObject([
        {
          rows: 3,
          columns: [
            { name: "x", shape: [2, 2] },
            { name: "y", shape: [] },
          ],
        },
      ]);
      async function* again() {
        yield* blocks;
      }
      const raw = await readTable(again(), { target: "y" });
      expect(raw).toMatchObject({ sampleShape: [2, 2], targetShape: [], columns: ["x"] });
      expect([...raw.inputs.values]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
      expect([...raw.targets.values]).toEqual([1, 0, 2]);
    },
  );

  test("of arrays of other lengths is refused, with both", async () => {
    const other = { ...entries, "y.npy": npy("|u1", [2], new Uint8Array(2)) };
    await expect(read(NPZ, zip(other))).rejects.toThrow('The array "y" has 2 rows, but "x" has 3');
  });

  test("that would unpack to more than is taken is refused before it is", async () => {
    const bomb = { "x.npy": npy("|u1", [1000, 1001], new Uint8Array(1_001_000)) };
    await expect(read(NPZ, zip(bomb, true))).rejects.toThrow(`larger than ${LIMIT} bytes`);
  });

  test.each<[string, Buffer, RegExp]>([
    ["cut short", zip(entries).subarray(0, -30), /directory is missing; was it cut short/],
    ["of other files", zip({ "a.txt": Buffer.from("x") }), /holds "a.txt"; expected NPY files/],
    ["whose entry is no array", zip({ "a.npy": Buffer.from("0123456789") }), /"a" is no NPY file/],
    ["with broken deflate", Buffer.from(zip(entries, true)).fill(0xff, 35, 60), /entry "x.npy" can't be unpacked/],
  ])("%s is refused", async (_what, content, message) => {
    await expect(read(NPZ, content)).rejects.toThrow(message);
  });
});

test("images and labels as IDX files make a table", async () => {
  const images = idx(0x08, [2, 2, 2], new Uint8Array([0, 1, 2, 3, 4, 5, 6, 255]));
  const labels = idx(0x08, [2], new Uint8Array([7, 3]));
  expect(await read(IDX, images, labels)).toMatchObject([
    {
      rows: 2,
      columns: [
        { name: "x", shape: [2, 2], values: new Uint8Array([0, 1, 2, 3, 4, 5, 6, 255]) },
        { name: "y", shape: [], values: new Uint8Array([7, 3]) },
      ],
    },
  ]);
});

describe("is refused, saying where and why", () => {
  const malformedShape = Buffer.from(
    npy("<f4", [1, 2], new Float32Array(2)).toString("latin1").replace("(1, 2", "(1  2"),
    "latin1",
  );
  test.each<[string, string, Buffer, RegExp]>([
    [
      "an array that is cut short",
      NPY,
      npy("<f4", [3], new Float32Array(2)),
      /"x" of shape \(3\) is cut short: 12 bytes/,
    ],
    ["objects", NPY, npy("|O", [1], new Uint8Array(8)), /holds Python objects/],
    ["complex numbers", NPY, npy("<c8", [1], new Uint8Array(8)), /values of type "<c8"/],
    ["a single value", NPY, npy("<f4", [], new Float32Array(1)), /is a single value/],
    ["a shape of no numbers", NPY, malformedShape, /header of the array "x" can't be read/],
    ["no rows", NPY, npy("<f4", [0, 3], new Float32Array(0)), /of shape \(0, 3\) is empty/],
    [
      "infinity",
      NPY,
      npy("<f4", [2, 1, 2], new Float32Array([1, 2, 3, Infinity])),
      /Row 2 of the array "x\[0\]\[1\]" is infinite/,
    ],
    ["another file", NPY, Buffer.from("a,b\n1,2\n3,4\n"), /no NPY file/],
    ["an IDX that is cut short", IDX, idx(8, [3, 2], new Uint8Array(5)), /is cut short: 6 bytes/],
    ["an IDX header that is cut short", IDX, Buffer.from([0, 0, 8, 3, 0]), /cut short within its header/],
  ])("%s", async (_what, type, content, message) => {
    await expect(read(type, content)).rejects.toThrow(message);
  });
});
