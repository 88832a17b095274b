/** How much each sample counts: read, checked and chosen as the rows are. */
import { describe, expect, test } from "vitest";
import { DataError } from "../../src/data/data-error.ts";
import { prepareData } from "../../src/data/prepare-data.ts";
import { sourceOf } from "./sources-of-the-tests.ts";

const request = { validation: null, seed: 0, encoding: "values" as const };
const inline = (weights: unknown[]) => ({
  inline: { inputs: weights.map((_, i) => [i]), targets: weights.map((_, i) => i), weights },
});
const mistakeOf = (weights: unknown[]): Promise<unknown> =>
  prepareData({ ...request, data: inline(weights) }, sourceOf()).catch((error: unknown) => error);

test("inline weights stand beside inputs and targets", async () => {
  const { train } = await prepareData({ ...request, data: inline([1, 0, 2.5]) }, sourceOf());
  expect(train.weights).toEqual(Float32Array.of(1, 0, 2.5));
});

test("without weights there are none", async () => {
  const data = { inline: { inputs: [[1]], targets: [1] } };
  expect((await prepareData({ ...request, data }, sourceOf())).train.weights).toBeUndefined();
});

test("a split takes each row's weight along", async () => {
  const data = inline([0.5, 1.5, 2.5, 3.5, 4.5]);
  const { train, validation } = await prepareData({ ...request, data, validation: { split: 0.4 } }, sourceOf());
  for (const part of [train, validation]) {
    expect(Array.from(part?.weights ?? [])).toEqual(Array.from(part?.inputs ?? [], (i) => i + 0.5));
  }
  expect(validation?.weights).toHaveLength(2);
});

test("a column of weights is no feature", async () => {
  const csv = "a,w,t\n1,0.5,0\n2,2,1\n";
  const { train, preprocess } = await prepareData(
    { ...request, data: { dataset_id: "x", target: "t", weight: "w" } },
    sourceOf({ x: csv }),
  );
  expect(preprocess.features).toEqual(["a"]);
  expect(train.weights).toEqual(Float32Array.of(0.5, 2));
});

test("validation rows have the weights of the same column, of another, or none", async () => {
  const files = { x: "a,w,t\n1,0.5,0\n2,2,1\n", y: "a,w,v,t\n1,3,4,0\n" };
  const data = { dataset_id: "x", target: "t", weight: "w" };
  const weightsWith = async (more: { weight?: string | null }) =>
    (await prepareData({ ...request, data, validation: { dataset_id: "y", ...more } }, sourceOf(files))).validation
      ?.weights;
  expect(await weightsWith({})).toEqual(Float32Array.of(3));
  expect(await weightsWith({ weight: "v" })).toEqual(Float32Array.of(4));
  expect(await weightsWith({ weight: null })).toBeUndefined();
});

describe("weights that can't be", () => {
  test.each<[string, unknown[], string, RegExp]>([
    ["negative", [1, -2], "data.inline.weights[1]", /^-2; expected a weight from 0 on$/],
    ["missing", [1, null], "data.inline.weights[1]", /^the weight is missing/],
    ["words", [1, "much"], "data.inline.weights[1]", /^"much"; expected a weight from 0 on$/],
    ["too large for a 32-bit float", [1, 1e39], "data.inline.weights[1]", /^1e\+39; expected a weight/],
    ["all 0", [0, 0], "data.inline.weights", /^all weights are 0; nothing would count$/],
    ["arrays", [[1], [2]], "data.inline.weights[0]", /^expects one number per sample, found an array$/],
  ])("%s", async (_what, weights, path, message) => {
    expect(await mistakeOf(weights)).toMatchObject({ path, message: expect.stringMatching(message) });
  });

  test("too few", async () => {
    const data = { inline: { inputs: [[1], [2]], targets: [1, 2], weights: [1] } };
    await expect(prepareData({ ...request, data }, sourceOf())).rejects.toThrow(DataError);
    await expect(prepareData({ ...request, data }, sourceOf())).rejects.toThrow(
      "has 1 weights for 2 inputs; expected one per input",
    );
  });
});
