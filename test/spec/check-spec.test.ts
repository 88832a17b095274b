/** What a spec that is right becomes, and what is said of one that is not. */
import { describe, expect, test } from "vitest";
import { JobSpec } from "../../src/spec/index.ts";
import { accepted, context, inline, iris, mistakesOf, votes } from "./specs-of-the-tests.ts";

describe("a spec that is right", () => {
  test("comes back complete: defaults filled in, shorthand written out", async () => {
    const { spec } = await accepted(votes);
    expect(spec).toMatchObject({
      name: "votes",
      loss: { type: "BCELoss", reduction: "mean" },
      optimizer: { type: "SGD", lr: 0.1, momentum: 0.9, dampening: 0, weight_decay: 0, nesterov: false },
      batch_size: 32,
      shuffle: true,
      drop_last: false,
      seed: 0,
      accumulate_steps: 1,
      clip_grad_norm: null,
      device: "auto",
      mode: "compiled",
      numerics: "fast",
    });
  });
  test("has the layers' sizes filled in from the data", async () => {
    const { spec } = await accepted(iris);
    expect(spec.model.layers).toMatchObject([
      { in_features: 4, out_features: 8 },
      { type: "ReLU" },
      { in_features: 8 },
    ]);
  });
  test("when complete is a spec itself, and its own completion", async () => {
    for (const given of [votes, iris, inline]) {
      const { spec } = await accepted(given);
      const posted: unknown = JSON.parse(JSON.stringify(spec));
      expect(JobSpec.safeParse(posted).success).toBe(true);
      expect((await accepted(posted)).spec).toEqual(spec);
    }
  });
  test("comes with a summary of its model", async () => {
    const { summary } = await accepted(votes);
    expect(summary).toMatchObject({
      parameters: 17,
      layers: [
        { name: "0", type: "Linear", output_shape: [1], parameters: 17 },
        { name: "1", type: "Sigmoid", output_shape: [1], parameters: 0 },
      ],
    });
    expect(summary.flops_per_sample).toBeGreaterThanOrEqual(32);
    expect(summary.memory_bytes).toBeGreaterThan(435 * 17 * 4);
  });
  test("comes with an estimate that grows with the epochs", async () => {
    const [short, long] = [await accepted(votes), await accepted({ ...votes, epochs: 5000 })];
    expect(long.estimate.seconds / short.estimate.seconds).toBeCloseTo(100, 0);
  });
  test("may leave optional parts null", async () => {
    const nothing = { validation: null, clip_grad_norm: null, early_stopping: null, checkpoint: null, name: null };
    expect((await accepted({ ...iris, ...nothing })).spec.validation).toBeNull();
  });
});

test("every mistake is told at once, each with its path", async () => {
  const spoiled = {
    ...votes,
    epoch: 3,
    epochs: 0,
    device: "tpu",
    metrics: ["acuracy"],
    model: {
      layers: [
        { type: "Liner", out_features: 64 },
        { type: "ReLU" },
        { type: "Linear", in_features: 32, out_features: 1, bais: true },
      ],
    },
    optimizer: { type: "SGD", lr: "fast" },
    data: { ...votes.data, features: ["V1", "V22"] },
  };
  expect(await mistakesOf(spoiled)).toEqual([
    { path: "epoch", message: 'unknown field "epoch"; did you mean "epochs"?' },
    { path: "epochs", message: "expects at least 1, got 0" },
    {
      path: "metrics[0]",
      message: expect.stringMatching(/^expects "accuracy" or .*, got "acuracy"; did you mean "accuracy"\?$/),
    },
    { path: "device", message: expect.stringMatching(/^expects "auto" or "cpu" or "gpu", got "tpu"/) },
    { path: "optimizer.lr", message: 'expects a number, got "fast"' },
    { path: "data.features[1]", message: 'the data set has no column "V22"; did you mean "V2"?' },
    { path: "model.layers[0].type", message: 'unknown layer "Liner"; did you mean "Linear"?' },
    { path: "model.layers[2].bais", message: 'unknown field "bais"; did you mean "bias"?' },
    { path: "model.layers[2].in_features", message: "expects 64, the output of layer 1 (ReLU), got 32" },
    { path: "loss", message: expect.stringMatching(/^wants outputs from 0 to 1/) },
  ]);
});

