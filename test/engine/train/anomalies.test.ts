/** A loss that is not finite: what is found out about it, and where the run goes on. */
import { describe, expect, test } from "vitest";
import {
  type AnomalyEvent,
  type EpochEvent,
  modelWeights,
  Trainer,
  type TrainerEvent,
  type TrainingPlan,
} from "../../../src/engine/index.ts";
import { backend } from "../device-of-the-tests.ts";
import { base, deterministic, examples } from "./runs.ts";

const all = examples(100);
/** Row 42 alone drives the weights away, once its batch has come. */
const spoiled = Float32Array.from(all.inputs, (value, i) => (Math.floor(i / 8) === 42 ? value * 1e20 : value));
const diverging: TrainingPlan = {
  ...base,
  layers: [
    { type: "Linear", in_features: 8, out_features: 16 },
    { type: "Dropout", p: 0.25 },
    { type: "ReLU" },
    { type: "Linear", in_features: 16, out_features: 1 },
  ],
  loss: { type: "MSELoss" },
  optimizer: { type: "Adam", lr: 0.01 },
  train: { ...all, inputs: spoiled, targets: Float32Array.from(all.targets), targetShape: [1] },
  metrics: [],
  checkpoint: {},
};
const { validation: _, ...plan } = diverging;

/** Its loss grows beyond all bounds at the rate it begins with, and not at a fraction of it. */
const tooFast: TrainingPlan = {
  ...plan,
  layers: [{ type: "Linear", in_features: 8, out_features: 1 }],
  train: { ...plan.train, inputs: all.inputs },
  optimizer: { type: "SGD", lr: 3, momentum: 0.5 },
  epochs: 40,
  onNonfinite: "rollback",
};

function run(given: TrainingPlan, stopAfter: readonly number[] = []) {
  const events: TrainerEvent[] = [];
  let saved: Uint8Array | null = null;
  for (const limit of [...stopAfter, Number.POSITIVE_INFINITY]) {
    const trainer = Trainer.create(given, backend);
    if (saved) trainer.restore(saved);
    let looks = 0;
    const outcome = trainer.run({ onEvent: (event) => events.push(event), shouldStop: () => ++looks > limit });
    saved = trainer.checkpoint();
    trainer.dispose();
    if (outcome.status !== "stopped") return { outcome, events, weights: modelWeights(saved) };
  }
  throw new Error("unreachable");
}

const isAnomaly = (event: TrainerEvent): event is AnomalyEvent => event.type === "anomaly";
const isEpoch = (event: TrainerEvent): event is EpochEvent => event.type === "epoch";

describe("an anomaly", () => {
  test.each(["compiled", "eager"] as const)(
    "names step, layer, rows and gradient of the batch at fault: %s",
    (mode) => {
      const { outcome, events } = run({ ...plan, mode });
      const [anomaly] = events.filter(isAnomaly);
      if (!anomaly) throw new Error("There was no anomaly.");
      expect(outcome).toMatchObject({ status: "diverged", step: anomaly.step, epoch: anomaly.epoch });
      const before = anomaly.epoch - 1;
      expect(anomaly).toMatchObject({ action: "stop", back: { epoch: before, step: 7 * before }, lr: 0.01 });
      expect(anomaly.rows).toContain(42);
      expect(anomaly.rows).toHaveLength(anomaly.step % 7 === 0 ? 4 : 16);
      expect(anomaly.gradientNorm).toSatisfy((norm: number) => !Number.isFinite(norm));
      expect(anomaly.message).toContain(`in epoch ${anomaly.epoch} at step ${anomaly.step}.`);
    },
  );

  test("names the first layer that gave something else than numbers, and none where the loss alone is at fault", () => {
    const layerAt = (factor: number) => {
      const inputs = Float32Array.from(all.inputs, (value, i) => (Math.floor(i / 8) === 42 ? value * factor : value));
      const [anomaly] = run({ ...plan, train: { ...plan.train, inputs } }).events.filter(isAnomaly);
      return anomaly?.layer;
    };
    expect(layerAt(1e38 * 3)).toEqual({ name: "0", type: "Linear" });
    expect(layerAt(1e20)).toBeNull();
  });

  test("is found at the same place, and alike, after a stop anywhere", () => {
    const undisturbed = run(plan).events.filter(isAnomaly);
    expect(run(plan, [1, 5, 1, 9]).events.filter(isAnomaly)).toEqual([
      // Where it goes back to is where it went on.
      { ...undisturbed[0], back: expect.anything(), message: expect.any(String) },
    ]);
  });

  test("is found with accumulated gradients", () => {
    const [anomaly] = run({ ...plan, accumulateSteps: 3 }).events.filter(isAnomaly);
    expect(anomaly?.rows).toContain(42);
  });
});

