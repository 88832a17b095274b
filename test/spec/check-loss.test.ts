/** Losses and optimizers that want more of a model than outputs beside targets. */
import { describe, expect, test } from "vitest";
import { accepted, mistakesOf } from "./specs-of-the-tests.ts";

const samples = (targets: unknown[], of = (i: number): unknown => [i, 1]) => ({
  inline: { inputs: targets.map((_, i) => of(i)), targets },
});
const job = (layers: object[], loss: unknown, data: object, rest: object = {}) => ({
  model: { layers },
  loss,
  optimizer: "SGD",
  epochs: 1,
  data,
  ...rest,
});

describe("CTCLoss", () => {
  const steps = [
    { type: "Linear", out_features: 12 },
    { type: "Unflatten", dim: 1, unflattened_size: [4, 3] },
    { type: "LogSoftmax", dim: -1 },
  ];
  const labels = samples([
    [1, 2],
    [2, -1],
  ]);

  test("takes log-probabilities of steps, and rows of labels", async () => {
    await accepted(job(steps, "CTCLoss", labels));
  });

  test("says what is wrong with the outputs", async () => {
    expect(await mistakesOf(job([{ type: "Linear", out_features: 3 }], "CTCLoss", labels))).toEqual([
      { path: "loss", message: "wants outputs of shape [steps, classes], but the last layer gives [3]" },
    ]);
    expect(await mistakesOf(job(steps.slice(0, 2), "CTCLoss", labels))).toEqual([
      { path: "loss", message: expect.stringMatching(/^wants log-probabilities, .* End the model with LogSoftmax$/) },
    ]);
  });

  test("says what is wrong with blank and labels", async () => {
    expect(await mistakesOf(job(steps, { type: "CTCLoss", blank: 3 }, labels))).toEqual([
      { path: "loss.blank", message: "expects one of the classes 0 … 2, got 3" },
    ]);
    expect(await mistakesOf(job(steps, "CTCLoss", samples([[1], [3]])))).toEqual([
      { path: "loss", message: "wants labels 0 … 2 and −1 as targets, but they reach from 1 to 3" },
    ]);
    expect(await mistakesOf(job(steps, { type: "CTCLoss", input_lengths: true }, samples([[4], [3]])))).toEqual([
      {
        path: "loss",
        message: expect.stringMatching(/^wants one row of targets for each sample \(a number of steps, /),
      },
    ]);
  });

  test("has no metrics", async () => {
    expect(await mistakesOf(job(steps, "CTCLoss", labels, { metrics: ["mae"] }))).toEqual([
      { path: "metrics[0]", message: '"mae" can\'t be computed with CTCLoss; no metric can' },
    ]);
  });
});

describe("GaussianNLLLoss", () => {
  test("wants a mean and a variance for each target", async () => {
    const outputs = (count: number) =>
      job([{ type: "Linear", out_features: count }], "GaussianNLLLoss", samples([1, 2]));
    await accepted(outputs(2));
    expect(await mistakesOf(outputs(3))).toEqual([
      {
        path: "loss",
        message: "wants a mean and the logarithm of a variance for each target, but the last layer has 3 outputs",
      },
    ]);
    expect(await mistakesOf(outputs(4))).toEqual([
      {
        path: "loss",
        message: "wants targets of shape [2] beside outputs [4], half of them means, got [1]",
      },
    ]);
  });
});

test("Muon is refused where a weight is no matrix", async () => {
  const model = (bias: boolean) =>
    job([{ type: "Linear", out_features: 1, bias }], "MSELoss", samples([1, 2]), { optimizer: "Muon" });
  await accepted(model(false));
  expect(await mistakesOf(model(true))).toEqual([
    {
      path: "optimizer",
      message: "Muon trains matrices alone, but 0.bias has shape [1]; set bias to false, or take another optimizer",
    },
  ]);
});

test("a confusion matrix is not told of too many classes, and early stopping can't watch it", async () => {
  const layers = (classes: number) => [{ type: "Linear", out_features: classes }];
  const rest = { metrics: ["confusion_matrix"] };
  await accepted(job(layers(100), "CrossEntropyLoss", samples([0, 1]), rest));
  expect(await mistakesOf(job(layers(101), "CrossEntropyLoss", samples([0, 1]), rest))).toEqual([
    { path: "metrics[0]", message: '"confusion_matrix" is told for at most 100 classes, and there are 101' },
  ]);
  const stopping = { ...rest, early_stopping: { monitor: "confusion_matrix", patience: 1 } };
  expect(await mistakesOf(job(layers(2), "CrossEntropyLoss", samples([0, 1]), stopping))).toEqual([
    {
      path: "early_stopping.monitor",
      message: expect.stringMatching(/^"confusion_matrix" is not computed in this job/),
    },
  ]);
});
