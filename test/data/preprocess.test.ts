/** map → one_hot → impute → scale → standardize → shape. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyPreprocess } from "../../src/data/apply-preprocess.ts";
import { readCsvTable } from "../../src/data/csv/read-csv-table.ts";
import { Preprocess } from "../../src/data/data-spec.ts";
import { readInline } from "../../src/data/inline.ts";
import { fitPreprocess, transform } from "../../src/data/preprocess.ts";
import type { RawData } from "../../src/data/raw-data.ts";
import { chunks } from "./sources-of-the-tests.ts";

const table = (csv: string): Promise<RawData> => readCsvTable(chunks(csv), { target: "t" });
const steps = (given: unknown): Preprocess => Preprocess.parse(given);

async function run(csv: string, given: unknown, rows: Int32Array | null = null): Promise<number[][]> {
  const raw = await table(csv);
  const fitted = fitPreprocess(raw, steps(given), rows);
  const values = transform(raw.inputs, fitted, null);
  const width = values.length / raw.inputs.rows;
  return Array.from({ length: raw.inputs.rows }, (_, row) => [...values.slice(row * width, (row + 1) * width)]);
}

describe("map", () => {
  test("replaces words, numbers and missing values in every feature", async () => {
    expect(await run("a,b,t\ny,9,0\nn,,0\n?,1,0\n", { map: { y: 1, n: 0, "": 0.5, "9": -1 } })).toEqual([
      [1, -1],
      [0, 0.5],
      [0.5, 1],
    ]);
  });
  test("any spelling of missing stands for all of them", async () => {
    expect(await run("a,t\nNA,0\n,0\n?,0\n", { map: { "?": 7 } })).toEqual([[7], [7], [7]]);
  });
  test("takes __proto__ in a table for a word like any other", async () => {
    await expect(run("a,t\n__proto__,0\n", { map: { y: 1 } })).rejects.toThrow('"__proto__" is text');
  });
});

describe("one_hot", () => {
  test("gives one feature per value, sorted, in the column's place", async () => {
    expect(await run("n,city,m,t\n1,Rome,2,0\n3,Bonn,4,0\n5,,6,0\n", { one_hot: ["city"] })).toEqual([
      [1, 0, 1, 2],
      [3, 1, 0, 4],
      [5, 0, 0, 6],
    ]);
  });
  test("comes after map, so that mapped words share a feature", async () => {
    expect(await run("a,t\nx,0\ny,0\nz,0\n", { one_hot: ["a"], map: { x: 1, y: 1 } })).toEqual([
      [1, 0],
      [1, 0],
      [0, 1],
    ]);
  });
  test("stays 0 and 1 whatever is done to the other features", async () => {
    const rows = await run("a,b,t\nx,10,0\ny,30,0\n", {
      one_hot: ["a"],
      scale: 0.1,
      standardize: true,
      impute: "mean",
    });
    expect(rows).toEqual([
      [1, 0, -1],
      [0, 1, 1],
    ]);
  });
  test("names a column that is not there, and the near one", async () => {
    await expect(run("city,t\nRome,0\n", { one_hot: ["citty"] })).rejects.toThrow(
      'no feature "citty"; did you mean "city"?',
    );
  });
});

describe("impute", () => {
  const csv = "a,t\n1,0\n,0\n3,0\n8,0\n";
  test.each([
    ["mean", 4],
    ["median", 3],
    ["zero", 0],
  ])("%s fills in %d", async (impute, value) => {
    expect((await run(csv, { impute }))[1]).toEqual([value]);
  });
  test("without it a missing value is refused, with row and column", async () => {
    await expect(run(csv, {})).rejects.toThrow('row 2, column "a": the value is missing');
  });
  test("a column without any value has no mean", async () => {
    await expect(run("a,b,t\n,1,0\n,2,0\n", { impute: "mean" })).rejects.toThrow(
      'column "a" has no value in the training rows',
    );
  });
});

describe("scale and standardize", () => {
  test("scale is a factor", async () => {
    expect(await run("a,t\n128,0\n255,0\n", { scale: 1 / 256 })).toEqual([[0.5], [255 / 256]]);
  });
  test("standardize divides by the population's standard deviation", async () => {
    expect(await run("a,t\n1,0\n3,0\n", { standardize: true })).toEqual([[-1], [1]]);
  });
  test("a constant column is only centred, even when its mean is not exact", async () => {
    for (const [value] of await run("a,t\n0.1,0\n0.1,0\n0.1,0\n", { standardize: true }))
      expect(value).toBeCloseTo(0, 12);
  });
  test("large numbers that differ a little keep their difference", async () => {
    const [first, second] = await run("a,t\n1700000000,0\n1700000001,0\n", { standardize: true });
    expect([first, second]).toEqual([[-1], [1]]);
  });
  test("a number beyond float32 is refused", async () => {
    await expect(run("a,t\n1,0\n1e39,0\n", {})).rejects.toThrow('row 2, column "a": 1e+39 is too large');
  });
});

test("shape must hold as many values as a row has features", async () => {
  const raw = await table("a,b,c,d,t\n1,2,3,4,0\n");
  expect(fitPreprocess(raw, steps({ shape: [1, 2, 2] }), null).shape).toEqual([1, 2, 2]);
  expect(() => fitPreprocess(raw, steps({ shape: [1, 28, 28] }), null)).toThrow(
    "[1, 28, 28] holds 784 values, but a row has 4 features",
  );
});

test("mean and spread come from the training rows alone", async () => {
  const raw = await table("a,t\n1,0\n3,0\n1000,0\n");
  const fitted = fitPreprocess(raw, steps({ standardize: true }), Int32Array.of(0, 1));
  expect([fitted.mean, fitted.std]).toEqual([[2], [1]]);
  expect([...transform(raw.inputs, fitted, null)]).toEqual([-1, 1, 998]);
});

test("text that nothing turns into a number is refused with what to do", async () => {
  await expect(run("a,b,t\n1,2,0\n3,red,0\n", {})).rejects.toThrow(
    'row 2, column "b": "red" is text, not a number; turn it into one (preprocess.map or preprocess.one_hot)',
  );
  await expect(run("a,t\nmaybe,0\n", { map: { yes: 1 } })).rejects.toThrow(
    'neither a number nor one of the values of preprocess.map ("yes")',
  );
});

test("samples of a higher rank keep their shape through every step", () => {
  const inputs = [
    [
      [0, 10],
      [20, 30],
    ],
    [
      [2, 10],
      [20, 50],
    ],
  ];
  const raw = readInline({ inputs, targets: [0, 1] }, "data.inline");
  const fitted = fitPreprocess(raw, steps({ standardize: true }), null);
  expect(fitted).toMatchObject({ features: null, rawShape: [2, 2], shape: [2, 2] });
  expect([...transform(raw.inputs, fitted, null)]).toEqual([-1, 0, 0, -1, 1, 0, 0, 1]);
});

test("what was fitted survives JSON, and prediction then gives what training saw", async () => {
  const cell = fc.oneof(
    fc.constantFrom("", "x", "y", "NA"),
    fc.double({ min: -1e6, max: 1e6, noNaN: true }).map(String),
  );
  const rows = fc.array(fc.tuple(cell, cell, fc.constantFrom("u", "v", "w")), { minLength: 1, maxLength: 10 });
  const options = fc.record({
    impute: fc.constantFrom("mean", "median", "zero"),
    scale: fc.constantFrom(1, 0.5, -2),
    standardize: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(rows, options, async (cells, chosen) => {
      const csv = ["a,b,c,t", "0,0,u,0", ...cells.map((row) => `${row.join(",")},0`)].join("\n");
      const raw = await table(csv);
      const fitted = fitPreprocess(raw, steps({ ...chosen, map: { x: 1, y: 2 }, one_hot: ["c"] }), null);
      const stored = JSON.parse(JSON.stringify(fitted));
      const trained = transform(raw.inputs, fitted, null);
      const all = [["0", "0", "u"], ...cells];
      expect(applyPreprocess(stored, all).inputs).toEqual(trained);
      expect(
        applyPreprocess(
          stored,
          all.map(([a, b, c]) => ({ c, b, a })),
        ).inputs,
      ).toEqual(trained);
    }),
    { numRuns: 200 },
  );
});
