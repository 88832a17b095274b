/** Whole trainings on 1, 2, 3 and 4 threads: the same losses and weights, to the bit. */
import { afterAll, describe, expect, test } from "vitest";
import { createWasmBackend, type TrainingPlan } from "../../../src/engine/index.ts";
import { base, deterministic, train } from "./runs.ts";

const plans: Record<string, TrainingPlan> = {
  "an MLP with dropout and clipping": {
    ...base,
    layers: [
      { type: "Linear", in_features: 8, out_features: 70 },
      { type: "ReLU" },
      { type: "Dropout", p: 0.25 },
      { type: "Linear", in_features: 70, out_features: 2 },
    ],
    clipGradNorm: 0.5,
  },
  "a network over images": {
    ...base,
    layers: [
      { type: "Unflatten", dim: 1, unflattened_size: [1, 2, 4] },
      { type: "Conv2d", in_channels: 1, out_channels: 10, kernel_size: 3, padding: 1 },
      { type: "BatchNorm2d", num_features: 10 },
      { type: "ReLU" },
      { type: "MaxPool2d", kernel_size: 2 },
      { type: "Conv2d", in_channels: 10, out_channels: 6, kernel_size: 3, padding: 1, groups: 2 },
      { type: "GlobalAvgPool" },
      { type: "Linear", in_features: 6, out_features: 2 },
    ],
    optimizer: { type: "NAdam", lr: 0.01 },
  },
  "attention and layer normalisation": {
    ...base,
    layers: [
      { type: "Unflatten", dim: 1, unflattened_size: [4, 2] },
      { type: "Linear", in_features: 2, out_features: 8 },
      { type: "PositionalEncoding", d_model: 8, max_len: 4 },
      { type: "TransformerEncoderLayer", d_model: 8, nhead: 2, dim_feedforward: 24, causal: true },
      { type: "LayerNorm", normalized_shape: [8] },
      { type: "Flatten" },
      { type: "Linear", in_features: 32, out_features: 2 },
    ],
    optimizer: { type: "SGD", lr: 0.05, momentum: 0.9 },
  },
};

describe.each(["fast", "strict"] as const)("%s numerics", async (numerics) => {
  const alone = await createWasmBackend({ numerics, threads: 1 });
  // Networks as small as these are shared only when told so.
  const several = await Promise.all([2, 3, 4].map((threads) => createWasmBackend({ numerics, threads, leastWork: 0 })));
  afterAll(() => {
    for (const backend of several) backend.dispose();
  });

  test.each(Object.keys(plans))("%s", (name) => {
    const plan = plans[name] ?? base;
    const whole = train(plan, [], alone);
    for (const backend of several) {
      for (const mode of ["compiled", "eager"] as const) {
        const run = train({ ...plan, mode }, [], backend);
        expect(run.weights).toEqual(whole.weights);
        expect(run.events.map(deterministic)).toEqual(whole.events.map(deterministic));
      }
    }
  });
});
