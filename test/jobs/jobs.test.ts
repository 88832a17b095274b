/** What one can do with jobs: submit, list, cancel, remove; and a queue that knows what the log knows. */
import { Queue } from "bullmq";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { newId } from "../../src/jobs/ids.ts";
import { JobQueue, QUEUE_NAMES } from "../../src/jobs/job-queue.ts";
import type { JobParts } from "../../src/jobs/open-jobs.ts";
import { connectPatient } from "../../src/jobs/redis.ts";
import { type BrokerFixture, startTestBroker } from "../broker-fixture.ts";
import { onCpu } from "../job-fixture.ts";

let broker: BrokerFixture;
let parts: JobParts;
beforeAll(async () => {
  broker = await startTestBroker();
});
afterAll(() => broker.close());
beforeEach(async () => {
  parts = await broker.parts();
});

const modelSummary = { parameters: 1, flops_per_sample: 1, memory_bytes: 4, layers: [] };

async function submit(about: { name?: string; metadata?: Record<string, string> } = {}): Promise<string> {
  const { name = null, metadata = {} } = about;
  const id = newId("job");
  await parts.jobs.submit({ id, name, metadata, spec: { a: 1 }, modelSummary, epochs: 2, steps: 4, priority: 0 });
  return id;
}

describe("many jobs at once", () => {
  test("wait one behind the other, are made once, and have an owner", async () => {
    const queue = new Queue(QUEUE_NAMES.any, { connection: parts.redis, prefix: parts.log.keys.tag });
    const about = { name: null, metadata: {}, spec: { a: 1 }, modelSummary, epochs: 2, steps: 4, priority: 0 };
    const many = Array.from({ length: 20 }, () => ({ ...about, id: newId("job") }));
    const urgent = { ...about, id: newId("job"), priority: 1 };
    const forGpu = { ...about, id: newId("job"), spec: { device: "gpu" } };
    const owner = { id: "key_a", jobs: null };
    try {
      const before = await submit();
      const made = await parts.jobs.submitAll([...many, urgent, forGpu], owner);
      expect(made.map(({ outcome, id }) => [outcome, id])).toEqual(
        [...many, urgent, forGpu].map(({ id }) => ["created", id]),
      );
      const behind = await submit();
      const again = await parts.jobs.submitAll(many, owner);
      expect(new Set(again.map(({ outcome }) => outcome))).toEqual(new Set(["same"]));
      const waiting = (await queue.getPrioritized()).map(({ id }) => id);
      expect(waiting).toEqual([urgent.id, before, ...many.map(({ id }) => id), behind]);
      expect((await parts.jobs.get(many[0]?.id ?? ""))?.queue_position).toBe(3);
      expect(await parts.owners.ownerOf(forGpu.id)).toBe("key_a");
      expect(await parts.queue.missing([forGpu.id])).toEqual([]);
      expect(await parts.jobs.submitAll([])).toEqual([]);
    } finally {
      await queue.close();
    }
  });

  test("wait also where the connection breaks before it is known what became of them", async () => {
    const redis = await connectPatient(broker.url);
    const queue = new JobQueue(redis, parts.log.keys);
    const send = redis.sendCommand.bind(redis);
    let broken = 0;
    redis.sendCommand = (command, ...rest) => {
      // It is written within this turn, and answered in parts.
      if (command.name === "exec" && broken++ === 0)
        setImmediate(() => redis.stream.once("data", () => redis.stream.destroy()));
      return send(command, ...rest);
    };
    try {
      const jobs = Array.from({ length: 300 }, () => ({ id: newId("job"), priority: 0, spec: {} }));
      await queue.addAll(jobs);
      expect(broken).toBeGreaterThan(0);
      expect(await queue.missing(jobs.map(({ id }) => id))).toEqual([]);
    } finally {
      await queue.close();
      redis.disconnect();
    }
  });

  test("also wait where the broker has forgotten the scripts of its clients", async () => {
    const about = { name: null, metadata: {}, spec: { a: 1 }, modelSummary, epochs: 2, steps: 4, priority: 0 };
    const make = () => Array.from({ length: 3 }, () => ({ ...about, id: newId("job") }));
    await parts.jobs.submitAll(make());
    await parts.redis.script("FLUSH");
    const jobs = make();
    await parts.jobs.submitAll(jobs);
    expect(await parts.queue.missing(jobs.map(({ id }) => id))).toEqual([]);
  });
});

