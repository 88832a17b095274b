/** Specs that no one thought of: random ones that must pass, and spoiled ones that must be told, never thrown. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { checkSpec, createPlan, prepareJobData } from "../../src/spec/index.ts";
import { sourceOf } from "../data/sources-of-the-tests.ts";
import { accepted, context, inline, iris, votes } from "./specs-of-the-tests.ts";

const activation = fc.constantFrom("ReLU", "Tanh", "Sigmoid", "GELU", "SiLU", "Identity").map((type) => ({ type }));
const hidden = fc
  .integer({ min: 1, max: 9 })
  .chain((size) => activation.map((act) => [{ type: "Linear", out_features: size }, act]));

/** Inline data of some width, hidden layers, and an end that fits the loss. */
const validSpec = fc
  .record({
    rows: fc.integer({ min: 2, max: 12 }),
    width: fc.integer({ min: 1, max: 5 }),
    body: fc.array(hidden, { maxLength: 3 }),
    kind: fc.constantFrom("classes", "labels", "binary", "values"),
    epochs: fc.integer({ min: 1, max: 1_000_000 }),
    batch_size: fc.integer({ min: 1, max: 40 }),
    seed: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    optimizer: fc.constantFrom<unknown>("SGD", "Adam", { type: "AdamW", lr: 0.1, betas: [0.8, 0.9] }),
    standardize: fc.boolean(),
    validation: fc.constantFrom<unknown>(null, undefined, { split: 0.5 }),
  })
  .map(({ rows, width, body, kind, standardize, ...settings }) => {
    const inputs = Array.from({ length: rows }, (_, r) => Array.from({ length: width }, (_, c) => Math.sin(r * 7 + c)));
    const ends = {
      classes: { loss: "CrossEntropyLoss", target: (r: number) => r % 2, end: [{ type: "Linear", out_features: 2 }] },
      labels: {
        loss: "CrossEntropyLoss",
        target: (r: number) => "ab"[r % 2],
        end: [{ type: "Linear", out_features: 3 }],
      },
      binary: {
        loss: "BCELoss",
        target: (r: number) => r % 2,
        end: [{ type: "Linear", out_features: 1 }, { type: "Sigmoid" }],
      },
      values: { loss: "MSELoss", target: (r: number) => [r, -r], end: [{ type: "Linear", out_features: 2 }] },
    };
    const { loss, target, end } = ends[kind];
    return {
      ...settings,
      model: { layers: [...body.flat(), ...end] },
      loss,
      data: { inline: { inputs, targets: inputs.map((_, r) => target(r)) }, preprocess: { standardize } },
    };
  });

test("a spec made to be right passes, and its plan is built", async () => {
  await fc.assert(
    fc.asyncProperty(validSpec, async (given) => {
      const { spec, summary } = await accepted(given);
      const plan = createPlan(spec, await prepareJobData(spec, sourceOf()));
      const held = plan.validation?.count ?? 0;
      expect(plan.train.count + held).toBe(given.data.inline.inputs.length);
      expect(plan.train.inputs).toHaveLength(plan.train.count * given.data.inline.inputs[0]!.length);
      expect(summary.layers).toHaveLength(given.model.layers.length);
      expect(summary.parameters).toBeGreaterThan(0);
    }),
    { numRuns: 150 },
  );
});

test("a spec spoiled anywhere is accepted or told of, never thrown", async () => {
  const junk = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      undefined,
      "",
      "Linear",
      0,
      -1,
      1.5,
      1e308,
      true,
      [],
      {},
      [[]],
      [null],
      { type: "Linear" },
      { type: 3 },
    ),
    fc.jsonValue(),
    fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty"),
  );
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<object>(votes, iris, inline),
      fc.nat(),
      fc.nat(),
      junk,
      fc.string(),
      async (spec, at, how, value, key) => {
        const spoiled = spoil(structuredClone(spec), at, how, value, key);
        const checked = await checkSpec(spoiled, context);
        if (checked.ok) return;
        refused += 1;
        expect(checked.errors.length).toBeGreaterThan(0);
        for (const { path, message } of checked.errors) {
          expect(path).toBeTypeOf("string");
          expect(message.length).toBeGreaterThan(5);
          expect(message).not.toMatch(/undefined|\[object|NaN|Invalid input/);
        }
      },
    ),
    { numRuns: 3000 },
  );
  expect(refused).toBeGreaterThan(1000);
});

test("anything at all is accepted or told of, never thrown", async () => {
  await fc.assert(
    fc.asyncProperty(fc.anything(), async (given) => {
      expect(await checkSpec(given, context)).toMatchObject({ ok: false, errors: expect.any(Array) });
    }),
    { numRuns: 500 },
  );
});

/** Replaces, removes or adds one value somewhere in the spec, as JSON could carry it. */
function spoil(spec: object, at: number, how: number, value: unknown, key: string): unknown {
  const places: { holder: object; name: string }[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    for (const [name, inner] of Object.entries(node)) {
      places.push({ holder: node, name });
      visit(inner);
    }
  };
  visit(spec);
  const { holder, name } = places[at % places.length] ?? { holder: spec, name: "" };
  const set = (field: string): void => {
    Object.defineProperty(holder, field, { value, enumerable: true, configurable: true, writable: true });
  };
  if (how % 3 === 1) set(name);
  else if (how % 3 === 2) set(Array.isArray(holder) ? String(holder.length) : key);
  else if (Array.isArray(holder)) holder.splice(Number(name), 1);
  else Reflect.deleteProperty(holder, name);
  return spec;
}
