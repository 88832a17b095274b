/**
 * Exported PyTorch code, run by the PyTorch of $PYTHON: every layer computes what it computes here, and jobs with every loss,
 * optimizer and scheduler have the next epoch's loss that they have here.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { createWasmBackend } from "../../src/engine/index.ts";
import { modelFormats } from "../../src/interchange/model-file.ts";
import { exportPyTorch } from "../../src/interchange/pytorch/export-pytorch.ts";
import { drawInputs, layerCases, predict, trainedFile } from "../interchange/layer-cases.ts";
import { trainJob } from "../interchange/trained-jobs.ts";
import { type Fixture, readFixtures } from "../parity/fixture.ts";
import { askPython } from "./python.ts";

const Answer = z.union([
  z.strictObject({ name: z.string(), outputs: z.number(), loss: z.number().optional() }),
  z.strictObject({ name: z.string(), error: z.string() }),
]);

interface Case {
  readonly name: string;
  readonly zip: Uint8Array;
  readonly data?: { readonly name: string; readonly content: string };
  readonly [given: string]: unknown;
}

async function check(cases: readonly Case[], skip: (why: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "epochd-pytorch-"));
  try {
    const told = cases.map(({ zip, data, ...given }) => {
      writeFileSync(join(folder, `${given.name}.zip`), zip);
      if (data) writeFileSync(join(folder, `${given.name}-${data.name}`), data.content);
      return { ...given, ...(data && { data: `${given.name}-${data.name}` }) };
    });
    writeFileSync(join(folder, "cases.json"), JSON.stringify(told));
    const answers = await askPython("check_pytorch.py", folder);
    if (typeof answers === "string") {
      console.log(`PyTorch code is not run: ${answers}`);
      return skip(answers);
    }
    const found = z.array(Answer).parse(answers);
    expect(found.map(({ name }) => name)).toEqual(cases.map(({ name }) => name));
    const far = (answer: z.infer<typeof Answer>): boolean =>
      "error" in answer || answer.outputs > 1e-5 || (answer.loss ?? 0) > 1e-5;
    expect(found.filter(far)).toEqual([]);
    const worst = (of: (answer: { outputs: number; loss?: number | undefined }) => number): number =>
      Math.max(...found.map((answer) => ("error" in answer ? 0 : of(answer))));
    const figures = `outputs differ by ${worst(({ outputs }) => outputs)} at most, losses by ${worst(({ loss }) => loss ?? 0)} of themselves`;
    console.log(`${found.length} models: ${figures}.`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("every layer predicts in PyTorch what it predicts here", async ({ skip }) => {
  const rows = 5;
  const cases = layerCases().map((given): Case => {
    const inputs = drawInputs(given, rows);
    const file = trainedFile(given);
    const { outputs, outputShape } = predict(given, file.weights, inputs);
    return {
      name: given.name,
      zip: exportPyTorch(file),
      inputs: { shape: [rows, ...given.input], values: [...inputs] },
      outputs: { shape: [rows, ...outputShape], values: [...outputs] },
    };
  });
  await check(cases, skip);
}, 300_000);

test("every loss, optimizer and scheduler goes on in PyTorch as it goes on here", async ({ skip }) => {
  const backend = await createWasmBackend();
  const cases: Case[] = [];
  const fixtures = readFixtures().filter(({ spec: { name } }) => !name.startsWith("layer-"));
  // Shuffled, so that the order must be the same, too.
  const shuffled = { shuffle: true, seed: 5 };
  const add = async (fixture: Fixture, name: string, changes: object): Promise<void> => {
    const { source, data, nextLoss, asked } = await trainJob(fixture, 2, changes);
    cases.push({ name, zip: modelFormats.pytorch.write(source, backend), data, loss: nextLoss, ...asked });
  };
  for (const fixture of fixtures) await add(fixture, fixture.spec.name, shuffled);
  const split = fixtures.find(({ spec }) => spec.name === "cosine-annealing-lr");
  if (!split) throw new Error("There is no job to be split.");
  await add(split, "split", { ...shuffled, validation: { split: 0.3 }, drop_last: true });
  await add(split, "split-in-order", { ...shuffled, validation: { split: 0.3 }, shuffle: false });
  await check(cases, skip);
}, 600_000);
