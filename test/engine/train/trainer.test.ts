/** Whole training runs: same bits in both modes, after a stop anywhere, and from the seed alone. */
import { expect, test, vi } from "vitest";
import {
  checkpointAbout,
  type EpochEvent,
  modelWeights,
  Trainer,
  type TrainingPlan,
} from "../../../src/engine/index.ts";
import { backend } from "../device-of-the-tests.ts";
import { base, deterministic, examples, train } from "./runs.ts";

/** Some of them 0, so that small batches may have nothing that counts. */
const weighted = (count: number): TrainingPlan["train"] => ({
  ...examples(count),
  weights: Float32Array.from({ length: count }, (_, i) => (i % 20 < 9 ? 0 : (i % 7) / 4)),
});

const variants: Record<string, Partial<TrainingPlan>> = {
  "as it is": {},
  "with momentum": { optimizer: { type: "SGD", lr: 0.05, momentum: 0.9 } },
  "with accumulated gradients": { accumulateSteps: 3 },
  "with clipping": { clipGradNorm: 0.5, clipGradValue: 0.1 },
  "with a rate for each step": {
    scheduler: { scheduler: { type: "OneCycleLR", max_lr: 0.05 }, interval: "step" },
    optimizer: { type: "SGD", lr: 0.01 },
  },
  "with a rate for each epoch": { scheduler: { scheduler: { type: "StepLR", step_size: 2 }, interval: "epoch" } },
  "with a warm-up and a plateau": {
    scheduler: {
      scheduler: { type: "ReduceLROnPlateau", patience: 0, threshold: 0.5 },
      interval: "epoch",
      warmupSteps: 9,
    },
  },
  "without the last batch": { dropLast: true },
  "with weights of samples": { train: weighted(100), validation: weighted(37), batchSize: 7 },
  "with metrics that look at every score": { metrics: ["auc", "top_k_accuracy", "accuracy"], batchSize: 7 },
  "in batches of one": { batchSize: 1, epochs: 2 },
  "in one batch larger than the data": { batchSize: 1000 },
};

for (const [name, change] of Object.entries(variants)) {
  const plan = { ...base, ...change };

  test(`eager and compiled give the same bits ${name}`, () => {
    const compiled = train(plan);
    const eager = train({ ...plan, mode: "eager" });
    expect(eager.weights).toEqual(compiled.weights);
    expect(eager.events.map(deterministic)).toEqual(compiled.events.map(deterministic));
  });

  test(`stopping anywhere and going on gives the bits of the undisturbed run ${name}`, () => {
    const undisturbed = train(plan);
    const disturbed = train(plan, [0, 1, 2, 3, 1, 5, 4]);
    expect(disturbed.weights).toEqual(undisturbed.weights);
    expect(disturbed.events.map(deterministic)).toEqual(undisturbed.events.map(deterministic));
  });
}

test("the seed alone decides, and another seed decides otherwise", () => {
  expect(train(base).weights).toEqual(train(base).weights);
  expect(train({ ...base, seed: 8 }).weights).not.toEqual(train(base).weights);
});

test("another layer does not change the weights that a layer starts with", () => {
  const first = (layers: TrainingPlan["layers"]): unknown =>
    train({ ...base, layers, optimizer: { type: "SGD", lr: 0 }, epochs: 1 }).weights["0.weight"];
  const extra = [
    ...base.layers.slice(0, 3),
    { type: "Linear", in_features: 16, out_features: 16 },
    ...base.layers.slice(3),
  ];
  expect(first(extra)).toEqual(first(base.layers));
});

test("it learns", () => {
  const { events } = train({ ...base, epochs: 60 });
  expect(events.at(-1)?.loss).toBeLessThan(0.35);
  expect(events.at(-1)?.val_metrics?.["accuracy"]).toBeGreaterThan(0.9);
});

test("an epoch says how far it is", () => {
  const { events } = train({ ...base, accumulateSteps: 2 });
  expect(events.map(({ epoch, epochs, step, steps }) => [epoch, epochs, step, steps])).toEqual(
    [1, 2, 3, 4, 5, 6].map((epoch) => [epoch, 6, epoch * 4, 24]),
  );
});

test("given weights are used, and the rest is drawn", () => {
  const shape = [2];
  const plan = {
    ...base,
    epochs: 1,
    optimizer: { type: "SGD", lr: 0 },
    initialWeights: { "3.bias": { shape, data: Float32Array.of(5, -5) } },
  };
  expect(train(plan).weights["3.bias"]).toEqual([5, -5]);
  expect(train(plan).weights["0.bias"]).toEqual(
    train({ ...base, epochs: 1, optimizer: { type: "SGD", lr: 0 } }).weights["0.bias"],
  );
});

test("an epoch tells the rate that it used, and the rates follow the schedule", () => {
  const rates = (scheduler: TrainingPlan["scheduler"]): number[] =>
    train({ ...base, scheduler: scheduler ?? null }).events.map(({ lr }) => lr);
  const close = (...values: number[]): unknown[] => values.map((value) => expect.closeTo(value, 9));
  expect(rates({ scheduler: { type: "StepLR", step_size: 2 }, interval: "epoch" })).toEqual(
    close(0.01, 0.01, 0.001, 0.001, 0.0001, 0.0001),
  );
  // Seven steps an epoch: the last of each is step 6, 13, …
  const linear = { type: "LinearLR", start_factor: 0.5, total_iters: 20 };
  expect(rates({ scheduler: linear, interval: "step" })).toEqual(close(0.0065, 0.00825, 0.01, 0.01, 0.01, 0.01));
  expect(rates({ scheduler: { type: "ConstantLR", factor: 1 }, interval: "epoch", warmupSteps: 14 })[0]).toBeCloseTo(
    0.01 * (1 / 3 + (2 / 3) * (6 / 14)),
    9,
  );
});

