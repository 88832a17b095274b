/** A worker that is killed with -9 in mid-job: another goes on, and nobody can tell from the result. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { modelWeights } from "../../src/engine/index.ts";
import type { JobParts } from "../../src/jobs/open-jobs.ts";
import { type BrokerFixture, startTestBroker } from "../broker-fixture.ts";
import {
  checkpointOf,
  epochsOf,
  eventsOf,
  figuresOf,
  slow,
  submit,
  untilEpoch,
  untilStatus,
  upTo,
} from "../job-fixture.ts";
import { run, type TestProcess } from "../process-fixture.ts";

let broker: BrokerFixture;
let parts: JobParts;
let env: Record<string, string>;
const processes: TestProcess[] = [];

beforeAll(async () => {
  broker = await startTestBroker();
});
beforeEach(async () => {
  const config = broker.config();
  parts = await broker.parts(config);
  env = {
    REDIS_URL: broker.url,
    KEY_NAMESPACE: config.namespace,
    DATA_DIR: config.dataDir,
    CONCURRENCY: "1",
    LOG_LEVEL: "info",
  };
});
afterEach(async () => {
  for (const process of processes) process.kill("SIGKILL");
  await Promise.all(processes.splice(0).map(({ ended }) => ended));
});
afterAll(() => broker.close());

async function work(): Promise<TestProcess> {
  const worker = run(["--worker"], env);
  processes.push(worker);
  await worker.until(/waiting for jobs/);
  return worker;
}

// Each starts several processes, on a machine that may be busy with other things.
const timeout = 120_000;

describe("a worker killed with -9 in mid-job", () => {
  // A checkpoint at each epoch, and none but the one that the job began with.
  test.each([
    ["each epoch", { every_epochs: 1 }],
    ["no epoch yet", { every_epochs: 1000 }],
  ])(
    "is followed by another from the last checkpoint (%s): no epoch missing, none doubled, the same bits",
    async (_when, checkpoint) => {
      const spec = { ...slow, epochs: 25, checkpoint };
      const first = await work();
      const id = await submit(parts, spec);
      await untilEpoch(parts, id, 8);
      first.kill("SIGKILL");
      await first.ended;
      const killed = Date.now();
      await work();
      await untilStatus(parts, id, "completed");

      const events = await eventsOf(parts, id);
      const resumed = events.find(({ type }) => type === "resumed");
      expect(resumed).toMatchObject({ attempt: 2, reason: "worker_lost" });
      expect(Date.parse(resumed.time) - killed).toBeLessThan(10_000);
      expect(events.map(({ seq }) => seq)).toEqual(upTo(events.length));
      expect(await epochsOf(parts, id)).toEqual(upTo(25));
      expect(await parts.jobs.get(id)).toMatchObject({ attempts: 2, progress: { epoch: 25 } });

      const undisturbed = await submit(parts, spec);
      await untilStatus(parts, undisturbed, "completed");
      expect(await figuresOf(parts, id)).toEqual(await figuresOf(parts, undisturbed));
      const [ours, theirs] = [await checkpointOf(parts, id), await checkpointOf(parts, undisturbed)];
      expect(modelWeights(ours)).toEqual(modelWeights(theirs));
    },
    timeout,
  );

  test(
    "again and again without a new checkpoint fails the job instead of killing workers for ever",
    async () => {
      const id = await submit(parts, { ...slow, epochs: 100_000, checkpoint: { every_epochs: 100_000 } });
      const quick = { LOCK_MS: "400", STALLED_MS: "200" };
      for (let losses = 1; losses <= 6; losses++) {
        const worker = run(["--worker"], { ...env, ...quick });
        processes.push(worker);
        await worker.until(losses === 1 ? /"msg":"started"/ : /"msg":"resumed"/);
        if (losses === 6) break;
        worker.kill("SIGKILL");
        await worker.ended;
      }
      await untilStatus(parts, id, "failed");
      expect((await parts.jobs.get(id))?.error).toMatchObject({ title: "The workers of this job kept dying" });
    },
    timeout,
  );
});

describe("a worker that was only asleep", () => {
  test(
    "can't write any more once another has taken its job",
    async () => {
      const id = await submit(parts, { ...slow, epochs: 60 });
      const sleeper = await work();
      await untilEpoch(parts, id, 5);
      sleeper.kill("SIGSTOP");
      await work();
      await untilStatus(parts, id, "completed");
      sleeper.kill("SIGCONT");
      await sleeper.until(/may not write|lock .*lost|could not renew lock/i);
      expect(await epochsOf(parts, id)).toEqual(upTo(60));
      expect((await eventsOf(parts, id)).at(-1)?.type).toBe("completed");
    },
    timeout,
  );
});