describe("one mistake gives one error", () => {
  const { layers } = iris.model;
  test.each<[string, unknown, string, RegExp]>([
    ["not an object", [], "", /^expects a JSON object .* got an array of 0/],
    ["no epochs", { ...iris, epochs: undefined }, "epochs", /^is required/],
    ["half an epoch", { ...iris, epochs: 1.5 }, "epochs", /^expects a whole number, got 1.5/],
    ["too many epochs", { ...iris, epochs: 1e7 }, "epochs", /^expects at most 1,000,000, got 10000000/],
    ["a name that is too long", { ...iris, name: "x".repeat(201) }, "name", /^expects at most 200 characters, got 201/],
    ["metadata that is no text", { ...iris, metadata: { team: 1 } }, "metadata.team", /^expects a string, got 1/],
    ["a field that specs don't have", { ...iris, workers: { count: 2 } }, "workers", /^unknown field "workers"/],
    ["a scheduler without its argument", { ...iris, scheduler: "StepLR" }, "scheduler.step_size", /^is required/],
    [
      "a mistyped scheduler",
      { ...iris, scheduler: { type: "StepLr", step_size: 2 } },
      "scheduler.type",
      /did you mean "StepLR"/,
    ],
    [
      "a one-cycle that ends before the job",
      { ...iris, scheduler: { type: "OneCycleLR", max_lr: 1, total_steps: 3 } },
      "scheduler.total_steps",
      /^is 3, but the job has \d+ steps/,
    ],
    [
      "a schedule of momentum for an optimizer without",
      { ...iris, optimizer: "Adagrad", scheduler: { type: "CyclicLR", base_lr: 0.1, max_lr: 1 } },
      "scheduler.cycle_momentum",
      /Adagrad has neither; set it to false$/,
    ],
    [
      "a warm-up longer than the job",
      { ...iris, scheduler: { type: "ConstantLR", warmup_steps: 1e6 } },
      "scheduler.warmup_steps",
      /^is 1000000, but the job has \d+ steps in all$/,
    ],
    [
      "a loss that is not known",
      { ...iris, loss: "CrossEntropy" },
      "loss",
      /^unknown loss "CrossEntropy"; did you mean "CrossEntropyLoss"/,
    ],
    [
      "a loss far from any",
      { ...iris, loss: "Focal" },
      "loss",
      /^unknown loss "Focal"; GET \/v1\/catalog lists all \d+$/,
    ],
    [
      "an argument that a loss has not",
      { ...iris, loss: { type: "CrossEntropyLoss", label_smooting: 0.1 } },
      "loss.label_smooting",
      /did you mean "label_smoothing"/,
    ],
    [
      "an optimizer that is not known",
      { ...iris, optimizer: { type: "Addam" } },
      "optimizer.type",
      /did you mean "Adam"/,
    ],
    [
      "arguments of an optimizer that contradict each other",
      { ...iris, optimizer: { type: "SGD", nesterov: true } },
      "optimizer.nesterov",
      /needs a momentum above 0/,
    ],
    [
      "an optimizer of another kind",
      { ...iris, optimizer: 3 },
      "optimizer",
      /^expects an object with a type, .* got 3/,
    ],
    [
      "no layers",
      { ...iris, model: { layers: [] } },
      "model.layers",
      /^expects an array of at least one layer, got an array of 0/,
    ],
    [
      "a layer without a type",
      { ...iris, model: { layers: [{ out_features: 3 }] } },
      "model.layers[0].type",
      /^is required/,
    ],
    [
      "a layer without a size",
      { ...iris, model: { layers: [{ type: "Linear" }] } },
      "model.layers[0].out_features",
      /^is required: a (whole )?number/,
    ],
    [
      "the wrong size for the data",
      { ...iris, model: { layers: [{ type: "Linear", in_features: 5, out_features: 3 }] } },
      "model.layers[0].in_features",
      /^expects 4, the size of the data's samples, got 5/,
    ],
    [
      "too many layers",
      { ...iris, model: { layers: Array(1001).fill({ type: "ReLU" }) } },
      "model.layers",
      /^has 1,001 layers, at most 1,000/,
    ],
    [
      "nothing to train",
      {
        ...iris,
        model: { layers: [{ type: "Linear", out_features: 3 }, { type: "ReLU" }].slice(1) },
        loss: "CrossEntropyLoss",
      },
      "model.layers",
      /^has no weights to train/,
    ],
    ["an unknown part of the model", { ...iris, model: { layers, inti: {} } }, "model.inti", /did you mean "init"/],
    [
      "a metric that does not fit",
      { ...iris, metrics: ["r2"] },
      "metrics[0]",
      /^"r2" can't be computed with CrossEntropyLoss; it goes with accuracy/,
    ],
    ["a metric named twice", { ...iris, metrics: ["f1", "f1"] }, "metrics[1]", /named twice/],
    [
      "early stopping without validation",
      { ...iris, early_stopping: {} },
      "early_stopping.monitor",
      /^"val_loss" needs validation data/,
    ],
    [
      "early stopping on a metric left out",
      { ...votes, early_stopping: { monitor: "val_f1" } },
      "early_stopping.monitor",
      /^"val_f1" is not computed/,
    ],
    [
      "a mistyped option of early stopping",
      { ...votes, early_stopping: { patiance: 3 } },
      "early_stopping.patiance",
      /did you mean "patience"/,
    ],
    [
      "batches that are all left out",
      { ...iris, batch_size: 200, drop_last: true },
      "batch_size",
      /^200 is more than the 150 rows/,
    ],
    [
      "a split that leaves nothing",
      { ...inline, validation: { split: 0.1 } },
      "validation.split",
      /^0.1 of 4 rows leaves no row for validation/,
    ],
  ])("%s", async (_what, spec, path, message) => {
    expect(await mistakesOf(spec)).toEqual([{ path, message: expect.stringMatching(message) }]);
  });
});

