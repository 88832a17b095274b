/** Predictors of every model that was compared with PyTorch: the recorded forward pass, whatever the size of a batch. */
import { afterAll, expect, test } from "vitest";
import { createWasmBackend, elementCount, Predictor, Trainer } from "../../src/engine/index.ts";
import { checkSpec, createPlan, prepareJobData } from "../../src/spec/index.ts";
import { datasetsOf, type Fixture, readFixtures } from "./fixture.ts";

const backend = await createWasmBackend({ threads: 1 });
afterAll(() => backend.dispose());

/** What a plan's data and the weights that its seed draws make of a fixture. */
async function untrained(fixture: Fixture) {
  const datasets = datasetsOf(fixture);
  const checked = await checkSpec(fixture.spec, datasets);
  if (!checked.ok) throw new Error(JSON.stringify(checked.errors));
  const plan = createPlan(checked.spec, await prepareJobData(checked.spec, datasets));
  const trainer = Trainer.create(plan, backend);
  const weights = trainer.model.stateDict();
  trainer.dispose();
  const { inputs, inputShape, count } = plan.train;
  return { layers: plan.layers, weights, inputs: Float32Array.from(inputs), inputShape, count };
}

const isOfModel = /^layer-|cnn|gru|transformer|digits-mlp|flatten/;
const models = readFixtures().filter(({ spec }) => isOfModel.test(spec.name));
const MIXING = "layer-batchnorm2d-without-statistics";

test.each(models.filter(({ spec }) => spec.name !== MIXING).map((fixture) => [fixture.spec.name, fixture] as const))(
  "%s: a sample's outputs are the same bits alone and beside others",
  async (_name, fixture) => {
    const { layers, weights, inputs, inputShape, count } = await untrained(fixture);
    const width = elementCount(inputShape);
    const live = backend.memory.live;
    const predictor = Predictor.create(layers, weights, inputShape, backend);
    const most = Math.min(count, 13);
    const { outputs, outputShape } = predictor.predict(inputs.subarray(0, most * width), most);
    const outputWidth = elementCount(outputShape);
    for (let i = 0; i < most; i++) {
      const alone = predictor.predict(inputs.subarray(i * width, (i + 1) * width), 1);
      expect(alone.outputs).toEqual(outputs.subarray(i * outputWidth, (i + 1) * outputWidth));
    }
    predictor.dispose();
    expect(backend.memory.live).toBe(live);
  },
);

test("batch normalisation without statistics is the one layer that mixes the samples of a batch", async () => {
  for (const fixture of models) {
    const { layers, weights, inputShape } = await untrained(fixture);
    const predictor = Predictor.create(layers, weights, inputShape, backend);
    expect(predictor.mixesSamples, fixture.spec.name).toBe(fixture.spec.name === MIXING);
    predictor.dispose();
  }
});

test("a batch of more samples than one forward pass takes is predicted in several", async () => {
  const fixture = models.find(({ spec }) => spec.name === "digits-mlp");
  if (!fixture) throw new Error("There is no digits-mlp any more.");
  const { layers, weights, inputs, inputShape, count } = await untrained(fixture);
  const width = elementCount(inputShape);
  const predictor = Predictor.create(layers, weights, inputShape, backend);
  const whole = predictor.predict(inputs, count);
  expect(count).toBeGreaterThan(1024);
  for (const at of [0, 1023, 1024, count - 1]) {
    const alone = predictor.predict(inputs.subarray(at * width, (at + 1) * width), 1).outputs;
    expect(alone).toEqual(whole.outputs.subarray(at * alone.length, (at + 1) * alone.length));
  }
  predictor.dispose();
});

test("a model whose samples are large takes few of them at a time", async () => {
  const layers = [{ type: "Linear", in_features: 2 ** 20, out_features: 1, bias: true }];
  const weights = new Map([
    ["0.weight", { shape: [1, 2 ** 20], data: new Float32Array(2 ** 20).fill(1) }],
    ["0.bias", { shape: [1], data: new Float32Array(1) }],
  ]);
  const before = backend.memory.live;
  const predictor = Predictor.create(layers, weights, [2 ** 20], backend);
  const { outputs } = predictor.predict(new Float32Array(20 * 2 ** 20).fill(0.5), 20);
  expect([...new Set(outputs)]).toEqual([2 ** 19]);
  expect(backend.memory.live - before).toBeLessThan(48 * 2 ** 20);
  predictor.dispose();
});
