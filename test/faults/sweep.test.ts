/** The worker that steers a sweep is killed, Redis lacks its last second: another goes on, and finds what an undisturbed sweep finds. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import type { SweepWithLeaderboard } from "../../src/jobs/sweeps/sweep.ts";
import { upTo } from "../job-fixture.ts";
import { Chance, rounds, within } from "./stage/chance.ts";
import { eventsOf, expectWholeLog } from "./stage/nothing-lost.ts";
import { redisProgram } from "./stage/redis-process.ts";
import { lively, patience, QUICK, Stage, UNHURRIED } from "./stage/stage.ts";

const chance = new Chance("sweep");
const EPOCHS = 9;
const base = {
  base: { ...lively, epochs: EPOCHS, stream: { steps: false } },
  space: { "optimizer.lr": { log_uniform: [0.001, 0.1] }, "model.layers[2].p": { uniform: [0.1, 0.4] } },
};
/** Each trial is drawn by itself: it makes no difference which ends first. */
const random = { ...base, trials: 8 };
/** Eight at a time train together at each of two workers. */
const small = { ...random, trials: 32, parallel: 32 };
/** What is drawn and who goes on depends on what came before: one after the other, that is the same each time. */
const learning = {
  ...base,
  trials: 9,
  parallel: 1,
  strategy: { type: "tpe", startup_trials: 3 },
  asha: { min_epochs: 1, reduction_factor: 3 },
};

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open(QUICK);
  await stage.startApi();
});
afterEach(({ task }) => stage.clear(task));
afterAll(() => stage.close());

test(
  "a random search goes on within 10 s",
  async () => {
    await Promise.all([stage.startWorker(UNHURRIED), stage.startWorker(UNHURRIED)]);
    const undisturbed = await trialsOf(await post(random));
    let soonest = Number.POSITIVE_INFINITY;
    // A machine that has other things to do may be late once.
    for (let round = 0; round < 3 && soonest >= 10_000; round++) {
      const id = await post(random);
      await untilSomewhere(id);
      const { worker } = await sweep(id);
      const killed = Date.now();
      await Promise.all([stage.killWorker(stage.workerOf({ worker })), stage.startWorker(UNHURRIED)]);
      await expectWhole(id, undisturbed);
      const resumed = (await eventsOf(stage, id, "sweeps")).find(({ event }) => event === "resumed");
      expect(resumed).toMatchObject({ reason: "worker_lost", attempt: 2 });
      soonest = Math.min(soonest, Date.parse(resumed?.time ?? "") - killed);
    }
    expect(soonest).toBeLessThan(10_000);
  },
  within(300),
);

test(
  "a search that learns is killed again and again, and learns the same",
  async () => {
    await Promise.all([stage.startWorker(), stage.startWorker()]);
    const undisturbed = await trialsOf(await post(learning));
    const id = await post(learning);
    for (let round = 0; round < rounds(3); round++) {
      await untilSomewhere(id);
      const { worker, status } = await sweep(id);
      if (status === "completed") break;
      await Promise.all([stage.killWorker(stage.workerOf({ worker })), stage.startWorker()]);
    }
    await expectWhole(id, undisturbed);
    expect((await eventsOf(stage, id, "sweeps")).some(({ event }) => event === "resumed")).toBe(true);
  },
  within(300),
);

test.skipIf(!redisProgram)(
  "a broker that lacks its last second is told again what the sweep and its trials were",
  async () => {
    await Promise.all([stage.startWorker(), stage.startWorker()]);
    const undisturbed = await trialsOf(await post(random));
    const id = await post(random);
    for (let round = 0; round < rounds(2); round++) {
      await untilSomewhere(id);
      await stage.redis.failWithoutLast(chance.int(300, 1000));
      await stage.redis.start();
    }
    await expectWhole(id, undisturbed);
  },
  within(300),
);

test.skipIf(!redisProgram)(
  "batches of small trials come through whatever befalls their workers and the broker",
  async () => {
    await Promise.all([stage.startWorker(), stage.startWorker()]);
    const undisturbed = await trialsOf(await post(small));
    const id = await post(small);
    const faults = [
      () => Promise.all([stage.killWorker(), stage.startWorker()]),
      () => Promise.all([stage.endWorker(), stage.startWorker()]),
      () => stage.redis.kill().then(() => stage.redis.start()),
      () => stage.redis.failWithoutLast(chance.int(300, 1000)).then(() => stage.redis.start()),
    ];
    for (let round = 0; round < rounds(4); round++) {
      await untilSomewhere(id);
      await chance.pick(faults)();
    }
    await expectWhole(id, undisturbed);
  },
  within(300),
);

async function post(spec: object): Promise<string> {
  const id = await stage.submit("/v1/sweeps", spec);
  stage.follow(id, "sweeps");
  return id;
}

async function sweep(id: string): Promise<SweepWithLeaderboard> {
  return (await stage.ask(`/v1/sweeps/${id}?limit=1000`)).json();
}

/** A random moment of a search, not too near to its end. */
async function untilSomewhere(id: string): Promise<void> {
  const { epochs_trained } = await sweep(id);
  const until = epochs_trained + chance.int(1, 2 * EPOCHS);
  await vi.waitFor(async () => {
    const { status, epochs_trained } = await sweep(id);
    expect(status === "completed" || epochs_trained >= until).toBe(true);
  }, patience);
  await chance.pause(50);
}

/** What the search found, once it is over: all but the names of the jobs, and the weights of the best. */
async function trialsOf(id: string) {
  const { leaderboard, best } = await vi.waitFor(async () => {
    const found = await sweep(id);
    expect(found.status, JSON.stringify(found.trials)).toBe("completed");
    return found;
  }, patience);
  const trials = leaderboard.map(({ job_id: _, ...rest }) => rest).sort((a, b) => a.number - b.number);
  return { trials, best: best?.number, weights: await stage.weights(best?.job_id ?? "") };
}

async function expectWhole(id: string, undisturbed: Awaited<ReturnType<typeof trialsOf>>): Promise<void> {
  expect(await trialsOf(id)).toEqual(undisturbed);
  const events = await expectWholeLog(stage, id, "sweeps");

  // Each trial was one job, from its first mention on, and no job is there besides.
  const jobs = (await (await stage.ask(`/v1/jobs?metadata.sweep=${id}&limit=100`)).json()).data;
  const made = jobs.map(({ metadata, id }: { metadata: { trial: string }; id: string }) => `${metadata.trial} ${id}`);
  const told = events.flatMap(({ trial }) => (trial ? [`${trial.number} ${trial.job_id}`] : []));
  expect(new Set(told)).toEqual(new Set(made));
  expect(made).toHaveLength(undisturbed.trials.length);
  for (const { trial } of events) if (trial?.job_id) await expectEpochsOnce(trial.job_id);
}

async function expectEpochsOnce(id: string): Promise<void> {
  const events = await eventsOf(stage, id);
  const epochs = events.filter(({ event }) => event === "epoch").map(({ epoch }) => epoch);
  expect(epochs).toEqual(upTo(epochs.length));
}