describe("weights to start from", () => {
  const withWeights = (weights: unknown) => ({ ...inline, model: { ...inline.model, init: { weights } } });
  test("may be a part of the model's", async () => {
    const { spec } = await accepted(withWeights({ "0.bias": [1, 2] }));
    expect(spec.model.init).toEqual({ weights: { "0.bias": [1, 2] } });
  });
  test.each<[string, unknown, string, RegExp]>([
    [
      "of another shape",
      { "0.weight": [[1, 2]] },
      'model.init.weights["0.weight"]',
      /^has shape \[1, 2\], expected \[2, 2\]/,
    ],
    ["ragged", { "0.weight": [[1, 2], [3]] }, 'model.init.weights["0.weight"][1]', /^has 1 values, expected 2/],
    ["not finite", { "0.bias": [1, null] }, 'model.init.weights["0.bias"][1]', /^expects a number/],
    [
      "of no layer",
      { "1.bias": [1] },
      'model.init.weights["1.bias"]',
      /^the model has no weight "1.bias"; did you mean "0.bias"/,
    ],
  ])("that are %s are refused", async (_what, weights, path, message) => {
    expect(await mistakesOf(withWeights(weights))).toEqual([{ path, message: expect.stringMatching(message) }]);
  });
});

describe("a job for a GPU", () => {
  const missing = "the worker has no GPU: install one";

  test("is right where a worker has one, and told what is missing where none has", async () => {
    const onGpu = { ...iris, device: "gpu" };
    const { spec } = await accepted(onGpu, { ...context, missingGpu: async () => null });
    expect(spec.device).toBe("gpu");
    const none = { ...context, missingGpu: async () => missing };
    expect(await mistakesOf(onGpu, none)).toEqual([{ path: "device", message: missing }]);
    expect(await mistakesOf({ ...iris, device: "auto" }, none)).toEqual([]);
  });

  test("can't ask for the bits of a CPU", async () => {
    expect(await mistakesOf({ ...iris, device: "gpu", numerics: "strict" })).toEqual([
      { path: "numerics", message: expect.stringMatching(/not on a GPU; use "fast", or device "cpu"$/) },
    ]);
  });
});
