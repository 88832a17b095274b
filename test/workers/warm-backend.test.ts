/** A backend is used again by the next job, if that finds it as it would find a new one. */
import { expect, test } from "vitest";
import { WarmBackend } from "../../src/workers/warm-backend.ts";

const MIB = 2 ** 20;

test("the next job gets the backend of the one before, unless its numerics are others", async () => {
  const warm = new WarmBackend(1);
  const first = await warm.take("fast");
  first.free(first.allocate(MIB));
  warm.giveBack(first, "fast");
  const second = await warm.take("fast");
  expect(second).toBe(first);
  warm.giveBack(second, "fast");
  expect(await warm.take("strict")).not.toBe(first);
});

test("who takes one has it alone", async () => {
  const warm = new WarmBackend(1);
  const [one, other] = [await warm.take("fast"), await warm.take("fast")];
  expect(other).not.toBe(one);
  warm.giveBack(one, "fast");
  warm.giveBack(other, "fast");
  expect(await warm.take("fast")).toBe(one);
});

test("one that holds something or has grown large is given up", async () => {
  const warm = new WarmBackend(1);
  const holding = await warm.take("fast");
  holding.allocate(4);
  warm.giveBack(holding, "fast");
  const grown = await warm.take("fast");
  expect(grown).not.toBe(holding);
  grown.free(grown.allocate(32 * MIB));
  warm.giveBack(grown, "fast");
  expect(await warm.take("fast")).not.toBe(grown);
});
