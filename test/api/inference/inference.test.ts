/** The inference thread: questions that come together, models that come and go. */
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { Inference } from "../../../src/api/inference/inference.ts";
import type { ModelParts, Question } from "../../../src/api/inference/protocol.ts";
import { ProblemError } from "../../../src/api/problems.ts";
import { centring, scaling } from "./models-of-the-tests.ts";

const thread = new Inference();
afterAll(() => thread.close());

const question = (inputs: unknown): Question => ({ format: "json", bytes: Buffer.from(JSON.stringify({ inputs })) });
const read = ({ bytes }: { bytes: Uint8Array }) => JSON.parse(Buffer.from(bytes).toString("utf8"));
const source = (key: string, parts: ModelParts) => ({ key, load: async () => parts });
const told = (error: unknown): string => (error instanceof ProblemError ? error.message : `not a problem: ${error}`);

test("questions that come together are answered as if each had come alone, the wrong ones among them, too", async () => {
  const model = source("twice", scaling(2));
  const row = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 2 });
  const asked = fc.oneof(
    { weight: 4, arbitrary: fc.array(row, { minLength: 1, maxLength: 5 }) },
    { weight: 1, arbitrary: fc.constantFrom([[1]], "x", [], [[1, "word"]], Array(300).fill([7, 8])) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(asked, { minLength: 1, maxLength: 40 }), async (questions) => {
      const answers = await Promise.all(
        questions.map((inputs) => thread.predict(model, question(inputs)).then(read, told)),
      );
      for (const [i, inputs] of questions.entries()) {
        const alone = await thread.predict(model, question(inputs)).then(read, told);
        expect(answers[i]).toEqual(alone);
        if (typeof alone === "object")
          expect(alone.outputs).toEqual(Array.from(inputs, (row) => Array.from(row, (x) => 2 * Number(x))));
      }
    }),
    { numRuns: 15 },
  );
});

test("questions to a model that mixes samples are kept apart", async () => {
  const model = source("centring", centring());
  const pairs = [1, 10, 100].map((size) => [
    [0, size],
    [2 * size, -size],
  ]);
  const answers = await Promise.all(pairs.map((inputs) => thread.predict(model, question(inputs)).then(read)));
  for (const { outputs } of answers) {
    expect(outputs[0][0]).toBeCloseTo(-1, 3);
    expect(outputs[1]).toEqual(outputs[0].map((x: number) => -x));
  }
});

test("a model that many ask for at once is loaded once", async () => {
  let loads = 0;
  const model = {
    key: "counted",
    load: async () => {
      loads++;
      return scaling(3);
    },
  };
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, i) => thread.predict(model, question([[i, 1]])).then(read)),
  );
  expect(answers.map(({ outputs }) => outputs[0][0])).toEqual(Array.from({ length: 50 }, (_, i) => 3 * i));
  expect(loads).toBe(1);
});

test("models that have no room beside each other take turns", async () => {
  const thread = new Inference({ cacheBytes: 1 });
  const models = [1, 2, 3, 4].map((factor) => source(`times ${factor}`, scaling(factor)));
  const answers = await Promise.all(
    Array.from({ length: 80 }, async (_, i) => {
      const model = models[i % models.length];
      if (!model) throw new Error("no model");
      return read(await thread.predict(model, question([[1, i]]))).outputs[0];
    }),
  );
  expect(answers).toEqual(Array.from({ length: 80 }, (_, i) => [(i % 4) + 1, ((i % 4) + 1) * i]));
  await thread.close();
});

test("what can't be loaded is told to all who asked, and tried again for the next", async () => {
  let broken = true;
  const model = {
    key: "late",
    load: async () => {
      if (broken) throw new Error("the disk is away");
      return scaling(1);
    },
  };
  const failures = await Promise.all(
    [1, 2, 3].map((x) => thread.predict(model, question([[x, x]])).then(read, (error: Error) => error.message)),
  );
  expect(failures).toEqual(Array(3).fill("the disk is away"));
  broken = false;
  expect(read(await thread.predict(model, question([[4, 5]]))).outputs).toEqual([[4, 5]]);
});
