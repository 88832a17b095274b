/**
 * Every layer, exported to ONNX, gives in onnxruntime what it gives here. The files that were checked are stored by their
 * SHA-256, so that `npm test` knows without Python whether what is exported has been checked:
 *
 *     EPOCHD_STORE=1 PYTHON=python3 npx vitest run test/differential/onnx.test.ts
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { checkedFiles, digest, storeChecked } from "../interchange/onnx/checked-files.ts";
import { onnxCases } from "../interchange/onnx/onnx-cases.ts";
import { askPython } from "./python.ts";

const Answer = z.union([
  z.strictObject({ name: z.string(), difference: z.number() }),
  z.strictObject({ name: z.string(), error: z.string() }),
]);

test("onnxruntime computes what the engine computes, within 1e-5, for every layer", async ({ skip }) => {
  const cases = onnxCases();
  const folder = mkdtempSync(join(tmpdir(), "epochd-onnx-"));
  try {
    for (const { name, bytes } of cases) writeFileSync(join(folder, `${name}.onnx`), bytes);
    writeFileSync(join(folder, "cases.json"), JSON.stringify(cases.map(({ bytes: _, ...given }) => given)));
    const answers = await askPython("check_onnx.py", folder);
    if (typeof answers === "string") {
      console.log(`ONNX files are not run: ${answers}`);
      return skip(answers);
    }
    const found = z.array(Answer).parse(answers);
    expect(found.map(({ name }) => name)).toEqual(cases.map(({ name }) => name));
    expect(found.filter((answer) => "error" in answer || answer.difference > 1e-5)).toEqual([]);
    const worst = found.reduce(
      (most, answer) => ("difference" in answer ? Math.max(most, answer.difference) : most),
      0,
    );
    console.log(`${found.length} models; the largest difference is ${worst}.`);
    const checked = Object.fromEntries(cases.map(({ name, bytes }) => [name, digest(bytes)]));
    if (process.env["EPOCHD_STORE"]) storeChecked(checked);
    expect(checked).toEqual(checkedFiles());
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 300_000);
