/**
 * A table on disk: block after block, each a header as JSON (its length first, four bytes) and then the columns'
 * numbers and words. All little-endian, numbers in the smallest type that holds all of a block exactly, and columns that
 * are not asked for are passed over.
 */
import { type Block, type BlockColumn, type Blocks, cellsOf, type NumberArray } from "./block.ts";
import { ByteReader } from "./byte-reader.ts";

const types = { u1: Uint8Array, i2: Int16Array, i4: Int32Array, f4: Float32Array, f8: Float64Array } as const;
type TypeName = keyof typeof types;
const typeNames: readonly TypeName[] = ["u1", "i2", "i4", "f4", "f8"];

interface StoredColumn {
  readonly name: string;
  readonly shape?: readonly number[];
  readonly type: TypeName;
  readonly booleans?: true;
  /** Bytes of the dictionary, a JSON array, after the codes; left out where there is no word. */
  readonly words?: number;
}

interface Header {
  readonly rows: number;
  readonly columns: readonly StoredColumn[];
}

export async function* encodeBlocks(blocks: Blocks): AsyncGenerator<Uint8Array> {
  for await (const block of blocks) yield encode(block);
}

function encode({ rows, columns }: Block): Uint8Array {
  const parts: Uint8Array[] = [];
  const stored = columns.map((column): StoredColumn => {
    const { name, shape, booleans } = column;
    const type = smallestType(column.values);
    const values = column.values instanceof types[type] ? column.values : types[type].from(column.values);
    parts.push(bytesOf(values));
    const head = { name, ...(shape.length > 0 && { shape }), type, ...(booleans && { booleans }) };
    if (column.codes === null) return head;
    const dictionary = Buffer.from(JSON.stringify(column.dictionary));
    parts.push(bytesOf(column.codes), dictionary);
    return { ...head, words: dictionary.length };
  });
  const header = Buffer.from(JSON.stringify({ rows, columns: stored } satisfies Header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  return Buffer.concat([length, header, ...parts]);
}

const bytesOf = (array: NumberArray): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** Minus zero counts as a fraction: no integer is it. */
function smallestType(values: NumberArray): TypeName {
  const own = typeNames.find((type) => values instanceof types[type]) ?? "f8";
  if (own !== "f8") return own;
  let [whole, single] = [true, true];
  let [min, max] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (whole && !Object.is(value | 0, value)) whole = false;
    if (single && !whole && !Object.is(Math.fround(value), value)) single = false;
    if (!whole && !single) return "f8";
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (!whole) return allSingle(values) ? "f4" : "f8";
  if (min >= 0 && max < 2 ** 8) return "u1";
  return min >= -(2 ** 15) && max < 2 ** 15 ? "i2" : "i4";
}

/** Also those that were looked at while all seemed whole. */
const allSingle = (values: NumberArray): boolean => values.every((value) => Object.is(Math.fround(value), value));

/** The columns that `wanted` picks, of every block. Throws for bytes that encodeBlocks did not write. */
export async function* decodeBlocks(
  stream: AsyncIterable<Uint8Array>,
  wanted: (name: string) => boolean = () => true,
): AsyncGenerator<Block> {
  const bytes = new ByteReader(stream);
  try {
    while (await bytes.more()) {
      const header = readHeader(await bytes.take((await bytes.take(4)).readUInt32LE()));
      const columns: BlockColumn[] = [];
      for (const stored of header.columns) {
        const cells = header.rows * cellsOf(stored.shape ?? []);
        const length = cells * types[stored.type].BYTES_PER_ELEMENT;
        const wordBytes = stored.words === undefined ? 0 : cells * 4 + stored.words;
        if (!wanted(stored.name)) await bytes.skip(length + wordBytes);
        else columns.push(decode(stored, cells, await bytes.take(length), await bytes.take(wordBytes)));
      }
      yield { rows: header.rows, columns };
    }
  } finally {
    await bytes.close();
  }
}

/** Written by encodeBlocks alone, and bound to its form by the type it is written with. */
function readHeader(bytes: Buffer): Header {
  return JSON.parse(bytes.toString("utf8"));
}

function decode(stored: StoredColumn, cells: number, values: Buffer, words: Buffer): BlockColumn {
  const hasWords = stored.words !== undefined;
  return {
    name: stored.name,
    shape: stored.shape ?? [],
    values: new types[stored.type](copyOf(values)),
    codes: hasWords ? new Int32Array(copyOf(words.subarray(0, cells * 4))) : null,
    dictionary: hasWords ? JSON.parse(words.subarray(cells * 4).toString("utf8")) : [],
    booleans: stored.booleans ?? false,
  };
}

/** At an address that typed arrays can lie at. */
function copyOf(bytes: Buffer): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}
