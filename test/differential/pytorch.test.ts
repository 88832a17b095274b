/**
 * Exported PyTorch code, run by the PyTorch of $PYTHON: every layer computes what it computes here, and jobs with every loss,
 * optimizer and scheduler have the next epoch's loss that they have here.
 */
import { expect, test } from "vitest";
import { z } from "zod";
import { createWasmBackend } from "../../src/engine/index.ts";
import { modelFormats } from "../../src/interchange/model-file.ts";
import { exportPyTorch } from "../../src/interchange/pytorch/export-pytorch.ts";
import { layerCases, questionOf, trainedFile } from "../interchange/layer-cases.ts";
import { trainJob } from "../interchange/trained-jobs.ts";
import { type Fixture, readFixtures } from "../parity/fixture.ts";
import { askAbout, type FileCase } from "./python.ts";

const Answer = z.union([
  z.strictObject({ name: z.string(), outputs: z.number(), loss: z.number().optional() }),
  z.strictObject({ name: z.string(), error: z.string() }),
]);

async function check(cases: readonly FileCase[], skip: (why: string) => never): Promise<void> {
  const found = await askAbout("check_pytorch.py", cases, Answer, skip);
  const far = (answer: z.infer<typeof Answer>): boolean =>
    "error" in answer || answer.outputs > 1e-5 || (answer.loss ?? 0) > 1e-5;
  expect(found.filter(far)).toEqual([]);
  const worst = (of: (answer: { outputs: number; loss?: number | undefined }) => number): number =>
    Math.max(...found.map((answer) => ("error" in answer ? 0 : of(answer))));
  const figures = `outputs differ by ${worst(({ outputs }) => outputs)} at most, losses by ${worst(({ loss }) => loss ?? 0)} of themselves`;
  console.log(`${found.length} models: ${figures}.`);
}

test("every layer predicts in PyTorch what it predicts here", async ({ skip }) => {
  const cases = layerCases().map((given) => ({
    ...questionOf(given),
    files: { [`${given.name}.zip`]: exportPyTorch(trainedFile(given)) },
  }));
  await check(cases, skip);
}, 300_000);

test("every loss, optimizer and scheduler goes on in PyTorch as it goes on here", async ({ skip }) => {
  const backend = await createWasmBackend();
  const cases: FileCase[] = [];
  const fixtures = readFixtures().filter(({ spec: { name } }) => !name.startsWith("layer-"));
  // Shuffled, so that the order must be the same, too.
  const shuffled = { shuffle: true, seed: 5 };
  const add = async (fixture: Fixture, name: string, changes: object): Promise<void> => {
    const { source, data, nextLoss, asked } = await trainJob(fixture, 2, changes);
    const file = `${name}-${data.name}`;
    const files = { [`${name}.zip`]: modelFormats.pytorch.write(source, backend), [file]: data.content };
    cases.push({ name, files, data: file, loss: nextLoss, ...asked });
  };
  for (const fixture of fixtures) await add(fixture, fixture.spec.name, shuffled);
  const split = fixtures.find(({ spec }) => spec.name === "cosine-annealing-lr");
  if (!split) throw new Error("There is no job to be split.");
  await add(split, "split", { ...shuffled, validation: { split: 0.3 }, drop_last: true });
  await add(split, "split-in-order", { ...shuffled, validation: { split: 0.3 }, shuffle: false });
  await check(cases, skip);
}, 600_000);
