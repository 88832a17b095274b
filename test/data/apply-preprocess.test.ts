/** Rows sent for a prediction. */
import { describe, expect, test } from "vitest";
import { applyPreprocess } from "../../src/data/apply-preprocess.ts";
import { DataError } from "../../src/data/data-error.ts";
import type { FittedPreprocess } from "../../src/data/preprocess.ts";

const plain = { version: 1, map: null, oneHot: [], impute: null, scale: 1, mean: null, std: null } as const;
const votes: FittedPreprocess = {
  ...plain,
  features: ["tax", "war"],
  rawShape: [2],
  shape: [2],
  map: { y: 1, n: 0, "": 0.5 },
};
const image: FittedPreprocess = { ...plain, features: null, rawShape: [2, 2], shape: [1, 2, 2], scale: 0.5 };

test("rows are arrays in feature order, or objects by column name, even mixed", () => {
  const { inputs, count } = applyPreprocess(votes, [["y", "n"], { war: "y", tax: null }, [0.25, 1], { war: "n" }]);
  expect(count).toBe(4);
  expect([...inputs]).toEqual([1, 0, 0.5, 1, 0.25, 1, 0.5, 0]);
});

test("samples may come nested as in training, as the first layer takes them, or flat", () => {
  for (const row of [
    [
      [2, 4],
      [6, 8],
    ],
    [
      [
        [2, 4],
        [6, 8],
      ],
    ],
    [2, 4, 6, 8],
  ]) {
    expect([...applyPreprocess(image, [row]).inputs]).toEqual([1, 2, 3, 4]);
  }
});

test("a value that one_hot has never seen gives zeros", () => {
  const cities: FittedPreprocess = {
    ...plain,
    features: ["city"],
    rawShape: [1],
    shape: [2],
    oneHot: [{ column: 0, categories: ["Bonn", "Rome"] }],
  };
  expect([...applyPreprocess(cities, [["Rome"], ["Oslo"]]).inputs]).toEqual([0, 1, 0, 0]);
});

describe("is refused with the path of what is wrong", () => {
  test.each<[string, FittedPreprocess, unknown[], string, RegExp]>([
    ["rows by the million", votes, Array(8_388_609).fill({}), "inputs", /^has 8,388,609 rows, at most 8,388,608/],
    ["no rows", votes, [], "inputs", /^is empty/],
    ["too few values", votes, [["y"]], "inputs[0]", /^has 1 values, but the model takes 2 \(tax, war\)/],
    ["rows of different lengths", votes, [["y", "n"], ["y"]], "inputs[1]", /^has 1 values, expected 2/],
    [
      "a first row that differs from the model and from the others",
      votes,
      [["y"], ["y", "n"]],
      "inputs[0]",
      /^has 1 values, but the model takes 2/,
    ],
    ["a bare value", votes, ["y", "n"], "inputs[0]", /^has 1 values, but the model takes 2/],
    [
      "an unknown word in an array",
      votes,
      [
        ["y", "n"],
        ["y", "maybe"],
      ],
      "inputs[1][1]",
      /^"maybe" is text/,
    ],
    ["an unknown word in an object", votes, [{ tax: "maybe" }], "inputs[0].tax", /^"maybe" is text/],
    [
      "a word where the model was trained on numbers",
      { ...votes, map: null },
      [[1, "maybe"]],
      "inputs[0][1]",
      /^"maybe" is text, not a number as in the rows that the model was trained on$/,
    ],
    ["an unknown column", votes, [{ Tax: "y" }], "inputs[0]", /^unknown column "Tax"; did you mean "tax"\?/],
    ["a nested cell", votes, [{ tax: [1, 2] }], "inputs[0].tax", /^expects a number, got an array of 2/],
    [
      "names where there are none",
      image,
      [{ a: 1 }],
      "inputs[0]",
      /^is an object, but this model's inputs have no names/,
    ],
    ["another shape", image, [[[1, 2, 3]]], "inputs[0]", /^has shape \[1, 3\], but the model takes \[2, 2\]/],
    ["a missing value that nothing fills", image, [[1, 2, null, 4]], "inputs[0][2]", /^the value is missing/],
  ])("%s", (_what, fitted, rows, path, message) => {
    expect(() => applyPreprocess(fitted, rows)).toThrow(DataError);
    expect(() => applyPreprocess(fitted, rows)).toThrow(
      expect.objectContaining({ path, message: expect.stringMatching(message) }),
    );
  });
});
