/** Large tables that are made while they are sent: some MiB of rows, again and again. */

export interface LargeTable {
  readonly name: string;
  readonly type: string;
  readonly gzip: boolean;
  /** At least so many bytes, to the end of a row. */
  chunks(bytes: number): Generator<Uint8Array>;
}

const ROWS = 40_000;
const CITIES = ["Rome", "Oslo", "Lima", "Cairo", "Quito", "Hanoi", "Accra", "Sofia"];

/** The same on every machine: a linear congruential generator. */
function* numbers(): Generator<number> {
  for (let state = 12_345; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield state / 2 ** 31;
  }
}

type Row = readonly (number | string)[];

function rows(): Row[] {
  const random = numbers();
  const next = (): number => random.next().value;
  return Array.from({ length: ROWS }, (_, i) => [
    i,
    ...Array.from({ length: 6 }, () => Number((next() * 200 - 100).toFixed(5))),
    Math.floor(next() * 100),
    CITIES[Math.floor(next() * CITIES.length)] ?? "",
    next() > 0.5 ? "yes" : "no",
  ]);
}

const HEADER = ["id", "a", "b", "c", "d", "e", "f", "age", "city", "label"];

function* csv(bytes: number, text: (row: Row) => string): Generator<Uint8Array> {
  yield Buffer.from(`${HEADER.join(",")}\n`);
  yield* repeated(
    bytes,
    rows()
      .map((row) => `${text(row)}\n`)
      .join(""),
  );
}

function* ndjson(bytes: number): Generator<Uint8Array> {
  const lines = rows().map((row) => JSON.stringify(Object.fromEntries(HEADER.map((name, i) => [name, row[i]]))));
  yield* repeated(bytes, `${lines.join("\n")}\n`);
}

function* repeated(bytes: number, text: string): Generator<Uint8Array> {
  const part = Buffer.from(text);
  for (let sent = 0; sent < bytes; sent += part.length) {
    for (let at = 0; at < part.length; at += 64 * 1024) yield part.subarray(at, at + 64 * 1024);
  }
}

/** One row of a float32 matrix after the other: what numpy.save writes. */
function* npy(bytes: number): Generator<Uint8Array> {
  const columns = 256;
  const count = Math.ceil(bytes / (columns * 4));
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${count}, ${columns}), }`;
  const head = Buffer.alloc(128, " ");
  head.write("\x93NUMPY\x01\x00\x76\x00", 0, "latin1");
  head.write(text, 10, "latin1");
  head.write("\n", 127);
  yield head;
  const random = numbers();
  const part = Float32Array.from({ length: columns * 64 }, () => random.next().value);
  const content = new Uint8Array(part.buffer);
  for (let left = count * columns * 4; left > 0; left -= content.length)
    yield content.subarray(0, Math.min(left, content.length));
}

const plain = (row: Row): string => row.join(",");
const quoted = (row: Row): string => row.map((cell) => (typeof cell === "string" ? `"${cell}"` : cell)).join(",");

export const LARGE_TABLES: readonly LargeTable[] = [
  { name: "CSV", type: "text/csv", gzip: false, chunks: (bytes) => csv(bytes, plain) },
  { name: "CSV, gzip", type: "text/csv", gzip: true, chunks: (bytes) => csv(bytes, plain) },
  { name: "CSV with quotes", type: "text/csv", gzip: false, chunks: (bytes) => csv(bytes, quoted) },
  { name: "NDJSON", type: "application/x-ndjson", gzip: false, chunks: ndjson },
  { name: "NPY", type: "application/x-npy", gzip: false, chunks: npy },
];
