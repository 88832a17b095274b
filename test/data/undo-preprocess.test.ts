/** Rows that went through the preprocessing, and back. */
import { expect, test } from "vitest";
import { applyPreprocess } from "../../src/data/apply-preprocess.ts";
import { readInline } from "../../src/data/inline.ts";
import { fitPreprocess } from "../../src/data/preprocess.ts";
import { undoPreprocess } from "../../src/data/undo-preprocess.ts";

const rows = [
  [1.5, "red", 10],
  [-2.25, "blue", 30],
  [4, "red", 20],
];

test("numbers and words come back as they were", () => {
  const raw = readInline({ inputs: rows, targets: [0, 1, 0] }, "data.inline");
  const fitted = fitPreprocess(raw, { one_hot: ["1"], scale: 0.5, standardize: true }, null);
  const { inputs } = applyPreprocess(fitted, rows);
  expect(undoPreprocess(fitted, inputs)).toEqual(rows);
});

test("what was mapped and filled in stays so, and gives the same inputs again", () => {
  const given = [
    [1, "y"],
    [null, "n"],
  ];
  const raw = readInline({ inputs: given, targets: [0, 1] }, "data.inline");
  const fitted = fitPreprocess(raw, { map: { y: 7, n: 3 }, impute: "mean", standardize: false }, null);
  const { inputs } = applyPreprocess(fitted, given);
  const undone = undoPreprocess(fitted, inputs);
  expect(undone).toEqual([
    [1, 7],
    [1, 3],
  ]);
  expect(applyPreprocess(fitted, undone).inputs).toEqual(inputs);
});

test("images come back flat", () => {
  const raw = readInline(
    {
      inputs: [
        [
          [1, 2],
          [3, 4],
        ],
      ],
      targets: [0],
    },
    "data.inline",
  );
  const fitted = fitPreprocess(raw, { shape: [1, 2, 2], scale: 0.25, standardize: false }, null);
  const { inputs } = applyPreprocess(fitted, [[1, 2, 3, 4]]);
  expect(undoPreprocess(fitted, inputs)).toEqual([[1, 2, 3, 4]]);
});
