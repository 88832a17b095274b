/**
 * Every layer, exported to ONNX, gives in onnxruntime what it gives here. The files that were checked are stored by their
 * SHA-256, so that `npm test` knows without Python whether what is exported has been checked:
 *
 *     EPOCHD_STORE=1 PYTHON=python3 npx vitest run test/differential/onnx.test.ts
 */
import { expect, test } from "vitest";
import { z } from "zod";
import { checkedFiles, digest, storeChecked } from "../interchange/onnx/checked-files.ts";
import { onnxCases } from "../interchange/onnx/onnx-cases.ts";
import { askAbout } from "./python.ts";

const Answer = z.union([
  z.strictObject({ name: z.string(), difference: z.number() }),
  z.strictObject({ name: z.string(), error: z.string() }),
]);

test("onnxruntime computes what the engine computes, within 1e-5, for every layer", async ({ skip }) => {
  const cases = onnxCases();
  const files = cases.map(({ bytes, ...given }) => ({ ...given, files: { [`${given.name}.onnx`]: bytes } }));
  const found = await askAbout("check_onnx.py", files, Answer, skip);
  expect(found.filter((answer) => "error" in answer || answer.difference > 1e-5)).toEqual([]);
  const worst = Math.max(...found.map((answer) => ("difference" in answer ? answer.difference : 0)));
  console.log(`${found.length} models; the largest difference is ${worst}.`);
  const checked = Object.fromEntries(cases.map(({ name, bytes }) => [name, digest(bytes)]));
  if (process.env["EPOCHD_STORE"]) storeChecked(checked);
  expect(checked).toEqual(checkedFiles());
}, 300_000);
