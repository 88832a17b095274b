/** A model that is asked while it trains: the answers are those of its weights then, and the training never notices. */
import { expect, test } from "vitest";
import {
  type Backend,
  modelWeights,
  Predictor,
  type ProbeEvent,
  Trainer,
  type TrainerEvent,
  type TrainingPlan,
} from "../../../src/engine/index.ts";
import { backend } from "../device-of-the-tests.ts";
import { base, deterministic, train } from "./runs.ts";

const POINTS = 70;
const inputs = Float32Array.from({ length: POINTS * 8 }, (_, i) => Math.cos(i * 3.7));
const probes = { everyEpochs: 2, inputs };

/** Everything that a run tells, stopped and gone on with after each of `stopAfter` looks; and its weights at the end. */
function told(plan: TrainingPlan, stopAfter: readonly number[] = [], on: Backend = backend) {
  const events: TrainerEvent[] = [];
  let saved: Uint8Array | null = null;
  for (const limit of [...stopAfter, Number.POSITIVE_INFINITY]) {
    const trainer = Trainer.create(plan, on);
    if (saved) trainer.restore(saved);
    let looks = 0;
    const outcome = trainer.run({ onEvent: (event) => events.push(event), shouldStop: () => ++looks > limit });
    saved = trainer.checkpoint();
    trainer.dispose();
    if (outcome.status === "completed") break;
  }
  return { events, saved: saved ?? new Uint8Array() };
}

const probesIn = (events: readonly TrainerEvent[]): ProbeEvent[] => events.filter((event) => event.type === "probe");

/** With everything that has a state of its own or does otherwise in training. */
const withState: TrainingPlan = {
  ...base,
  layers: [
    { type: "Linear", in_features: 8, out_features: 16 },
    { type: "BatchNorm1d", num_features: 16 },
    { type: "RReLU" },
    { type: "Dropout", p: 0.25 },
    { type: "Unflatten", dim: 1, unflattened_size: [4, 4] },
    { type: "Flatten" },
    { type: "Linear", in_features: 16, out_features: 2 },
  ],
};

for (const mode of ["compiled", "eager"] as const) {
  test(`a run that is probed has the bits of one that is not (${mode})`, () => {
    const plan = { ...withState, mode };
    const plain = train(plan);
    const probed = told({ ...plan, probes: { ...probes, everyEpochs: 1 } });
    const weights = modelWeights(probed.saved);
    expect(Object.fromEntries(Array.from(weights, ([name, { data }]) => [name, Array.from(data)]))).toEqual(
      plain.weights,
    );
    const epochs = probed.events.filter((event) => event.type === "epoch");
    expect(epochs.map(deterministic)).toEqual(plain.events.map(deterministic));
  });
}

test("probes come before the first epoch, after every so many, and after the last, each behind its epoch", () => {
  const { events } = told({ ...base, epochs: 5, probes });
  expect(events.map(({ type, ...event }) => [type, "epoch" in event ? event.epoch : null])).toEqual([
    ["probe", 0],
    ["epoch", 1],
    ["epoch", 2],
    ["probe", 2],
    ["epoch", 3],
    ["epoch", 4],
    ["probe", 4],
    ["epoch", 5],
    ["probe", 5],
  ]);
});

test("the answers are those of the model with the weights of that epoch", () => {
  const trainer = Trainer.create({ ...withState, probes, checkpoint: { everyEpochs: 1 } }, backend);
  const answers = new Map<number, ProbeEvent>();
  const checkpoints = new Map<number, Uint8Array>();
  trainer.run({
    onEvent(event) {
      if (event.type === "probe") answers.set(event.epoch, event);
      if (event.type === "checkpoint") checkpoints.set(event.epoch, event.bytes);
    },
    shouldStop: () => false,
  });
  trainer.dispose();
  for (const epoch of [2, 4, 6]) {
    const weights = modelWeights(checkpoints.get(epoch) ?? new Uint8Array());
    const predictor = Predictor.create(withState.layers, weights, [8], backend);
    const { outputs, outputShape } = predictor.predict(inputs, POINTS);
    predictor.dispose();
    expect(answers.get(epoch)).toMatchObject({ outputShape });
    expect(Array.from(answers.get(epoch)?.outputs ?? [])).toEqual(Array.from(outputs));
  }
});

test("stopped anywhere, also within a probe, a run that goes on tells the same probes", () => {
  const plan = { ...withState, probes };
  const undisturbed = told(plan);
  const disturbed = told(plan, [0, 1, 2, 3, 5, 8, 13, 4, 4]);
  const last = new Map(probesIn(disturbed.events).map((event) => [event.epoch, event]));
  expect([...last.values()]).toEqual(probesIn(undisturbed.events));
  expect(disturbed.saved.length).toBeGreaterThan(0);
});
