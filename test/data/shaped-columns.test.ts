/** Columns whose values are arrays: a single one keeps its shape, several stand side by side. */
import { expect, test } from "vitest";
import { analyseTable, applyPreprocess, type DataSource, prepareData } from "../../src/data/index.ts";
import { ndjsonBlocks } from "../../src/data/ndjson/ndjson-blocks.ts";
import { accepted, mistakesOf } from "../spec/specs-of-the-tests.ts";
import { chunks } from "./sources-of-the-tests.ts";

const images = '{"x":[[1,2],[3,4]],"y":"cat"}\n{"x":[[5,6],[7,8]],"y":"dog"}\n';
const mixed = '{"x":[1,2],"age":30,"y":[0,1]}\n{"x":[3,4],"age":40,"y":[1,0]}\n';
const sourceOf = (text: string): DataSource => ({ open: () => ndjsonBlocks(chunks(text)) });
const base = { validation: null, seed: 0, encoding: "index" } as const;
const data = { dataset_id: "ds", target: "y" };

test("images train in their shape, and predictions take them nested or flat", async () => {
  const { train, classes, preprocess } = await prepareData({ ...base, data }, sourceOf(images));
  expect([train.inputShape, [...train.inputs], classes]).toEqual([
    [2, 2],
    [1, 2, 3, 4, 5, 6, 7, 8],
    ["cat", "dog"],
  ]);
  const rows = [
    [
      [1, 2],
      [3, 4],
    ],
  ];
  expect([...applyPreprocess(preprocess, rows).inputs]).toEqual([1, 2, 3, 4]);
  expect([...applyPreprocess(preprocess, [[1, 2, 3, 4]]).inputs]).toEqual([1, 2, 3, 4]);
});

test("validation data of its own has the features of the training data", async () => {
  const validation = { dataset_id: "other" };
  const source = {
    open: (id: string) => ndjsonBlocks(chunks(id === "ds" ? mixed : mixed.replaceAll('"y"', '"more":1,"y"'))),
  };
  const prepared = await prepareData({ ...base, data, validation, encoding: "values" }, source);
  expect(prepared.validation).toEqual(prepared.train);
});

test("an array beside other columns gives one named feature for each of its values", async () => {
  const { train, preprocess } = await prepareData({ ...base, data, encoding: "values" }, sourceOf(mixed));
  expect(preprocess.features).toEqual(["x[0]", "x[1]", "age"]);
  expect([train.inputShape, [...train.inputs]]).toEqual([[3], [1, 2, 30, 3, 4, 40]]);
  expect([train.targetShape, [...train.targets]]).toEqual([[2], [0, 1, 1, 0]]);
});

test("a spec is checked against the shapes that the rows will have", async () => {
  const dataset = { dataset: () => analyseTable(ndjsonBlocks(chunks(images))) };
  const spec = {
    model: { layers: [{ type: "Flatten" }, { type: "Linear", out_features: 2 }] },
    ...{ loss: "CrossEntropyLoss", optimizer: { type: "SGD", lr: 0.1 }, epochs: 1, data },
  };
  const { summary } = await accepted(spec, dataset);
  expect(summary.layers[0]).toMatchObject({ output_shape: [4] });
  const oneHot = { ...spec, data: { ...data, preprocess: { one_hot: ["x"] } } };
  expect(await mistakesOf(oneHot, dataset)).toMatchObject([
    { path: "data.preprocess.one_hot", message: expect.stringMatching(/holds arrays/) },
  ]);
});
