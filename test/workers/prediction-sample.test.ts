/** What is told of a model's predictions: its own outputs, beside rows that are the same for all models on the same data. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import type { PreparedData } from "../../src/data/prepare-data.ts";
import { type Backend, createWasmBackend, Trainer } from "../../src/engine/index.ts";
import { StoredPredictions } from "../../src/jobs/predictions.ts";
import { createPlan, prepareJobData } from "../../src/spec/index.ts";
import { PredictionSample } from "../../src/workers/prediction-sample.ts";
import { sourceOf } from "../data/sources-of-the-tests.ts";
import { accepted } from "../spec/specs-of-the-tests.ts";

const ROWS = 1200;
const inputs = Array.from({ length: ROWS }, (_, i) => [i, 5 * Math.sin(i)]);
const targets = inputs.map(([a = 0, b = 0]) => [a / 100 + b]);

let backend: Backend;
beforeAll(async () => {
  backend = await createWasmBackend();
});
afterAll(() => backend.dispose());
afterEach(() => {
  vi.useRealTimers();
});

async function prepared(seed: number) {
  const { spec } = await accepted({
    model: { layers: [{ type: "Linear", out_features: 1 }] },
    loss: "MSELoss",
    optimizer: "SGD",
    epochs: 1,
    seed,
    data: { inline: { inputs, targets }, preprocess: { standardize: true } },
  });
  return { spec, data: await prepareJobData(spec, sourceOf()) };
}

function told(trainer: Trainer, data: PreparedData): StoredPredictions {
  const [facts, rest] = new PredictionSample(trainer, data).take(() => false) ?? [Buffer.of(), "null"];
  return StoredPredictions.parse(JSON.parse(Buffer.from(facts).toString() + rest));
}

test("jobs on the same data tell the same rows, each with its own outputs", async () => {
  const [one, other] = [await prepared(1), await prepared(2)];
  const first = Trainer.create(createPlan(one.spec, one.data), backend);
  const second = Trainer.create(createPlan(other.spec, one.data), backend);
  const answers = [told(first, one.data), told(second, one.data)];

  for (const { rows_of, rows, epoch, step } of answers) {
    expect({ rows_of, rows, epoch, step }).toEqual({ rows_of: "training", rows: ROWS, epoch: 0, step: 0 });
  }
  expect(answers[0]?.inputs).toHaveLength(1000);
  expect(answers[0]?.inputs?.[500]).toEqual([600, Number((5 * Math.sin(600)).toPrecision(6))]);
  expect(answers[0]?.targets[500]).toEqual([expect.closeTo(6 + 5 * Math.sin(600), 5)]);
  expect(answers[1]?.inputs).toEqual(answers[0]?.inputs);
  expect(answers[1]?.targets).toEqual(answers[0]?.targets);

  const row = one.data.train.inputs.slice(1200, 1202);
  for (const [i, trainer] of [first, second].entries()) {
    const [alone] = trainer.ask(Float32Array.from(row), () => false)?.outputs ?? [];
    expect(answers[i]?.outputs[500]).toEqual([Number(alone?.toPrecision(5))]);
    trainer.dispose();
  }
  expect(answers[1]?.outputs).not.toEqual(answers[0]?.outputs);
});

test("data of its own, and told to stop", async () => {
  const { spec, data } = await prepared(1);
  const trainer = Trainer.create(createPlan(spec, data), backend);
  const few = { ...data, validation: { ...data.train, count: 2 } };
  expect(told(trainer, few)).toMatchObject({
    rows_of: "validation",
    rows: 2,
    outputs: [[expect.any(Number)], [expect.any(Number)]],
  });
  expect(new PredictionSample(trainer, data).take(() => true)).toBeNull();
  trainer.dispose();
});

test.each([1, 4])(
  "it takes no more than a 20th of its training's time, of which others have a share: of %i that take turns",
  async (together) => {
    const { spec, data } = await prepared(1);
    const trainer = Trainer.create(createPlan(spec, data), backend);
    const sample = new PredictionSample(trainer, data, together);
    vi.useFakeTimers({ toFake: ["performance"] });
    let asked = 0;
    sample.take(() => {
      if (asked++ === 0) vi.advanceTimersByTime(10);
      return false;
    });
    vi.advanceTimersByTime(20 * together * 10 - 1);
    expect(sample.isAffordable).toBe(false);
    vi.advanceTimersByTime(1);
    expect(sample.isAffordable).toBe(true);
    trainer.dispose();
  },
);
