/** A sweep that is made: what it owns and needs stays with it, also when the broker is asked twice. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../../src/jobs/ids.ts";
import type { JobParts } from "../../../src/jobs/open-jobs.ts";
import { SweepQueue } from "../../../src/jobs/sweeps/sweep-queue.ts";
import { checkSweep } from "../../../src/sweeps/check-sweep.ts";
import { type BrokerFixture, startTestBroker } from "../../broker-fixture.ts";
import { moons } from "../../job-fixture.ts";

let broker: BrokerFixture;
let parts: JobParts;
beforeAll(async () => {
  broker = await startTestBroker();
  parts = await broker.parts();
});
afterAll(() => broker.close());

/** With so much data in it that this goes to the object store. */
async function largeSweep() {
  const inputs = Array.from({ length: 1000 }, (_, i) => [i, i / 2]);
  const data = { inline: { inputs, targets: inputs.map((_, i) => i % 2) } };
  const space = { "optimizer.lr": { log_uniform: [0.001, 0.1] } };
  const checked = await checkSweep(
    { base: { ...moons, data }, space, trials: 2 },
    { dataset: async () => null, weights: async () => "none" },
  );
  if (!checked.ok) throw new Error(JSON.stringify(checked.errors));
  return checked.sweep;
}

test("a creation whose answer was lost, and that is sent again, makes the sweep whole", async () => {
  const sweep = { id: newId("swp"), spec: await largeSweep() };
  const owner = { id: "key_a", jobs: null };
  const queue = new SweepQueue(parts.redis, parts.log.keys);
  try {
    expect(await parts.sweeps.submit(sweep, undefined, owner)).toMatchObject({ outcome: "created", id: sweep.id });
    expect(await parts.sweeps.submit(sweep, undefined, owner)).toMatchObject({ outcome: "same", id: sweep.id });
    expect(await parts.owners.ownerOf(sweep.id)).toBe("key_a");
    expect(await parts.store.list(`jobs/${sweep.id}`)).toHaveLength(1);
    expect(await queue.has(sweep.id)).toBe(true);
  } finally {
    await queue.close();
  }
});

test("of two creations with one idempotency key, the second leaves nothing behind", async () => {
  const spec = await largeSweep();
  const [first, second] = [newId("swp"), newId("swp")];
  const once = { key: "once", bodyHash: "a" };
  const owner = { id: "key_b", jobs: null };
  expect(await parts.sweeps.submit({ id: first, spec }, once, owner)).toMatchObject({ outcome: "created" });
  expect(await parts.sweeps.submit({ id: second, spec }, once, owner)).toEqual({ outcome: "same", id: first });
  expect(await parts.owners.owned("key_b", "swp", { limit: 9 })).toEqual([first]);
  expect(await parts.store.list(`jobs/${second}`)).toEqual([]);
});
