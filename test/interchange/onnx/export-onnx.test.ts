/** ONNX files: whether every layer has a rule, and whether what is written is what onnxruntime has run. */
import { expect, test } from "vitest";
import { layers } from "../../../src/engine/definitions.ts";
import { onnxRules } from "../../../src/interchange/onnx/layers.ts";
import { layerCases, typesIn } from "../layer-cases.ts";
import { checkedFiles, digest } from "./checked-files.ts";
import { onnxCases } from "./onnx-cases.ts";

test("every layer has a rule, and is tried", () => {
  expect([...onnxRules.keys()].sort()).toEqual([...layers.keys()].sort());
  const tried = new Set(layerCases().flatMap((given) => typesIn(given.layers)));
  expect([...layers.keys()].filter((type) => !tried.has(type))).toEqual([]);
});

test("every file is one that onnxruntime has run, within 1e-5 of the engine", () => {
  const written = Object.fromEntries(onnxCases().map(({ name, bytes }) => [name, digest(bytes)]));
  // Another one must be run first: test/differential/onnx.test.ts says how.
  expect(written).toEqual(checkedFiles());
});
