/**
 * Exported Keras code, run by the Keras of $PYTHON: every layer that Keras can express computes what it computes here, and a
 * job's model makes the same of rows as they are.
 */
import { expect, test } from "vitest";
import { z } from "zod";
import { exportKeras } from "../../src/interchange/keras/export-keras.ts";
import { modelFormats } from "../../src/interchange/model-file.ts";
import { NotExpressibleError } from "../../src/interchange/trained-file.ts";
import { type LayerCase, layerCases, questionOf, trainedFile } from "../interchange/layer-cases.ts";
import { trainJob } from "../interchange/trained-jobs.ts";
import { readFixtures } from "../parity/fixture.ts";
import { askAbout, type FileCase } from "./python.ts";

const Answer = z.union([
  z.strictObject({ name: z.string(), outputs: z.number() }),
  z.strictObject({ name: z.string(), error: z.string() }),
]);

/** None of what Keras can't express. */
function ofLayers(given: LayerCase): FileCase[] {
  try {
    return [{ ...questionOf(given), files: { [`${given.name}.zip`]: exportKeras(trainedFile(given)) } }];
  } catch (error) {
    if (error instanceof NotExpressibleError) return [];
    throw error;
  }
}

async function ofJob(name: string): Promise<FileCase> {
  const fixture = readFixtures().find(({ spec }) => spec.name === name);
  if (!fixture) throw new Error(`There is no job ${name}.`);
  const { source, asked } = await trainJob(fixture, 2);
  return { name, ...asked, files: { [`${name}.zip`]: modelFormats.keras.write(source) } };
}

test("Keras computes what the engine computes, within 1e-5", async ({ skip }) => {
  const cases = [...layerCases().flatMap(ofLayers), await ofJob("cosine-annealing-lr")];
  const found = await askAbout("check_keras.py", cases, Answer, skip);
  expect(found.filter((answer) => "error" in answer || answer.outputs > 1e-5)).toEqual([]);
  const worst = Math.max(...found.map((answer) => ("outputs" in answer ? answer.outputs : 0)));
  console.log(`${found.length} models; the largest difference is ${worst}.`);
}, 900_000);
