/** Workers are killed, asked to end, and put to sleep: another goes on, and nobody can tell from the result. */
import { afterEach, describe, expect, test } from "vitest";
import { slow } from "../job-fixture.ts";
import { Chance, rounds, within } from "./stage/chance.ts";
import { eventsOf, expectNothingLost } from "./stage/nothing-lost.ts";
import { lively, QUICK, Stage } from "./stage/stage.ts";

const chance = new Chance("worker");
let stage: Stage;
afterEach(() => stage.close());

describe("a worker killed with -9 in mid-step", () => {
  test(
    "is followed by another within 10 s",
    async () => {
      stage = await Stage.open();
      await Promise.all([stage.startApi(), stage.startWorker(), stage.startWorker()]);
      await stage.undisturbed(lively);
      const id = await stage.post(lively);
      await stage.untilSomewhere(chance, [id]);
      const job = await stage.job(id);
      const killed = Date.now();
      await stage.killWorker(stage.workerOf(job));
      await expectNothingLost(stage);
      const resumed = (await eventsOf(stage, id)).find(({ event }) => event === "resumed");
      expect(resumed).toMatchObject({ reason: "worker_lost", attempt: 2 });
      expect(resumed?.worker).not.toBe(job.worker);
      expect(Date.parse(resumed?.time ?? "") - killed).toBeLessThan(10_000);
    },
    within(300),
  );

  // A checkpoint after each epoch, as seldom as it may be, and none but the one that the job began with.
  test.each([{ every_epochs: 1 }, undefined, { every_epochs: 1000 }])(
    "again and again, with the checkpoint %o",
    async (checkpoint) => {
      const spec = { ...lively, checkpoint };
      stage = await Stage.open(QUICK);
      await Promise.all([stage.startApi(), stage.startWorker()]);
      await stage.undisturbed(spec);
      const ids = [await stage.post(spec), await stage.post(spec)];
      for (const id of ids) stage.follow(id);
      for (let round = 0; round < rounds(3); round++) {
        await stage.untilSomewhere(chance, ids);
        await Promise.all([stage.killWorker(), stage.startWorker()]);
      }
      await expectNothingLost(stage);
    },
    within(300),
  );

  test(
    "without a new checkpoint, too often: the job fails, and kills no more workers",
    async () => {
      stage = await Stage.open(QUICK);
      await stage.startApi();
      const spec = { ...slow, epochs: 100_000, checkpoint: { every_epochs: 100_000 } };
      const response = await stage.ask("/v1/jobs", spec);
      const { id } = await response.json();
      for (let losses = 1; losses <= 5; losses++) {
        await stage.startWorker();
        await stage.untilAttempt(id, losses);
        await stage.killWorker();
      }
      await stage.startWorker();
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
      stage = await Stage.open(QUICK);
      await Promise.all([stage.startApi(), stage.startWorker({ STOP_GRACE_MS: "4000" })]);
      await stage.undisturbed(lively);
      const id = await stage.post(lively);
      stage.follow(id);
      for (let round = 0; round < rounds(3); round++) {
        await stage.untilSomewhere(chance, [id]);
        const [ended] = await Promise.all([stage.endWorker(), stage.startWorker({ STOP_GRACE_MS: "4000" })]);
        expect(ended).toBe(0);
      }
      await expectNothingLost(stage);
      const events = await eventsOf(stage, id);
      for (const [i, event] of events.entries()) {
        if (event.event !== "resumed") continue;
        expect(event.reason).toBe("worker_stopped");
        const [checkpoint, back] = events.slice(i - 2, i);
        expect(checkpoint).toMatchObject({ event: "checkpoint", step: event.step });
        expect(back).toMatchObject({ event: "queued", reason: "worker_stopped" });
      }
    },
    within(300),
  );
});

describe("a worker that was only asleep", () => {
  test(
    "can't write any more once another has taken its job",
    async () => {
      stage = await Stage.open(QUICK);
      const [, sleeper] = await Promise.all([stage.startApi(), stage.startWorker()]);
      await stage.undisturbed(lively);
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
