/** Exported Keras code, run by the Keras of $PYTHON: every layer that Keras can express computes what it computes here. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { exportKeras } from "../../src/interchange/keras/export-keras.ts";
import { NotExpressibleError } from "../../src/interchange/trained-file.ts";
import { drawInputs, type LayerCase, layerCases, predict, trainedFile } from "../interchange/layer-cases.ts";
import { askPython } from "./python.ts";

const Answer = z.union([
  z.strictObject({ name: z.string(), outputs: z.number() }),
  z.strictObject({ name: z.string(), error: z.string() }),
]);

const ROWS = 5;

/** Null for what Keras can't express. */
function written(given: LayerCase): Uint8Array | null {
  try {
    return exportKeras(trainedFile(given));
  } catch (error) {
    if (error instanceof NotExpressibleError) return null;
    throw error;
  }
}

test("Keras computes what the engine computes, within 1e-5", async ({ skip }) => {
  const folder = mkdtempSync(join(tmpdir(), "epochd-keras-"));
  try {
    const cases = layerCases().flatMap((given) => {
      const zip = written(given);
      if (!zip) return [];
      writeFileSync(join(folder, `${given.name}.zip`), zip);
      const inputs = drawInputs(given, ROWS);
      const { outputs, outputShape } = predict(given, trainedFile(given).weights, inputs);
      return [
        {
          name: given.name,
          inputs: { shape: [ROWS, ...given.input], values: [...inputs] },
          outputs: { shape: [ROWS, ...outputShape], values: [...outputs] },
        },
      ];
    });
    writeFileSync(join(folder, "cases.json"), JSON.stringify(cases));
    const answers = await askPython("check_keras.py", folder);
    if (typeof answers === "string") {
      console.log(`Keras code is not run: ${answers}`);
      return skip(answers);
    }
    const found = z.array(Answer).parse(answers);
    expect(found.map(({ name }) => name)).toEqual(cases.map(({ name }) => name));
    expect(found.filter((answer) => "error" in answer || answer.outputs > 1e-5)).toEqual([]);
    const worst = Math.max(...found.map((answer) => ("outputs" in answer ? answer.outputs : 0)));
    console.log(`${found.length} models; the largest difference is ${worst}.`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 900_000);
