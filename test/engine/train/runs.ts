/** A small job and how to run it, with stops in between if asked. */
import { type Backend, type EpochEvent, modelWeights, Trainer, type TrainingPlan } from "../../../src/engine/index.ts";
import { backend } from "../device-of-the-tests.ts";

/** Two noisy classes in eight dimensions. */
export function examples(count: number): TrainingPlan["train"] {
  const inputs = Float32Array.from({ length: count * 8 }, (_, i) => Math.sin(i * 12.9898) * 2);
  const targets = Int32Array.from({ length: count }, (_, i) =>
    (inputs[i * 8] ?? 0) + (inputs[i * 8 + 3] ?? 0) > 0 ? 1 : 0,
  );
  return { count, inputs, inputShape: [8], targets, targetShape: [] };
}

export const base: TrainingPlan = {
  layers: [
    { type: "Linear", in_features: 8, out_features: 16 },
    { type: "Tanh" },
    { type: "Dropout", p: 0.25 },
    { type: "Linear", in_features: 16, out_features: 2 },
  ],
  loss: { type: "CrossEntropyLoss" },
  optimizer: { type: "Adam", lr: 0.01 },
  train: examples(100),
  validation: examples(37),
  epochs: 6,
  batchSize: 16,
  shuffle: true,
  dropLast: false,
  seed: 7,
  metrics: ["accuracy", "f1"],
  accumulateSteps: 1,
  mode: "compiled",
  checkpoint: {},
};

export interface Run {
  readonly events: EpochEvent[];
  readonly weights: Record<string, number[]>;
}

export const deterministic = ({ samples_per_s: _a, elapsed_ms: _b, eta_s: _c, ...rest }: EpochEvent): unknown => rest;

/** Runs to the end, stopping and starting anew from the checkpoint after each of `stopAfter` looks. */
export function train(plan: TrainingPlan, stopAfter: readonly number[] = [], on: Backend = backend): Run {
  const events: EpochEvent[] = [];
  let saved: Uint8Array | null = null;
  for (const limit of [...stopAfter, Number.POSITIVE_INFINITY]) {
    const trainer = Trainer.create(plan, on);
    if (saved) trainer.restore(saved);
    let looks = 0;
    const outcome = trainer.run({
      onEvent: (event) => event.type === "epoch" && events.push(event),
      shouldStop: () => ++looks > limit,
    });
    saved = trainer.checkpoint();
    trainer.dispose();
    if (outcome.status === "completed") break;
  }
  const weights = modelWeights(saved ?? new Uint8Array());
  return { events, weights: Object.fromEntries(Array.from(weights, ([name, { data }]) => [name, Array.from(data)])) };
}
