/** SHA-256 of the files that onnxruntime has run (test/differential/onnx.test.ts). */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const FILE = new URL("../../fixtures/interchange/onnx-checked.json", import.meta.url);

export const checkedFiles = (): Record<string, string> => JSON.parse(readFileSync(FILE, "utf8"));

export const storeChecked = (files: Record<string, string>): void =>
  writeFileSync(FILE, `${JSON.stringify(files, null, 2)}\n`);

export const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
