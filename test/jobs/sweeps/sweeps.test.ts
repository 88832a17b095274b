/** A sweep that is made: what it owns and needs stays with it, also when the broker is asked twice. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../../src/jobs/ids.ts";
import type { JobParts } from "../../../src/jobs/open-jobs.ts";
import { countTrials, type TrialRecord, trialView } from "../../../src/jobs/sweeps/sweep.ts";
import { SweepQueue } from "../../../src/jobs/sweeps/sweep-queue.ts";
import { checkSweep } from "../../../src/sweeps/check-sweep.ts";
import { TrialLedger } from "../../../src/workers/sweeps/trial-ledger.ts";
import { type BrokerFixture, startTestBroker } from "../../broker-fixture.ts";
import { moons } from "../../job-fixture.ts";

let broker: BrokerFixture;
let parts: JobParts;
beforeAll(async () => {
  broker = await startTestBroker();
  parts = await broker.parts();
});
afterAll(() => broker.close());

const steered = (attempt: number) => ({ attempt, worker: "w" });

function trial(number: number, value: number | null): TrialRecord {
  return {
    ...{
      number,
      job_id: newId("job"),
      status: "queued",
      params: {},
      draws: {},
      value,
      best_epoch: null,
      epoch: 1,
      epochs: 9,
    },
    ...{ error: null, rung_values: [], rung: 0 },
  };
}

/** A sweep whose first controller has told of these trials. */
async function sweepOf(trials: readonly TrialRecord[], mode: "min" | "max" = "min"): Promise<string> {
  const spec = await largeSweep();
  const objective = { ...spec.objective, mode };
  const id = newId("swp");
  await parts.sweepLog.create({ id, spec: { ...spec, objective } });
  await parts.sweepLog.append(id, [{ type: "started", data: steered(1) }], 1);
  await new TrialLedger(parts.sweepLog, { id, attempt: 1, objective }).tell(trials);
  return id;
}

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

test("thousands of trials are told of in one step", async () => {
  const trials = Array.from({ length: 5000 }, (_, i) => trial(i, i));
  const id = await sweepOf(trials);
  expect(await parts.sweepLog.trials(id)).toEqual(trials);
  expect((await parts.sweeps.get(id, 1))?.trials).toMatchObject({ drawn: 5000, queued: 5000 });
});

test("the leaderboard has the best first, those without a value last, and as many as are asked for", async () => {
  const trials = [3, null, 1, 4, null, 1, 5].map((value, number) => trial(number, value));
  const numbers = async (id: string, most: number) =>
    (await parts.sweeps.get(id, most))?.leaderboard.map(({ number }) => number);
  const lowest = await sweepOf(trials);
  expect(await numbers(lowest, 1000)).toEqual([2, 5, 0, 3, 6, 1, 4]);
  expect(await numbers(lowest, 3)).toEqual([2, 5, 0]);
  // As older workers have left it.
  await parts.redis.hdel(parts.log.keys.sweeps.state(lowest), "ranking");
  expect(await numbers(lowest, 3)).toEqual([2, 5, 0]);
  expect(await numbers(await sweepOf(trials, "max"), 4)).toEqual([6, 3, 0, 2]);
  expect(await numbers(await sweepOf([]), 4)).toEqual([]);
});

test("a leaderboard that is behind its trials has the best first, and all of them", async () => {
  const id = await sweepOf([3, 2, 1].map((value, number) => trial(number, value)));
  const numbers = async () => (await parts.sweeps.get(id, 1000))?.leaderboard.map(({ number }) => number);
  // The ranking is read before the trials; and an older worker does not write it.
  const later = trial(2, 9);
  const change = { type: "trial", data: { trial: trialView(later), best: 1, trials: countTrials([later]) } } as const;
  await parts.sweepLog.append(id, [{ ...change, state: { "trial:2": later } }], 1);
  expect(await numbers()).toEqual([1, 0, 2]);
  const state = { "trial:3": trial(3, 0), trials: { ...countTrials([]), drawn: 4 } };
  await parts.sweepLog.append(id, [{ ...change, state }], 1);
  expect(await numbers()).toEqual([3, 1, 0, 2]);
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
