/** Nested arrays of a request. */
import { describe, expect, test } from "vitest";
import { DataError } from "../../src/data/data-error.ts";
import { readInline, readNested } from "../../src/data/inline.ts";

test("arrays of any rank are flattened in order", () => {
  const { table, shape } = readNested(
    [
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      [
        [7, 8, 9],
        [10, 11, 12],
      ],
    ],
    "inputs",
  );
  expect(shape).toEqual([2, 3]);
  expect([...table.values]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect(table).toMatchObject({ rows: 2, width: 6 });
});

test("words, null and booleans may stand beside numbers", () => {
  const { table } = readNested([["y", null, true, "1.5", "?"]], "inputs");
  expect([...table.values]).toEqual([Number.NaN, Number.NaN, 1, 1.5, Number.NaN]);
  expect([table.word(0, 0), table.word(0, 1), table.word(0, 4)]).toEqual(["y", undefined, undefined]);
});

describe("is refused with the path of what is wrong", () => {
  const targets = [0, 1];
  test.each<[string, unknown, unknown, string, RegExp]>([
    ["a short sample", [[1, 2], [3]], targets, "data.inline.inputs[1]", /^has 1 values, expected 2/],
    [
      "a short array inside",
      [
        [
          [1, 2],
          [3, 4],
        ],
        [[5, 6], [7]],
      ],
      targets,
      "data.inline.inputs[1][1]",
      /^has 1 values, expected 2/,
    ],
    ["a number among arrays", [[1, 2], 3], targets, "data.inline.inputs[1]", /^expects an array of 2 values.* got 3/],
    [
      "an array among numbers",
      [
        [1, [2]],
        [3, 4],
      ],
      targets,
      "data.inline.inputs[0][1]",
      /^expects a number, got an array of 1/,
    ],
    [
      "an object",
      [
        [1, 2],
        [3, {}],
      ],
      targets,
      "data.inline.inputs[1][1]",
      /^expects a number, got an object/,
    ],
    ["bare numbers as samples", [1, 2], targets, "data.inline.inputs", /^expects one array per sample/],
    ["no samples", [], [], "data.inline.inputs", /^is empty/],
    ["empty samples", [[], []], targets, "data.inline.inputs[0]", /^is empty/],
    ["no array", "1,2", targets, "data.inline.inputs", /^expects an array, got "1,2"/],
    ["too few targets", [[1], [2], [3]], targets, "data.inline.targets", /^has 2 targets for 3 inputs/],
    ["endless nesting", [[[[[[[[[1]]]]]]]], [2]], targets, "data.inline.inputs", /nested more than/],
  ])("%s", (_what, inputs, answers, path, message) => {
    const error = catchError(() => readInline({ inputs, targets: answers }, "data.inline"));
    expect(error).toMatchObject({ path, message: expect.stringMatching(message) });
  });
});

function catchError(run: () => unknown): DataError {
  try {
    run();
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
  throw new Error("expected a DataError, but nothing was thrown");
}
