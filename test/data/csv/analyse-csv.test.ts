/** What a table's statistics say of its columns. */
import { expect, test } from "vitest";
import type { ColumnStatistics } from "../../../src/data/column-statistics.ts";
import { analyseCsv } from "../../../src/data/csv/analyse-csv.ts";
import { chunks, exampleFile } from "../sources-of-the-tests.ts";

async function column(...cells: string[]): Promise<ColumnStatistics> {
  const { columns } = await analyseCsv(chunks(`a,b\n${cells.map((cell) => `${cell},1\n`).join("")}`, 1000));
  return columns[0]!;
}

test("numbers have their range and mean; missing values count for neither", async () => {
  expect(await column("1.5", "", "-2", "NA", "?", "4.5")).toEqual({
    name: "a",
    dtype: "number",
    min: -2,
    max: 4.5,
    mean: 4 / 3,
    missing: 3,
    categories: null,
  });
});

test("whole numbers are integers, and few different ones are categories in order of value", async () => {
  expect(await column("10", "9", "1e1", "-3")).toMatchObject({ dtype: "integer", categories: ["-3", "9", "10"] });
});

test("true and false are booleans", async () => {
  expect(await column("true", "False", "TRUE")).toMatchObject({
    dtype: "boolean",
    min: 0,
    max: 1,
    categories: ["false", "true"],
  });
});

test("one word makes a column text, and the words beside the numbers are told", async () => {
  expect(await column("1", "2", "few", "many", "few")).toMatchObject({
    dtype: "string",
    min: 1,
    max: 2,
    categories: ["1", "2", "few", "many"],
    words: ["few", "many"],
  });
});

test("text alone has categories and no numbers", async () => {
  const text = await column("b", "a", "b");
  expect(text).toEqual({
    name: "a",
    dtype: "string",
    min: null,
    max: null,
    mean: null,
    missing: 0,
    categories: ["a", "b"],
  });
});

test.each(["0x10", "Infinity", "1e999", "1_000", "--1", "1,5"])("%s is no number", async (text) => {
  expect(await column(`"${text}"`)).toMatchObject({ dtype: "string", categories: [text] });
});

test("a column of missing values has no numbers", async () => {
  expect(await column("", "NA")).toMatchObject({ dtype: "number", min: null, max: null, mean: null, missing: 2 });
});

test("more than 1,000 different texts are not kept", async () => {
  const texts = Array.from({ length: 1001 }, (_, i) => `t${i}`);
  expect((await column(...texts.slice(1))).categories).toHaveLength(1000);
  expect((await column(...texts)).categories).toBeNull();
  expect((await column("1", ...texts)).words).toBeNull();
});

test("names such as __proto__ are columns like any other", async () => {
  const { columns } = await analyseCsv(chunks("__proto__,constructor\n1,a\n"));
  expect(columns.map(({ name, dtype }) => [name, dtype])).toEqual([
    ["__proto__", "integer"],
    ["constructor", "string"],
  ]);
});

test("a header without rows is refused", async () => {
  await expect(analyseCsv(chunks("a,b\n"))).rejects.toThrow("has a header, but no rows");
});

test("the congress of 1984 is what it is known to be", async () => {
  const { rows, columns } = await analyseCsv(exampleFile("house_votes_84"));
  expect(rows).toBe(435);
  expect(columns).toHaveLength(17);
  expect(columns[0]).toMatchObject({
    name: "Class",
    dtype: "string",
    missing: 0,
    categories: ["democrat", "republican"],
  });
  expect(columns[2]).toMatchObject({ name: "V2", missing: 48, categories: ["n", "y"] });
});
