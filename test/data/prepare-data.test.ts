/** From the data part of a spec to the arrays that are trained on. */
import { expect, test } from "vitest";
import type { DataRequest } from "../../src/data/prepare-data.ts";
import { prepareData, splitRows } from "../../src/data/prepare-data.ts";
import { sourceOf } from "./sources-of-the-tests.ts";

const votes: DataRequest = {
  data: {
    dataset_id: "house_votes_84",
    target: "Class",
    preprocess: { map: { y: 1, n: 0, "": 0.5 }, standardize: false },
  },
  validation: { split: 0.2 },
  seed: 0,
  encoding: "values",
};

test("the congress is split, mapped and labelled", async () => {
  const { train, validation, classes, preprocess } = await prepareData(votes, sourceOf());
  expect([train.count, validation?.count]).toEqual([348, 87]);
  expect([train.inputShape, train.targetShape]).toEqual([[16], [1]]);
  expect(new Set(train.inputs)).toEqual(new Set([0, 0.5, 1]));
  expect(classes).toEqual(["democrat", "republican"]);
  expect(preprocess.features?.slice(0, 2)).toEqual(["V1", "V2"]);
});

test("the same seed gives the same split, another seed another", async () => {
  const prepared = (seed: number) => prepareData({ ...votes, seed }, sourceOf());
  const [first, again, other] = [await prepared(1), await prepared(1), await prepared(2)];
  expect(first).toEqual(again);
  expect(first.validation?.inputs).not.toEqual(other.validation?.inputs);
});

test("a split keeps every row once, in the table's order", () => {
  const { train, validation } = splitRows(10, 0.3, 5);
  expect([train.length, validation.length]).toEqual([7, 3]);
  expect([...train, ...validation].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect([...train]).toEqual([...train].sort((a, b) => a - b));
});

test("a split that leaves nothing is refused", () => {
  expect(() => splitRows(3, 0.1, 0)).toThrow("leaves no row for validation of 3");
  expect(() => splitRows(1, 0.9, 0)).toThrow("leaves no row to train on of 1");
});

test("features are taken in the order asked for", async () => {
  const csv = "a,b,c,t\n1,2,3,0\n4,5,6,1\n";
  const request = { ...votes, validation: null, encoding: "index" as const };
  const { train } = await prepareData(
    { ...request, data: { dataset_id: "x", features: ["c", "a"], target: "t" } },
    sourceOf({ x: csv }),
  );
  expect([...train.inputs]).toEqual([3, 1, 6, 4]);
});

test("validation data of its own goes through the steps of the training data", async () => {
  const files = { train: "a,b,t\n1,x,no\n3,y,yes\n", test: "extra,b,a,t\n0,y,5,yes\n" };
  const { validation, preprocess } = await prepareData(
    {
      data: { dataset_id: "train", target: "t", preprocess: { standardize: true, one_hot: ["b"] } },
      validation: { dataset_id: "test" },
      seed: 0,
      encoding: "index",
    },
    sourceOf(files),
  );
  expect(preprocess.mean).toEqual([2, 0]);
  expect([...(validation?.inputs ?? [])]).toEqual([3, 0, 1]);
  expect([...(validation?.targets ?? [])]).toEqual([1]);
});

test("a label that training never saw is refused in validation", async () => {
  const files = { train: "a,t\n1,no\n3,yes\n", test: "a,t\n5,no\n6,maybe\n" };
  const request: DataRequest = {
    data: { dataset_id: "train", target: "t" },
    validation: { dataset_id: "test" },
    seed: 0,
    encoding: "index",
  };
  await expect(prepareData(request, sourceOf(files))).rejects.toThrow(
    'row 2, column "t": the label "maybe" does not occur',
  );
});

test("a column that is not in the file is refused with the near one", async () => {
  const request: DataRequest = { ...votes, data: { dataset_id: "iris", target: "specis" }, encoding: "index" };
  await expect(prepareData(request, sourceOf())).rejects.toThrow('no column "specis"; did you mean "species"?');
});

test("inline validation of another shape is refused", async () => {
  const request: DataRequest = {
    data: { inline: { inputs: [[1, 2]], targets: [0] } },
    validation: { inline: { inputs: [[1, 2, 3]], targets: [0] } },
    seed: 0,
    encoding: "index",
  };
  await expect(prepareData(request, sourceOf())).rejects.toThrow("samples of shape [3], but those of data have [2]");
});
