/** Which parts of the engine have a whole run to be compared with PyTorch's, and are drawn by the differential test. */
import { expect, test } from "vitest";
import { layers, losses, optimizers, schedulers } from "../../src/engine/definitions.ts";
import { lossMakers } from "../differential/draw-loss.ts";
import { neverDrawn } from "../differential/draw-model.ts";
import { optimizerMakers, schedulerMakers } from "../differential/draw-updates.ts";
import { readFixtures } from "./fixture.ts";

/** Layers that have no run yet. Give a new layer one in scripts/fixtures/parity_layers.py, rather than a place here. */
const LAYERS_WITHOUT_RUN: readonly string[] = [];

const specs = readFixtures().map(({ spec }) => spec);
const without = (known: Iterable<string>, parts: readonly unknown[]): string[] => {
  const named = new Set(parts.flatMap(wordsIn));
  return [...known].filter((type) => !named.has(type));
};

/** Every word in a part of a spec, at any depth: layers hold layers, schedulers hold schedulers. */
function wordsIn(part: unknown): string[] {
  if (typeof part === "string") return [part];
  if (Array.isArray(part)) return part.flatMap(wordsIn);
  if (typeof part !== "object" || part === null) return [];
  return Object.values(part).flatMap(wordsIn);
}

test("every loss, optimizer and scheduler is trained with", () => {
  expect({
    losses: without(
      losses.keys(),
      specs.map((spec) => spec["loss"]),
    ),
    optimizers: without(
      optimizers.keys(),
      specs.map((spec) => spec["optimizer"]),
    ),
    schedulers: without(
      schedulers.keys(),
      specs.map((spec) => spec["scheduler"]),
    ),
  }).toEqual({ losses: [], optimizers: [], schedulers: [] });
});

test("every layer is trained, but for those that are known to be missing", () => {
  const trained = specs.map(({ model }) => model.layers);
  expect(without(layers.keys(), trained)).toEqual(LAYERS_WITHOUT_RUN);
});

test("everything is drawn by the differential test", () => {
  const missing = (known: Iterable<string>, drawn: object) => [...known].filter((type) => !Object.hasOwn(drawn, type));
  expect({
    layers: neverDrawn(),
    losses: missing(losses.keys(), lossMakers),
    optimizers: missing(optimizers.keys(), optimizerMakers),
    schedulers: missing(schedulers.keys(), schedulerMakers),
  }).toEqual({ layers: [], losses: [], optimizers: [], schedulers: [] });
});