test("a learning rate that diverges names epoch and step and keeps the last finite weights", () => {
  const plan: TrainingPlan = {
    ...base,
    layers: [{ type: "Linear", in_features: 8, out_features: 1 }],
    loss: { type: "MSELoss" },
    optimizer: { type: "SGD", lr: 1e4 },
    train: { ...base.train, targets: Float32Array.from(base.train.targets), targetShape: [1] },
    metrics: ["mse"],
    epochs: 50,
  };
  const { validation: _, ...withoutValidation } = plan;
  for (const mode of ["eager", "compiled"] as const) {
    const trainer = Trainer.create({ ...withoutValidation, mode }, backend);
    const outcome = trainer.run({ onEvent: () => {}, shouldStop: () => false });
    expect(outcome).toMatchObject({ status: "diverged", loss: expect.stringMatching(/inf|nan/) });
    expect(outcome).toHaveProperty("message", expect.stringMatching(/^The loss became .* in epoch \d+ at step \d+\./));
    for (const { data } of modelWeights(trainer.checkpoint()).values()) expect(data.every(Number.isFinite)).toBe(true);
    trainer.dispose();
  }
});

test("early stopping ends the run and can put the best weights back", () => {
  const plan: TrainingPlan = {
    ...base,
    optimizer: { type: "SGD", lr: 3 },
    epochs: 200,
    earlyStopping: { monitor: "val_loss", patience: 3, minDelta: 0, mode: "min", restoreBest: true },
  };
  const trainer = Trainer.create(plan, backend);
  const events: EpochEvent[] = [];
  trainer.run({ onEvent: (event) => event.type === "epoch" && events.push(event), shouldStop: () => false });
  const best = events.at(-1)?.best;
  expect(events.length).toBeLessThan(200);
  expect(best?.epoch).toBe(events.length - 3);
  const saved = trainer.checkpoint();
  expect(modelWeights(saved, "last")).toEqual(modelWeights(saved, "best"));
  trainer.dispose();
});

test("a checkpoint carries what the plan says of the model, also in a run that goes on from it", () => {
  const plan = { ...base, about: JSON.stringify({ columns: ["größe", '"b"'] }) };
  const checkpointOf = (of: TrainingPlan, from?: Uint8Array) => {
    const trainer = Trainer.create(of, backend);
    if (from) trainer.restore(from);
    const checkpoint = trainer.checkpoint();
    trainer.dispose();
    return checkpoint;
  };
  const first = checkpointOf(plan);
  expect(checkpointAbout(first)).toBe(plan.about);
  expect(checkpointAbout(checkpointOf({ ...plan, about: "else" }, first))).toBe("else");
  expect(checkpointAbout(checkpointOf(base))).toBeUndefined();
});

test("checkpoints come every so many epochs, and carry the best weights", () => {
  const at: number[] = [];
  const trainer = Trainer.create({ ...base, checkpoint: { everyEpochs: 2 } }, backend);
  trainer.run({ onEvent: (event) => event.type === "checkpoint" && at.push(event.epoch), shouldStop: () => false });
  expect(at).toEqual([2, 4, 6]);
  trainer.dispose();
});

test("a trainer gives all its memory back", () => {
  const before = backend.memory.live;
  train(base);
  expect(backend.memory.live).toBe(before);
});

test("a trainer that can't be made gives its memory back", () => {
  const before = backend.memory.live;
  expect(() => Trainer.create({ ...base, optimizer: { type: "Magic" } }, backend)).toThrow('Unknown optimizer "Magic"');
  expect(backend.memory.live).toBe(before);
});

test("trainers on one backend share the data, and each gives the bits that it gives alone", () => {
  const seeds = [1, 2, 3];
  const plans = seeds.map((seed): TrainingPlan => ({ ...base, seed }));
  const alone = plans.map((plan) => train(plan).weights);
  const before = backend.memory.live;
  const held: number[] = [];
  const trainers = plans.map((plan) => {
    const live = backend.memory.live;
    const trainer = Trainer.create(plan, backend);
    held.push(backend.memory.live - live);
    return trainer;
  });
  const { train: data, validation } = base;
  const bytes = [data, validation].reduce(
    (sum, of) => sum + (of ? of.inputs.byteLength + of.targets.byteLength : 0),
    0,
  );
  expect(held[1]).toBe((held[0] ?? 0) - bytes);
  expect(held[2]).toBe(held[1]);

  // The one that brought the data leaves first.
  const together = trainers.map((trainer) => {
    trainer.run({ onEvent: () => {}, shouldStop: () => false });
    const weights = modelWeights(trainer.checkpoint());
    trainer.dispose();
    return Object.fromEntries(Array.from(weights, ([name, { data }]) => [name, Array.from(data)]));
  });
  expect(together).toEqual(alone);
  expect(backend.memory.live).toBe(before);
});

test("what others train between two turns of an epoch does not count for its rate", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const trainer = Trainer.create(base, backend);
  const rates: number[] = [];
  const turn = trainer.start({
    onEvent: (event) => event.type === "epoch" && rates.push(event.samples_per_s),
    shouldStop: () => false,
  });
  let turns = 1;
  for (; !turn(); turns++) vi.advanceTimersByTime(1000);
  trainer.dispose();
  vi.useRealTimers();
  expect(turns).toBeGreaterThan(base.epochs);
  // No time passes in its own turns.
  for (const rate of rates) expect(rate).toBeGreaterThan(1e6);
  expect(rates).toHaveLength(base.epochs);
});
