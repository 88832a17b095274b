import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { freeBuffers } from "../../src/api/free-buffers.ts";

test("buffers that nobody holds are freed, without a collection of all garbage", async () => {
  const held = Buffer.alloc(2 ** 16, 7);
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 160; i++) Buffer.alloc(2 ** 16, i);
  const dead = process.memoryUsage().arrayBuffers - before;
  freeBuffers();
  // They are given back by another thread, a little later.
  for (let i = 0; i < 500 && process.memoryUsage().arrayBuffers > before + dead / 4; i++) await sleep(10);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(dead / 4);
  expect(held[0]).toBe(7);
});