describe("a rollback", () => {
  test("goes on from the end of the epoch before, at half the rate, until the loss stays finite", () => {
    const { outcome, events } = run(tooFast);
    expect(outcome).toEqual({ status: "completed", epoch: 40 });
    const anomalies = events.filter(isAnomaly);
    expect(anomalies.length).toBeGreaterThan(0);
    expect(anomalies.map(({ lr }) => lr)).toEqual(anomalies.map((_, i) => 3 / 2 ** (i + 1)));
    for (const { epoch, back } of anomalies) expect(back).toEqual({ epoch: epoch - 1, step: (epoch - 1) * 7 });
    const epochs = events.filter(isEpoch);
    expect(epochs.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    expect(epochs.at(-1)?.lr).toBe(anomalies.at(-1)?.lr);
    expect(epochs.at(-1)).toMatchObject({ step: 280, loss: expect.toSatisfy(Number.isFinite) });
  });

  test("gives the same bits eager and compiled, and after stops anywhere, also while it looks back", () => {
    const undisturbed = run(tooFast);
    const others = [
      run({ ...tooFast, mode: "eager" }),
      run(tooFast, [1, 2, 3, 5, 8, 13, 21, 34]),
      run(
        tooFast,
        Array.from({ length: 30 }, () => 4),
      ),
    ];
    for (const other of others) {
      expect(other.weights).toEqual(undisturbed.weights);
      expect(other.events.filter(isEpoch).map(deterministic)).toEqual(
        undisturbed.events.filter(isEpoch).map(deterministic),
      );
    }
  });

  test("scales the rates of a schedule", () => {
    const scheduler = { scheduler: { type: "StepLR", step_size: 10 }, interval: "epoch" as const };
    const { events } = run({ ...tooFast, scheduler });
    const { lr = 0 } = events.filter(isAnomaly).at(-1) ?? {};
    const rates = events.filter(isEpoch).map((epoch) => epoch.lr);
    expect(rates.at(9)).toBeCloseTo(lr, 12);
    expect(rates.at(-1)).toBeCloseTo(lr / 1000, 12);
  });

  test("is given up after ten times, and the finite weights are kept", () => {
    const { outcome, events, weights } = run({ ...plan, onNonfinite: "rollback" });
    expect(outcome.status).toBe("diverged");
    expect(events.filter(isAnomaly).map(({ action }) => action)).toEqual([...Array(10).fill("rollback"), "stop"]);
    for (const { data } of weights.values()) expect(data.every(Number.isFinite)).toBe(true);
  });
});

describe("losses of steps", () => {
  const stepsOf = (given: TrainingPlan) =>
    run(given).events.flatMap((event) =>
      event.type === "steps" ? event.losses.map((loss, i) => [event.epoch, event.step + i * event.every, loss]) : [],
    );

  test("are told for each step, and their mean over the samples is the loss of the epoch", () => {
    const told = stepsOf({ ...base, tellSteps: 1 });
    expect(told.map(([epoch, step]) => [epoch, step])).toEqual(
      Array.from({ length: 42 }, (_, i) => [Math.floor(i / 7) + 1, i + 1]),
    );
    const [first] = run(base).events.filter(isEpoch);
    const sizes = [16, 16, 16, 16, 16, 16, 4];
    const mean = told.slice(0, 7).reduce((sum, [, , loss = 0], i) => sum + loss * (sizes[i] ?? 0), 0) / 100;
    expect(mean).toBeCloseTo(first?.loss ?? 0, 6);
  });

  test("are told for every so many steps, and with accumulation for each update", () => {
    const each = stepsOf({ ...base, tellSteps: 1 });
    expect(stepsOf({ ...base, tellSteps: 5 })).toEqual(each.filter(([, step = 0]) => step % 5 === 0));
    expect(stepsOf({ ...base, tellSteps: 1, accumulateSteps: 3 }).map(([, step]) => step)).toEqual(
      Array.from({ length: 18 }, (_, i) => i + 1),
    );
    expect(stepsOf(base)).toEqual([]);
  });
});

test("whoever went on within an epoch and diverges in it keeps the weights it went on from, and says so", () => {
  // A change that changes nothing, so that the run looks up there.
  const given = { ...plan, changes: [{ step: 30, rollbacks: 0, lr: 0.01 }] };
  const first = Trainer.create(given, backend);
  let saved = new Uint8Array();
  const onEvent = ({ type }: TrainerEvent) => {
    if (type === "change") saved = first.checkpoint();
  };
  first.run({ onEvent, shouldStop: () => false });
  first.dispose();
  const second = Trainer.create(given, backend);
  second.restore(saved);
  const outcome = second.run({ onEvent: () => {}, shouldStop: () => false });
  expect(modelWeights(second.checkpoint())).toEqual(modelWeights(saved));
  second.dispose();
  expect(outcome).toMatchObject({ status: "diverged", epoch: 5, step: 35 });
  expect("message" in outcome && outcome.message).toContain("The weights kept are those after step 30, ");
});
