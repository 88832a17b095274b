/** Workers are killed, asked to end, and put to sleep: another goes on, and nobody can tell from the result. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { slow } from "../job-fixture.ts";
import { Chance, rounds, within } from "./stage/chance.ts";
import { eventsOf, expectNothingLost } from "./stage/nothing-lost.ts";
import { lively, QUICK, Stage, UNHURRIED } from "./stage/stage.ts";

const chance = new Chance("worker");
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open(QUICK);
  await stage.rehearse(lively);
});
afterEach(({ task }) => stage.clear(task));
afterAll(() => stage.close());

describe("a worker killed with -9 in mid-step", () => {
  /** How long it took until another had its job, in ms. */
  async function handOver(): Promise<number> {
    await Promise.all([stage.startWorker(UNHURRIED), stage.startWorker(UNHURRIED)]);
    const id = await stage.post(lively);
    await stage.untilSomewhere(chance, [id]);
    const job = await stage.job(id);
    const killed = Date.now();
    await stage.killWorker(stage.workerOf(job));
    await expectNothingLost(stage);
    const resumed = (await eventsOf(stage, id)).find(({ event }) => event === "resumed");
    expect(resumed).toMatchObject({ reason: "worker_lost", attempt: 2 });
    expect(resumed?.worker).not.toBe(job.worker);
    await stage.clear();
    return Date.parse(resumed?.time ?? "") - killed;
  }

  test(
    "is followed by another within 10 s",
    async () => {
      // A machine that has other things to do may be late once.
      let soonest = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 3 && soonest >= 10_000; round++) soonest = Math.min(soonest, await handOver());
      expect(soonest).toBeLessThan(10_000);
    },
    within(300),
  );

  test(
    "again and again, whether its jobs store checkpoints after each epoch, as seldom as they may, or never",
    async () => {
      await stage.startWorker({ CONCURRENCY: "3" });
      const checkpoints = [{ every_epochs: 1 }, undefined, { every_epochs: 1000 }];
      const ids = await Promise.all(checkpoints.map((checkpoint) => stage.post({ ...lively, checkpoint })));
      for (const id of ids) stage.follow(id);
      for (let round = 0; round < rounds(3); round++) {
        await stage.untilSomewhere(chance, ids);
        await Promise.all([stage.killWorker(), stage.startWorker({ CONCURRENCY: "3" })]);
      }
      await expectNothingLost(stage);
    },
    within(300),
  );

  test(
    "without a new checkpoint, too often: the job fails, and kills no more workers",
    async () => {
      // A lock that a busy machine loses by mistake is one loss more.
      const hasty = { LOCK_MS: "800", STALLED_MS: "300" };
      const spec = { ...slow, epochs: 100_000, checkpoint: { every_epochs: 100_000 } };
      const id = await stage.submit("/v1/jobs", spec);
      for (let losses = 1; losses <= 5; losses++) {
        await stage.startWorker(hasty);
        await stage.untilAttempt(id, losses);
        await stage.killWorker();
      }
      await stage.startWorker(hasty);
      const { error } = await stage.untilStatus(id, "failed");
      expect(error).toMatchObject({ title: "The workers of this job kept dying" });
    },
    within(300),
  );
});

describe("a worker that is asked to end", () => {
  test(
    "stores a checkpoint and hands over: nothing is trained twice, and no loss is counted",
    async () => {
      const patient = { STOP_GRACE_MS: "4000" };
      await stage.startWorker(patient);
      const id = await stage.post(lively);
      stage.follow(id);
      for (let round = 0; round < rounds(3); round++) {
        await stage.untilSomewhere(chance, [id]);
        const [ended] = await Promise.all([stage.endWorker(), stage.startWorker(patient)]);
        expect(ended).toBe(0);
      }
      await expectNothingLost(stage);
      const events = await eventsOf(stage, id);
      for (const [i, event] of events.entries()) {
        if (event.event !== "resumed") continue;
        expect(event.reason).toBe("worker_stopped");
        const [last, back] = events.slice(i - 2, i);
        expect(back).toMatchObject({ event: "queued", reason: "worker_stopped" });
        // One that was asked to end before it had trained a step has nothing to store.
        if (last?.event === "started") continue;
        expect(last).toMatchObject({ event: expect.stringMatching(/^(checkpoint|resumed)$/), step: event.step });
      }
    },
    within(300),
  );
});

describe("a worker that was only asleep", () => {
  test(
    "can't write any more once another has taken its job",
    async () => {
      const sleeper = await stage.startWorker();
      const id = await stage.post(lively);
      stage.follow(id);
      await stage.untilSomewhere(chance, [id]);
      sleeper.kill("SIGSTOP");
      await stage.startWorker();
      await stage.untilStatus(id, "completed");
      sleeper.kill("SIGCONT");
      await sleeper.until(/may not write|lock .*lost|could not renew lock/i);
      await expectNothingLost(stage);
    },
    within(300),
  );
});
