/** A small network over images on real data: handwritten digits of 8 × 8 pixels. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Examples, TrainingPlan } from "../../../src/engine/index.ts";
import { base, deterministic, train } from "./runs.ts";

const rows = readFileSync(new URL("../../../examples/data/digits.csv", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .slice(1)
  .map((line) => line.split(",").map(Number));

/** Neighbouring rows are of one writer, so every fifth is kept for validation. */
function images(kept: boolean): Examples {
  const part = rows.filter((_, i) => (i % 5 === 0) === kept);
  return {
    count: part.length,
    inputs: Float32Array.from(part.flatMap((row) => row.slice(0, 64).map((pixel) => pixel / 16))),
    inputShape: [1, 8, 8],
    targets: Int32Array.from(part, (row) => row[64] ?? 0),
    targetShape: [],
  };
}

const plan: TrainingPlan = {
  ...base,
  layers: [
    { type: "Conv2d", in_channels: 1, out_channels: 16, kernel_size: 3, padding: 1 },
    { type: "ReLU" },
    { type: "MaxPool2d", kernel_size: 2 },
    { type: "Conv2d", in_channels: 16, out_channels: 32, kernel_size: 3, padding: 1 },
    { type: "ReLU" },
    { type: "MaxPool2d", kernel_size: 2 },
    { type: "Flatten" },
    { type: "Linear", in_features: 128, out_features: 10 },
  ],
  optimizer: { type: "Adam", lr: 3e-3 },
  train: images(false),
  validation: images(true),
  epochs: 12,
  batchSize: 64,
  metrics: ["accuracy"],
};

test("it learns the digits, in the same bits eagerly and compiled", () => {
  const compiled = train(plan);
  const eager = train({ ...plan, mode: "eager" });
  expect(eager.weights).toEqual(compiled.weights);
  expect(eager.events.map(deterministic)).toEqual(compiled.events.map(deterministic));
  expect(compiled.events.at(-1)?.val_metrics?.["accuracy"]).toBeGreaterThan(0.96);
});
