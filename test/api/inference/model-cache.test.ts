import { afterEach, beforeEach, expect, test } from "vitest";
import { ModelCache } from "../../../src/api/inference/model-cache.ts";
import { createWasmBackend } from "../../../src/engine/index.ts";
import { scaling } from "./models-of-the-tests.ts";

let backend: Awaited<ReturnType<typeof createWasmBackend>>;
beforeEach(async () => {
  backend = await createWasmBackend({ threads: 1, maxBytes: 16 * 2 ** 20 });
});
afterEach(() => backend.dispose());

/** 256 × 256 weights: 256 KiB. */
const WIDTH = 256;
const large = (factor: number) => scaling(factor, WIDTH);
const ask = (cache: ModelCache, key: string, rows = 1): number => {
  const model = cache.get(key);
  if (!model) throw new Error(`${key} is not ready.`);
  const { outputs } = cache.predict(model, new Float32Array(rows * WIDTH).fill(1), rows);
  return outputs[outputs.length - 1] ?? Number.NaN;
};

test("models stay ready within the bound, the one asked longest ago goes first", () => {
  const bound = 1.1 * 2 ** 20;
  const cache = new ModelCache(backend, bound);
  for (const factor of [1, 2, 3, 4]) cache.add(`${factor}`, large(factor));
  expect(ask(cache, "1")).toBe(1);
  cache.add("5", large(5));
  expect(cache.get("2")).toBeUndefined();
  for (const factor of [1, 3, 4, 5]) expect(cache.get(`${factor}`), `${factor}`).toBeDefined();
  expect(cache.size.bytes).toBeLessThanOrEqual(bound);
});

test("what counts is all that the device holds, also what larger questions need", () => {
  const cache = new ModelCache(backend, 8 * 2 ** 20);
  for (const factor of [1, 2, 3, 4]) {
    cache.add(`${factor}`, large(factor));
    expect(cache.size.bytes).toBe(backend.memory.live);
    for (const rows of [1, 7, 700]) expect(ask(cache, `${factor}`, rows)).toBe(factor);
    expect(cache.size.bytes).toBe(backend.memory.live);
    expect(cache.size.bytes).toBeLessThanOrEqual(8 * 2 ** 20);
  }
  expect(cache.size.models).toBeLessThan(4);
});

test("a model larger than the bound is kept until the next one comes", () => {
  const cache = new ModelCache(backend, 1000);
  cache.add("1", large(1));
  expect(ask(cache, "1")).toBe(1);
  cache.add("2", large(2));
  expect(cache.get("1")).toBeUndefined();
  expect(ask(cache, "2")).toBe(2);
});

test("where the device has no room, others make it, whatever the bound says", () => {
  const cache = new ModelCache(backend, 1000 * 2 ** 20);
  for (let factor = 1; factor <= 100; factor++) {
    cache.add(`${factor}`, large(factor));
    expect(ask(cache, `${factor}`, 300)).toBe(factor);
  }
  expect(cache.size.models).toBeGreaterThan(2);
  expect(backend.memory.live).toBeLessThanOrEqual(16 * 2 ** 20);
});
