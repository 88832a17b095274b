/** Which trials train together, and in what company. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CheckedSpec } from "../../../src/jobs/job-to-create.ts";
import { checkSpec } from "../../../src/spec/check-spec.ts";
import { batchSize, divide, isSmall, MOST_TOGETHER, shapesOf } from "../../../src/workers/sweeps/batches.ts";
import { moons } from "../../job-fixture.ts";

async function checked(spec: object): Promise<CheckedSpec> {
  const found = await checkSpec(spec, { dataset: async () => null, weights: async () => "none" });
  if (!found.ok) throw new Error(JSON.stringify(found.errors));
  return found;
}

const layers = (units: number, p = 0.2) => [
  { type: "Linear", out_features: units },
  { type: "ReLU" },
  { type: "Dropout", p },
  { type: "Linear", out_features: 2 },
];
const base = { ...moons, model: { layers: layers(8) }, optimizer: { type: "AdamW", lr: 0.01 } };
const scheduled = (gamma: number) => ({ ...base, scheduler: { type: "StepLR", step_size: 5, gamma } });
const matrices = layers(8).map((layer) => (layer.type === "Linear" ? { ...layer, bias: false } : layer));
const muon = (about: object) => ({ ...base, model: { layers: matrices }, optimizer: { type: "Muon", ...about } });
const shapes = async (spec: object) => shapesOf((await checked(spec)).spec);

describe("specs train together", () => {
  test.each([
    ["name and metadata", { ...base, name: "other", metadata: { trial: "7" } }],
    ["seed", { ...base, seed: 7 }],
    ["rates of the optimizer", { ...base, optimizer: { type: "AdamW", lr: 1, betas: [0.8, 0.9], weight_decay: 0.3 } }],
    ["share that is dropped", { ...base, model: { layers: layers(8, 0.5) } }],
  ])("whatever their %s", async (_, other) => {
    expect(await shapes(other)).toBe(await shapes(base));
  });

  test("whatever the rates of their scheduler", async () => {
    expect(await shapes(scheduled(0.5))).toBe(await shapes(scheduled(0.9)));
    expect(await shapes(scheduled(0.5))).not.toBe(await shapes(base));
  });

  test.each([
    ["sizes", { ...base, model: { layers: layers(9) } }],
    ["kinds of layers", { ...base, model: { layers: layers(8).with(1, { type: "Tanh" }) } }],
    ["dropout at all", { ...base, model: { layers: layers(8, 0) } }],
    ["kinds of optimizer", { ...base, optimizer: { type: "Adam", lr: 0.01, weight_decay: 0.01 } }],
    ["options of it", { ...base, optimizer: { type: "AdamW", lr: 0.01, amsgrad: true } }],
    ["weight decay at all", { ...base, optimizer: { type: "AdamW", lr: 0.01, weight_decay: 0 } }],
    ["losses", { ...base, loss: { type: "CrossEntropyLoss", label_smoothing: 0.1 } }],
    ["data", { ...base, data: { ...base.data, seed: 2 } }],
    ["validation", { ...base, validation: { split: 0.3 } }],
    ["batches", { ...base, batch_size: 16 }],
    ["lengths", { ...base, epochs: 21 }],
    ["early stopping", { ...base, early_stopping: { patience: 2 } }],
    ["priorities", { ...base, priority: 1 }],
  ])("but not with other %s", async (_, other) => {
    expect(await shapes(other)).not.toBe(await shapes(base));
  });

  test("but not with another number of an optimizer's own iterations", async () => {
    expect(await shapes(muon({ lr: 0.1 }))).toBe(await shapes(muon({ lr: 0.2 })));
    expect(await shapes(muon({ ns_steps: 4 }))).not.toBe(await shapes(muon({ ns_steps: 5 })));
  });
});

test("small is what takes moments and little memory, and may run on any device", async () => {
  expect(isSmall(await checked(base))).toBe(true);
  expect(isSmall(await checked({ ...base, device: "cpu" }))).toBe(true);
  expect(isSmall(await checked({ ...base, device: "gpu" }))).toBe(false);
  expect(isSmall(await checked({ ...base, epochs: 1e6 }))).toBe(false);
  const wide = [
    { type: "Linear", out_features: 4000 },
    { type: "Linear", out_features: 4000 },
  ];
  expect(
    isSmall(await checked({ ...base, epochs: 1, model: { layers: [...wide, { type: "Linear", out_features: 2 }] } })),
  ).toBe(false);
});

test("what has a limit to its time trains by itself: the turns of others would count", async () => {
  expect(isSmall(await checked({ ...base, max_runtime_s: null }))).toBe(true);
  expect(isSmall(await checked({ ...base, max_runtime_s: 10 }))).toBe(false);
});

test("batches fill every slot of the workers, and one waits ahead of each", () => {
  expect([1, 2, 3, 8, 16, 100].map((slots) => batchSize(16, slots))).toEqual([8, 4, 3, 1, 1, 1]);
  expect([1, 2, 4, 16].map((slots) => batchSize(256, slots))).toEqual([16, 16, 16, 8]);
  expect(batchSize(1, 1)).toBe(1);
});

describe("batches", () => {
  test("are a partition of the trials, in order, each of equal shapes and not too many or too large", async () => {
    const specs = await Promise.all(
      [
        ...[base, { ...base, seed: 1 }, { ...base, model: { layers: layers(9) } }],
        ...[
          { ...base, epochs: 1e6 },
          { ...base, device: "gpu" },
        ],
      ].map(checked),
    );
    const large = 100 * 2 ** 20;
    const [first] = specs;
    if (!first) throw new Error("There is a first.");
    const kinds = [...specs, { ...first, estimate: { ...first.estimate, bytes: large } }];
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...kinds), { maxLength: 80 }),
        fc.integer({ min: 1, max: MOST_TOGETHER }),
        (drawn, most) => {
          const trials = drawn.map((kind, number) => ({ ...kind, number }));
          const batches = divide(trials, most);
          const numbers = batches.flat().map(({ number }) => number);
          expect(numbers.toSorted((a, b) => a - b)).toEqual(trials.map(({ number }) => number));
          const firsts = batches.map((batch) => batch[0]?.number ?? -1);
          expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
          for (const batch of batches) {
            expect(batch.length).toBeLessThanOrEqual(batch.every(isSmall) ? most : 1);
            expect(batch.length).toBeGreaterThan(0);
            expect(new Set(batch.map(({ spec }) => shapesOf(spec))).size).toBe(1);
            expect(batch.map(({ number }) => number)).toEqual(
              batch.map(({ number }) => number).toSorted((a, b) => a - b),
            );
            const bytes = batch.reduce((sum, { estimate }) => sum + estimate.bytes, 0);
            if (batch.length > 1) expect(bytes).toBeLessThanOrEqual(256 * 2 ** 20);
          }
          // No two could have been one.
          const open = batches.filter((batch) => batch.length < most && batch.every(isSmall));
          const small = open.filter((batch) => batch.every(({ estimate }) => estimate.bytes < large));
          const seen = small.map(([trial]) => trial && shapesOf(trial.spec));
          if (trials.every(({ estimate }) => estimate.bytes < large)) expect(new Set(seen).size).toBe(seen.length);
        },
      ),
    );
  });
});
