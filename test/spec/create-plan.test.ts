/** From a checked spec to what the trainer is given, and to a trained model. */
import { describe, expect, test } from "vitest";
import { createWasmBackend, Trainer, type TrainerEvent } from "../../src/engine/index.ts";
import { createPlan, prepareJobData } from "../../src/spec/index.ts";
import { sourceOf } from "../data/sources-of-the-tests.ts";
import { accepted, inline, iris, votes } from "./specs-of-the-tests.ts";

async function planOf(given: unknown) {
  const { spec } = await accepted(given);
  return createPlan(spec, await prepareJobData(spec, sourceOf()));
}

test("the plan says in the engine's words what the spec says", async () => {
  const plan = await planOf({
    ...votes,
    seed: 7,
    clip_grad_norm: 1,
    checkpoint: { every_epochs: 2 },
    early_stopping: { monitor: "val_accuracy", patience: 3 },
  });
  expect(plan).toMatchObject({
    layers: votes.model.layers,
    loss: { type: "BCELoss" },
    optimizer: { type: "SGD", lr: 0.1 },
    epochs: 50,
    batchSize: 32,
    seed: 7,
    metrics: ["accuracy"],
    clipGradNorm: 1,
    clipGradValue: null,
    earlyStopping: { monitor: "val_accuracy", patience: 3, mode: "max", restoreBest: true },
    checkpoint: { everyEpochs: 2 },
  });
  expect([plan.train.count, plan.validation?.count]).toEqual([348, 87]);
});

test("without a word on checkpoints one is made every other second", async () => {
  expect((await planOf(votes)).checkpoint).toEqual({ everySeconds: 2 });
});

test("weights to start from are flattened", async () => {
  const plan = await planOf({
    ...inline,
    model: {
      ...inline.model,
      init: {
        weights: {
          "0.weight": [
            [1, 2],
            [3, 4],
          ],
        },
      },
    },
  });
  expect(plan.initialWeights).toEqual({ "0.weight": { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } });
});

describe("a spec that passed the check trains", () => {
  test.each<[string, unknown]>([
    ["votes", { ...votes, epochs: 2 }],
    ["iris", { ...iris, epochs: 2, metrics: ["accuracy", "f1"] }],
    ["four samples", inline],
    [
      "diabetes",
      {
        ...iris,
        model: { layers: [{ type: "Linear", out_features: 1 }] },
        loss: "MSELoss",
        data: { builtin: "diabetes", preprocess: { standardize: true } },
        metrics: ["r2"],
      },
    ],
    [
      "digits as images",
      {
        ...iris,
        model: { layers: [{ type: "Flatten" }, { type: "Linear", out_features: 10 }] },
        data: { builtin: "digits", preprocess: { scale: 1 / 16, shape: [1, 8, 8] } },
      },
    ],
    [
      "a spiral",
      {
        ...iris,
        model: { layers: [{ type: "Linear", out_features: 2 }] },
        data: { builtin: "spiral" },
        validation: { builtin: "spiral", seed: 1 },
      },
    ],
  ])("%s", async (_name, given) => {
    const plan = await planOf(given);
    const trainer = Trainer.create(plan, await createWasmBackend());
    const events: TrainerEvent[] = [];
    const outcome = trainer.run({ onEvent: (event) => events.push(event), shouldStop: () => false });
    expect(outcome).toEqual({ status: "completed", epoch: plan.epochs });
    const epochs = events.filter((event) => event.type === "epoch");
    expect(epochs).toHaveLength(plan.epochs);
    for (const { loss } of epochs) expect(loss).toSatisfy(Number.isFinite);
  });
});

test("a class for each step of a sequence is learned, and every step counts in the metrics", async () => {
  // Which of two numbers each step holds: classes stand in the dimension before the steps.
  const layers = [
    { type: "Unflatten", unflattened_size: [1, 3] },
    { type: "Conv1d", out_channels: 2, kernel_size: 1 },
  ];
  const inputs = [
    [1, -1, 1],
    [-1, -1, 1],
  ];
  const targets = [
    [1, 0, 1],
    [0, 0, 1],
  ];
  const plan = await planOf({
    ...inline,
    model: { layers },
    data: { inline: { inputs, targets } },
    optimizer: { type: "SGD", lr: 1 },
    epochs: 20,
    metrics: ["accuracy"],
  });
  expect(plan.train).toMatchObject({ targets: Int32Array.of(1, 0, 1, 0, 0, 1), targetShape: [3] });
  const events: TrainerEvent[] = [];
  const trainer = Trainer.create(plan, await createWasmBackend());
  trainer.run({ onEvent: (event) => events.push(event), shouldStop: () => false });
  expect(events.findLast(({ type }) => type === "epoch")).toMatchObject({ metrics: { accuracy: 1 } });
});
