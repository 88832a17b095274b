/** The training in PyTorch's words. What it computes, test/differential/pytorch.test.ts says. */
import { expect, test } from "vitest";
import { writeTraining } from "../../../src/interchange/pytorch/training.ts";
import type { TrainingFacts } from "../../../src/interchange/trained-file.ts";

const facts: TrainingFacts = {
  loss: { type: "CrossEntropyLoss" },
  indexTargets: true,
  optimizer: { type: "SGD", lr: 0.1 },
  movesMomentum: false,
  batchSize: 4,
  shuffle: false,
  dropLast: false,
  accumulateSteps: 1,
  clipGradNorm: null,
  clipGradValue: null,
  target: null,
  weight: null,
  weighted: false,
  rows: 8,
  random: [],
};

test("the weights of classes are floats, even where they are whole: PyTorch's losses take no integers", () => {
  const { code } = writeTraining({ ...facts, loss: { type: "CrossEntropyLoss", weight: [1, 2, 5] } }, false);
  expect(code).toContain("nn.CrossEntropyLoss(weight=torch.tensor((1, 2, 5), dtype=torch.float32))");
});