describe("a list of jobs", () => {
  test("is newest first, and pages follow each other without overlap or gap", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 7; i++) ids.unshift(await submit());
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await parts.jobs.list({ limit: 3, ...(cursor === null ? {} : { cursor }) });
      seen.push(...page.data.map(({ id }) => id));
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(seen).toEqual(ids);
  });

  test("is filtered by status, name and metadata, also over many that don't match", async () => {
    const wanted = await submit({ name: "votes", metadata: { team: "a", run: "1" } });
    for (let i = 0; i < 25; i++) await submit({ name: "other", metadata: { team: "b" } });
    const cancelled = await submit({ name: "votes", metadata: { team: "a" } });
    await parts.jobs.cancel(cancelled);
    const idsOf = async (filter: object) => (await parts.jobs.list({ limit: 2, ...filter })).data.map(({ id }) => id);
    expect(await idsOf({ name: "votes" })).toEqual([cancelled, wanted]);
    expect(await idsOf({ metadata: { team: "a", run: "1" } })).toEqual([wanted]);
    expect(await idsOf({ status: "cancelled" })).toEqual([cancelled]);
    expect(await idsOf({ name: "votes", status: "queued" })).toEqual([wanted]);
    expect(await idsOf({ name: "nobody" })).toEqual([]);
  });

  test("tells where each job stands in the queue", async () => {
    const [first, second] = [await submit(), await submit()];
    const { data } = await parts.jobs.list({ limit: 10 });
    expect(data.map(({ id, queue_position }) => [id, queue_position])).toEqual([
      [second, 2],
      [first, 1],
    ]);
  });
});

describe("a job", () => {
  test("that waits is in the queue, and no more once it is cancelled", async () => {
    const id = await submit();
    expect(await parts.queue.missing([id])).toEqual([]);
    await parts.jobs.cancel(id);
    expect(await parts.queue.missing([id])).toEqual([id]);
    expect(await parts.jobs.get(id)).toMatchObject({ status: "cancelled", queue_position: null });
  });

  test("that waits leaves the queue when it is paused, and stands behind the others when it is resumed", async () => {
    const [first, second] = [await submit(), await submit()];
    expect(await parts.jobs.pause(first)).toBe("done");
    expect(await parts.jobs.pause(first)).toBe("done");
    expect(await parts.queue.missing([first, second])).toEqual([first]);
    expect(await parts.jobs.get(first)).toMatchObject({ status: "paused", queue_position: null });
    expect((await parts.jobs.list({ limit: 10, status: "paused" })).data.map(({ id }) => id)).toEqual([first]);

    expect(await parts.jobs.resume(first)).toBe("done");
    expect(await parts.jobs.resume(first)).toBe("done");
    expect(await parts.queue.missing([first, second])).toEqual([]);
    expect(await parts.jobs.get(first)).toMatchObject({ status: "queued", queue_position: 2 });
    const types = (await parts.log.events(first)).map(({ type }) => type);
    expect(types).toEqual(["queued", "paused", "queued"]);
  });

  test("whose worker stopped before it could pause it is about to pause, and pauses once", async () => {
    const id = await submit();
    await parts.log.append(
      id,
      [{ type: "started", data: { attempt: 1, worker: "w", ...onCpu, model_summary: modelSummary } }],
      1,
    );
    expect(await parts.jobs.pause(id)).toBe("requested");
    await parts.log.append(id, [{ type: "queued", data: { reason: "worker_stopped", epoch: 0 } }], 1);
    expect(await parts.jobs.resume(id)).toBe("pausing");
    expect(await parts.jobs.pause(id)).toBe("done");
    expect(await parts.jobs.get(id)).toMatchObject({ status: "paused", pause_requested: false });
    expect(await parts.jobs.resume(id)).toBe("done");
    expect(await parts.jobs.get(id)).toMatchObject({ status: "queued", pause_requested: false });
  });

  test("that is paused is not removed; that is finished is neither paused nor resumed", async () => {
    const id = await submit();
    await parts.jobs.pause(id);
    expect(await parts.jobs.remove(id)).toBe("unfinished");
    expect(await parts.jobs.cancel(id)).toBe("done");
    expect(await parts.jobs.pause(id)).toBe("finished");
    expect(await parts.jobs.resume(id)).toBe("finished");
    expect(await parts.jobs.remove(id)).toBe("removed");
    expect(await parts.jobs.pause(id)).toBe("unknown");
    expect(await parts.jobs.resume(id)).toBe("unknown");
  });

  test("is removed with all it stored once it is finished, not before", async () => {
    const id = await submit();
    await parts.store.put(`jobs/${id}/1-1-1.safetensors`, Buffer.from("weights"));
    expect(await parts.jobs.remove(id)).toBe("unfinished");
    await parts.jobs.cancel(id);
    expect(await parts.jobs.remove(id)).toBe("removed");
    expect(await parts.jobs.remove(id)).toBe("unknown");
    expect(await parts.jobs.get(id)).toBeNull();
    expect(await parts.log.events(id)).toEqual([]);
    expect((await parts.jobs.list({ limit: 10 })).data).toEqual([]);
    expect(await parts.store.list(`jobs/${id}`)).toEqual([]);
  });
});
