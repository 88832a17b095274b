/** A client that knows more than the log: it waits for what was lost with the broker, and for nothing that never was. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { endOfLog } from "../../../src/api/sse/answer-events.ts";
import { JobLog } from "../../../src/jobs/job-log.ts";
import type { JobParts } from "../../../src/jobs/open-jobs.ts";
import { RecentWrites } from "../../../src/jobs/recent-writes.ts";
import { type BrokerFixture, startTestBroker } from "../../broker-fixture.ts";
import { moons, submit } from "../../job-fixture.ts";

let broker: BrokerFixture;
let parts: JobParts;
beforeAll(async () => {
  broker = await startTestBroker();
  parts = await broker.parts();
});
afterAll(() => broker.close());

/** The end of a job's log, and how often it was looked for. */
function counted(id: string) {
  const log = {
    looks: 0,
    last: async () => {
      log.looks++;
      return (await parts.log.events(id)).at(-1) ?? null;
    },
    missing: () => new Error("There is no such job."),
  };
  return log;
}

test("a position beyond the end is answered at once where the broker has been there all the time", async () => {
  const id = await submit(parts, moons);
  const logs = new JobLog(parts.redis, parts.log.keys, new RecentWrites(parts.redis, { restoredMs: 0 }));
  const [log, none] = [counted(id), counted("job_none")];
  expect(await endOfLog(logs, log, 99)).toMatchObject({ seq: 1, type: "queued" });
  await expect(endOfLog(logs, none, 99)).rejects.toThrow("There is no such job.");
  expect([log.looks, none.looks]).toEqual([1, 1]);
});

test("after a broker's return it is waited for, until those who wrote it restore it", async () => {
  const id = await submit(parts, moons);
  const log = counted(id);
  const end = endOfLog(parts.log, log, 3);
  await expect.poll(() => log.looks).toBeGreaterThan(1);
  await parts.jobs.pause(id);
  await parts.jobs.resume(id);
  expect(await end).toMatchObject({ seq: 3, type: "queued" });
});
