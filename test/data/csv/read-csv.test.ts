/** What counts as a CSV table, and what is said of one that does not. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCsv } from "../../../src/data/csv/read-csv.ts";
import { chunks } from "../sources-of-the-tests.ts";

async function read(
  text: string | Uint8Array,
  size?: number,
): Promise<{ header: string[]; rows: string[][]; count: number }> {
  const header: string[] = [];
  const rows: string[][] = [];
  const visitor = {
    header: (names: readonly string[]) => header.push(...names),
    row: (cells: string[]) => rows.push(cells),
  };
  for await (const _ of readCsv(chunks(text, size), visitor));
  return { header, rows, count: rows.length };
}

describe("a table is read alike", () => {
  const expected = {
    header: ["a", "b"],
    rows: [
      ["1", "x"],
      ["2", "y"],
    ],
    count: 2,
  };
  test.each([
    ["with commas", "a,b\n1,x\n2,y\n"],
    ["without a last line break", "a,b\n1,x\n2,y"],
    ["with CRLF", "a,b\r\n1,x\r\n2,y\r\n"],
    ["with the line breaks of Mac OS 9", "a,b\r1,x\r2,y"],
    ["with a byte order mark", "\ufeffa,b\n1,x\n2,y\n"],
    ["with semicolons", "a;b\n1;x\n2;y\n"],
    ["with tabs", "a\tb\n1\tx\n2\ty\n"],
    ["with quotes", '"a","b"\n"1","x"\n"2","y"\n'],
    ["with quotes from the second row on", 'a,b\n1,x\n2,"y"\n'],
    ["with CRLF and quotes", '"a","b"\r\n1,"x"\r\n2,"y"\r\n'],
    ["with spaces around values", "a , b\n 1,x \n2 , y\n"],
    ["with spaces around quotes", 'a, "b"\n1, "x" \n2,"y"\n'],
    ["with blank lines", "\n\na,b\n\n1,x\n\n2,y\n\n"],
  ])("%s", async (_how, text) => {
    for (const size of [1, 3, 1000]) expect(await read(text, size)).toEqual(expected);
  });
});

test("a quoted value may hold delimiters, quotes and line breaks", async () => {
  const { rows } = await read('a,b\n"1,5","say ""hi""\nto all"\n2,y\n');
  expect(rows).toEqual([
    ["1,5", 'say "hi"\nto all'],
    ["2", "y"],
  ]);
});

test("an empty value between delimiters is kept, even in a row of tabs", async () => {
  expect((await read("a\tb\tc\n\t\t\n1\t\t3\n")).rows).toEqual([
    ["", "", ""],
    ["1", "", "3"],
  ]);
});

test("a delimiter inside a quoted name does not decide for the file", async () => {
  expect((await read('"a,b,c,d";e\n1;2\n')).header).toEqual(["a,b,c,d", "e"]);
});

test("names that JavaScript objects know are ordinary names", async () => {
  expect((await read("__proto__,constructor,toString\n1,2,3\n")).header).toEqual([
    "__proto__",
    "constructor",
    "toString",
  ]);
});

test("any table comes back from CSV as it was, in chunks of any size", async () => {
  const text = fc.string({ unit: fc.constantFrom("a", "1", ".", '"', ",", ";", "\n", "\r\n", "é", "🙂", "x y") });
  const cell = text.map((value) => value.trim());
  const table = fc
    .integer({ min: 2, max: 4 })
    .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 8 }));
  const quote = (value: string): string => (/[",;\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  await fc.assert(
    fc.asyncProperty(table, fc.integer({ min: 1, max: 20 }), async (rows, size) => {
      const header = (rows[0] ?? []).map((_, i) => `c${i}`);
      const csv = [header, ...rows].map((row) => `${row.map(quote).join(",")}\n`).join("");
      expect((await read(csv, size)).rows).toEqual(rows);
    }),
    { numRuns: 300 },
  );
});

describe("is refused, saying where and why", () => {
  const wide = (columns: number): string => Array.from({ length: columns }, (_, i) => `c${i}`).join(",");
  test.each<[string, string | Uint8Array, RegExp]>([
    ["an empty file", "", /file is empty/],
    ["a file of blank lines", "\n \n\n", /file is empty/],
    ["a short row", "a,b,c\n1,2,3\n4,5\n", /Row 2 has 2 values, but the header names 3 columns/],
    ["a long row", 'a,b\n1,"2"\n3,4\n5,6,7\n', /Row 3 has 3 values, but the header names 2 columns/],
    ["two columns of one name", "a,b,a\n", /Columns 1 and 3 are both named "a"/],
    ["a column without a name", ",a\n1,2\n", /Column 1 has no name/],
    ["numbers for names", "5.1,3.5\n4.9,3\n", /first row holds numbers only .*header row/],
    ["10,001 columns", `${wide(10_001)}\n`, /has 10,001 columns, at most 10,000/],
    ["a quote that stays open", 'a,b\n1,2\n3,"4\n5,6\n', /Row 2 opens a quote .* never closed/],
    ["a quote within a value", 'a,b\n5" pipe,2\n', /Row 1 has a quote .* inside a value/],
    ["NUL bytes", Buffer.from("a,b\n1,2\n", "utf16le"), /NUL bytes/],
    ["Latin-1", Buffer.from("a,b\nné,2\n", "latin1"), /not UTF-8/],
    ["half a character at the end", Buffer.from("a,b\n1,é").subarray(0, -1), /not UTF-8/],
    ["a line without end", `a,b\n${"1".repeat(5_000_000)}`, /Row 1 is longer than 4,194,304/],
  ])("%s", async (_what, text, message) => {
    await expect(read(text, 100_000)).rejects.toThrow(message);
  });
});

test("exactly 10,000 columns are taken, and pandas' numbered columns are names", async () => {
  const names = Array.from({ length: 10_000 }, (_, i) => String(i));
  expect((await read(`${names.join(",")}\n${names.join(",")}\n`, 50_000)).count).toBe(1);
});

test("an error of the stream itself passes through", async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("a,b\n1,2\n");
    throw new Error("the client went away");
  }
  const read = readCsv(broken(), { header: () => {}, row: () => {} });
  await read.next();
  await expect(read.next()).rejects.toThrow("the client went away");
});
