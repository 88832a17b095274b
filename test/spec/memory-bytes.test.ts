/** What the dry run says of memory, against what training then holds, and that against what it is made of. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { MEMORY_MODELS } from "../../bench/memory-models.ts";
import { sumOfParts } from "../../bench/sum-of-parts.ts";
import { analyseCsv } from "../../src/data/csv/analyse-csv.ts";
import { createWasmBackend, Trainer } from "../../src/engine/index.ts";
import { createPlan, prepareJobData } from "../../src/spec/index.ts";
import { exampleFile, sourceOf } from "../data/sources-of-the-tests.ts";
import { accepted } from "./specs-of-the-tests.ts";

/** Bytes that the dry run expects, the most that a training of one epoch holds, and how often that is the sum of parts. */
async function compared(spec: object): Promise<{ said: number; held: number; times: number }> {
  const checked = await accepted({ ...spec, epochs: 1 }, { dataset: async (id) => analyseCsv(exampleFile(id)) });
  const data = await prepareJobData(checked.spec, sourceOf());
  const backend = await createWasmBackend();
  const trainer = Trainer.create(createPlan(checked.spec, data), backend);
  trainer.run({ onEvent: () => {}, shouldStop: () => false });
  const { peak } = backend.memory;
  trainer.dispose();
  backend.dispose();
  expect(checked.estimate.bytes).toBe(checked.summary.memory_bytes);
  const parts = sumOfParts(checked, data);
  return { said: checked.summary.memory_bytes, held: peak, times: (peak - parts.data) / parts.sum };
}

const EXAMPLES = new URL("../../examples/specs/", import.meta.url);
const examples = readdirSync(EXAMPLES).map((file): [string, object] => {
  const text = readFileSync(new URL(file, EXAMPLES), "utf8");
  const csv = /"csv": "(\w+)\.csv"/.exec(text)?.[1] ?? "";
  return [file, JSON.parse(text.replace("$DATASET_ID", csv))];
});

test.each([...Object.entries(MEMORY_MODELS), ...examples])("%s: within a tenth", async (_, spec) => {
  const { said, held } = await compared(spec);
  expect(said / held).toBeGreaterThan(0.9);
  expect(said / held).toBeLessThan(1.1);
});

test.each(Object.entries(MEMORY_MODELS))("%s: at most 1.3 × weights, gradients, state and values", async (_, spec) => {
  const { times } = await compared(spec);
  expect(times).toBeLessThan(1.3);
});

test("a model of more layers than are planned is guessed, and not too low", async () => {
  const layers = Array.from({ length: 501 }, () => ({ type: "Linear", out_features: 4 }));
  const few = {
    inline: {
      inputs: [
        [1, 2],
        [3, 4],
        [5, 6],
        [7, 8],
      ],
      targets: [0, 1, 2, 3],
    },
  };
  const { said, held } = await compared({ model: { layers }, loss: "CrossEntropyLoss", optimizer: "SGD", data: few });
  expect(said).toBeGreaterThan(held / 4);
  expect(said).toBeLessThan(held * 4);
});

test("sizes beyond any machine are told without anything of that size being made", async () => {
  const huge = { type: "Linear", out_features: 16_000_000 };
  const { summary } = await accepted(
    {
      model: { layers: [huge, { type: "Linear", out_features: 3 }] },
      loss: "CrossEntropyLoss",
      optimizer: "Adam",
      epochs: 1,
      batch_size: 1e6,
      data: { dataset_id: "iris", target: "species" },
    },
    {
      dataset: async (id) => analyseCsv(exampleFile(id)),
      limits: { maxParameters: 1e12, maxMemoryBytes: 1e15, maxFlops: 1e30 },
    },
  );
  expect(summary.memory_bytes).toBeGreaterThan(4 * 150 * 16e6);
});
