/** Runs of what a queue hands out. */
import { Queue, Worker } from "bullmq";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectPatient } from "../../src/jobs/redis.ts";
import { LockedRuns } from "../../src/workers/locked-runs.ts";
import { type BrokerFixture, startTestBroker } from "../broker-fixture.ts";

let broker: BrokerFixture;
beforeAll(async () => {
  broker = await startTestBroker();
});
afterAll(() => broker.close());

test("a run that begins once all were asked to stop is asked, too: it was taken just before", async () => {
  const connection = await connectPatient(broker.url);
  const options = { connection, prefix: broker.config().namespace };
  const queue = new Queue("runs", options);
  const worker = new Worker("runs", null, options);
  try {
    await queue.add("run", {});
    const job = await worker.getNextJob("token");
    if (!job) throw new Error("The queue gave nothing.");
    const runs = new LockedRuns<"shutdown">(10_000);
    runs.stopAll("shutdown");
    expect(await runs.run(job, "token", async (_, signal) => signal.reason)).toBe("shutdown");
  } finally {
    await worker.close();
    await queue.close();
    connection.disconnect();
  }
});
