/** A worker with trainers that misbehave on purpose: cancelled, killed, out of memory, given back to the queue. */
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Config } from "../../src/config.ts";
import { newId } from "../../src/jobs/ids.ts";
import { QUEUE_NAMES } from "../../src/jobs/job-queue.ts";
import type { JobParts } from "../../src/jobs/open-jobs.ts";
import { type RunningWorker, startWorker } from "../../src/workers/start-worker.ts";
import { type BrokerFixture, startTestBroker } from "../broker-fixture.ts";
import { cpuAlone, onCpu } from "../job-fixture.ts";

const program = new URL("./fixtures/scripted-trainer.ts", import.meta.url);
const logger = pino({ level: "silent" });

let broker: BrokerFixture;
let config: Config;
let parts: JobParts;
const workers: RunningWorker[] = [];

beforeAll(async () => {
  broker = await startTestBroker();
});
afterAll(() => broker.close());
beforeEach(async () => {
  config = broker.config({ HEAP_MB: "64" });
  parts = await broker.parts(config);
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.close()));
});

async function work(): Promise<RunningWorker> {
  const worker = await startWorker(config, { url: broker.url, logger, program });
  workers.push(worker);
  return worker;
}

const summary = { parameters: 1, flops_per_sample: 1, memory_bytes: 4, layers: [] };

async function submit(spec: { epochs: number; [field: string]: unknown }, priority = 0): Promise<string> {
  const { epochs } = spec;
  const id = newId("job");
  const about = { id, name: null, metadata: {}, spec, modelSummary: summary };
  await parts.jobs.submit({ ...about, epochs, steps: epochs, priority });
  return id;
}

const patience = { timeout: 15_000, interval: 10 };
const status = async (id: string) => (await parts.jobs.get(id))?.status;
const ended = (id: string, as: string) => vi.waitFor(async () => expect(await status(id)).toBe(as), patience);
const atEpoch = (id: string, epoch: number) =>
  vi.waitFor(async () => expect((await parts.jobs.get(id))?.progress.epoch).toBeGreaterThanOrEqual(epoch), patience);

async function events(id: string) {
  return (await parts.log.events(id, 0, 10_000)).map(({ json, type }) => ({ ...JSON.parse(json), type }));
}
const epochsOf = async (id: string) => (await events(id)).filter(({ type }) => type === "epoch").map((e) => e.epoch);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe("a job", () => {
  test("is trained to its end, and its log tells so in order", async () => {
    const id = await submit({ epochs: 5, checkpoint_every: 5 });
    await work();
    await ended(id, "completed");
    expect((await events(id)).map(({ type }) => type)).toEqual([
      ...["queued", "started", "epoch", "epoch", "epoch", "epoch", "epoch", "checkpoint", "completed"],
    ]);
    const job = await parts.jobs.get(id);
    expect(job).toMatchObject({
      device: "cpu",
      device_info: { mode: "scripted" },
      attempts: 1,
      best: { epoch: 5, metric: "loss", value: 0.2 },
    });
    expect(job?.progress).toMatchObject({ epoch: 5, epochs: 5 });
    expect(await parts.store.list(`jobs/${id}`)).toEqual([`jobs/${id}/1-5-5.safetensors`]);
  });

  test("leaves thousands of fast epochs in the log, each once and in order", async () => {
    const id = await submit({ epochs: 5000, epoch_ms: 0, checkpoint_every: 1000 });
    await work();
    await ended(id, "completed");
    expect(await epochsOf(id)).toEqual(upTo(5000));
  });

  test("of a higher priority is trained before those that came earlier", async () => {
    const [low, high] = [await submit({ epochs: 1 }), await submit({ epochs: 1 }, 10)];
    await work();
    await Promise.all([ended(low, "completed"), ended(high, "completed")]);
    const [lowStart, highStart] = [(await parts.jobs.get(low))?.started_at, (await parts.jobs.get(high))?.started_at];
    expect(String(highStart) <= String(lowStart)).toBe(true);
  });
});

describe("cancelling", () => {
  test("ends a running job soon and keeps its weights", async () => {
    const id = await submit({ epochs: 1_000_000, epoch_ms: 5, checkpoint_every: 1_000_000 });
    await work();
    await atEpoch(id, 3);
    expect(await parts.jobs.cancel(id)).toBe("requested");
    await ended(id, "cancelled");
    const [last] = (await events(id)).slice(-1);
    expect(last).toMatchObject({ type: "cancelled" });
    const state = await parts.log.state(id);
    expect(await parts.store.exists(state?.checkpoints[0]?.key ?? "none")).toBe(true);
  });

  test("ends a trainer that does not listen, keeps its last checkpoint and the worker", async () => {
    const id = await submit({ epochs: 1_000_000, epoch_ms: 20, deaf: true });
    config = { ...config, stopGraceMs: 150 };
    await work();
    await atEpoch(id, 2);
    await parts.jobs.cancel(id);
    await ended(id, "cancelled");
    const state = await parts.log.state(id);
    expect(await parts.store.exists(state?.checkpoints[0]?.key ?? "none")).toBe(true);
    const next = await submit({ epochs: 2 });
    await ended(next, "completed");
  });

  test("ends a waiting job at once, which then never starts", async () => {
    const id = await submit({ epochs: 1 });
    expect(await parts.jobs.cancel(id)).toBe("done");
    await work();
    const next = await submit({ epochs: 1 });
    await ended(next, "completed");
    expect((await events(id)).map(({ type }) => type)).toEqual(["queued", "cancelled"]);
  });

  test("does nothing to a finished or unknown job", async () => {
    const id = await submit({ epochs: 1 });
    await work();
    await ended(id, "completed");
    expect(await parts.jobs.cancel(id)).toBe("finished");
    expect(await parts.jobs.cancel(newId("job"))).toBe("unknown");
  });
});

describe("pausing", () => {
  const running = { epochs: 1_000_000, epoch_ms: 5, checkpoint_every: 1_000_000 };

  test("frees the worker for other jobs; resuming goes on from the checkpoint without a gap", async () => {
    const id = await submit({ ...running, epochs: 100 });
    await work();
    await atEpoch(id, 3);
    expect(await parts.jobs.pause(id)).toBe("requested");
    await ended(id, "paused");
    const { epoch } = (await parts.jobs.get(id))?.progress ?? { epoch: 0 };
    expect(await parts.jobs.get(id)).toMatchObject({ queue_position: null, pause_requested: false, finished_at: null });
    const other = await submit({ epochs: 2 });
    await ended(other, "completed");
    expect(await status(id)).toBe("paused");

    expect(await parts.jobs.resume(id)).toBe("done");
    await ended(id, "completed");
    expect(await epochsOf(id)).toEqual(upTo(100));
    const told = (await events(id)).filter(({ type }) => type !== "epoch" && type !== "checkpoint");
    expect(told.map(({ type }) => type)).toEqual(["queued", "started", "paused", "queued", "resumed", "completed"]);
    expect(told[2]).toMatchObject({ epoch, reason: "requested" });
    expect(told[3]).toMatchObject({ epoch, reason: "requested" });
    expect(told[4]).toMatchObject({ epoch, step: epoch, reason: "requested", attempt: 2 });
  });

  test("lasts when all workers are replaced", async () => {
    const id = await submit(running);
    const first = await work();
    await atEpoch(id, 2);
    await parts.jobs.pause(id);
    await ended(id, "paused");
    await first.close();
    await work();
    await ended(await submit({ epochs: 1 }), "completed");
    expect(await status(id)).toBe("paused");
    expect(await parts.queue.missing([id])).toEqual([id]);
  });

  test("is done by the next worker when the one that was asked has died", async () => {
    const id = await submit(running);
    await parts.log.append(
      id,
      [{ type: "started", data: { attempt: 1, worker: "dead", ...onCpu, model_summary: summary } }],
      1,
    );
    expect(await parts.jobs.pause(id)).toBe("requested");
    expect(await parts.jobs.resume(id)).toBe("pausing");
    await work();
    await ended(id, "paused");
    expect((await events(id)).map(({ type }) => type)).toEqual(["queued", "started", "resumed", "paused"]);
  });

  test("and resuming at once, again and again, loses no epoch", async () => {
    const id = await submit({ ...running, epochs: 120 });
    await work();
    for (const epoch of [3, 20, 40, 60, 80]) {
      await atEpoch(id, epoch);
      await parts.jobs.pause(id);
      await vi.waitFor(async () => expect(await parts.jobs.resume(id)).toBe("done"), { timeout: 5000, interval: 1 });
    }
    await ended(id, "completed");
    expect(await epochsOf(id)).toEqual(upTo(120));
    expect((await events(id)).filter(({ type }) => type === "paused")).toHaveLength(5);
  });

  test("does not keep a job from being cancelled", async () => {
    const id = await submit(running);
    await work();
    await atEpoch(id, 2);
    await parts.jobs.pause(id);
    await parts.jobs.cancel(id);
    await ended(id, "cancelled");
    const [waits, pauses] = [await submit(running), await submit(running)];
    await parts.jobs.pause(pauses);
    await ended(pauses, "paused");
    expect(await parts.jobs.cancel(pauses)).toBe("done");
    expect(await status(pauses)).toBe("cancelled");
    await parts.jobs.cancel(waits);
  });
});

describe("a time limit", () => {
  test("fails the job when it is reached, and keeps the weights so far", async () => {
    const id = await submit({ epochs: 1_000_000, epoch_ms: 5, checkpoint_every: 1_000_000, max_runtime_s: 0.3 });
    await work();
    await ended(id, "failed");
    const state = await parts.log.state(id);
    expect(state?.error).toMatchObject({ title: "The job took longer than it may", status: 422 });
    expect(await parts.store.exists(state?.checkpoints[0]?.key ?? "none")).toBe(true);
  });

  test("counts what earlier attempts have trained, without the time of a pause", async () => {
    const id = await submit({ epochs: 1_000_000, epoch_ms: 5, checkpoint_every: 1_000_000, max_runtime_s: 3600 });
    await work();
    await atEpoch(id, 20);
    await parts.jobs.pause(id);
    await ended(id, "paused");
    const ran = (await parts.log.state(id))?.ranMs ?? 0;
    const told = await events(id);
    const [started, paused] = ["started", "paused"].map((type) =>
      Date.parse(told.find((event) => event.type === type).time),
    );
    expect(ran).toBeGreaterThan(50);
    expect(ran).toBeLessThanOrEqual((paused ?? 0) - (started ?? 0) + 100);

    await parts.redis.hset(parts.log.keys.state(id), "ran_ms", 3_599_900);
    await parts.jobs.resume(id);
    await ended(id, "failed");
    expect((await parts.jobs.get(id))?.error?.detail).toContain("max_runtime_s, 3600 s");
    expect((await parts.log.state(id))?.ranMs).toBeGreaterThanOrEqual(3_599_900);
  });
});

describe("trouble in a trainer", () => {
  test.each([
    ["out_of_memory", "The job needs more memory than a worker has"],
    ["exit", "Something in the service broke"],
    ["throw", "Something in the service broke"],
  ])("fails the job clearly and leaves the worker at work: %s", async (kind, title) => {
    const id = await submit({ epochs: 5, trouble: { epoch: 3, kind } });
    await work();
    await ended(id, "failed");
    expect((await parts.jobs.get(id))?.error).toMatchObject({ title });
    expect((await events(id)).at(-1)).toMatchObject({ type: "failed", epoch: 2, error: { title } });
    const next = await submit({ epochs: 2 });
    await ended(next, "completed");
  });
});

describe("stopping a worker", () => {
  test("gives its job back, and the next worker goes on from the checkpoint without a gap", async () => {
    const id = await submit({ epochs: 60, epoch_ms: 10, checkpoint_every: 1000 });
    const first = await work();
    await atEpoch(id, 5);
    await first.close();
    expect(await parts.jobs.get(id)).toMatchObject({ status: "queued", queue_position: 1 });
    await work();
    await ended(id, "completed");
    expect(await epochsOf(id)).toEqual(upTo(60));
    const log = await events(id);
    const back = log.find(({ type, seq }) => type === "queued" && seq > 1);
    expect(back).toMatchObject({ reason: "worker_stopped" });
    expect(log.find(({ type }) => type === "resumed")).toMatchObject({ attempt: 2, reason: "worker_stopped" });
  });

  test("wakes one that has nothing to do, which else looks at the queue now and then", async () => {
    const marker = `${parts.log.keys.tag}:${QUEUE_NAMES.any}:marker`;
    const id = await submit({ epochs: 100_000, checkpoint_every: 100_000 });
    const worker = await work();
    await atEpoch(id, 5);
    // It has looked already.
    await parts.redis.del(marker);
    await worker.close();
    expect(await parts.redis.exists(marker)).toBe(1);
  });
});

describe("the list of workers", () => {
  test("has those that live, with what they train, and no longer those that ended", async () => {
    expect(await parts.workers.list()).toEqual([]);
    const id = await submit({ epochs: 1_000_000, epoch_ms: 5 });
    const worker = await work();
    await vi.waitFor(async () => expect((await parts.workers.list())[0]?.jobs).toEqual([id]), patience);
    expect(await parts.workers.list()).toMatchObject([{ id: worker.name, pid: process.pid, concurrency: 1 }]);
    await worker.close();
    expect(await parts.workers.list()).toEqual([]);
  });

  test("forgets one that died without a word", async () => {
    const about = { host: "h", pid: 1, version: "1", ...cpuAlone, concurrency: 1, threads: 1, jobs: [] };
    const since = new Date().toISOString();
    for (const id of ["dead", "alive"]) await parts.workers.beat({ ...about, id, since });
    await parts.redis.zincrby(parts.log.keys.workersSeen, -20_000, "dead");
    expect((await parts.workers.list()).map(({ id }) => id)).toEqual(["alive"]);
    expect(await parts.redis.hkeys(parts.log.keys.workers)).toEqual(["alive"]);
  });
});

describe("a request that no signal told", () => {
  test.each([
    ["cancel", "cancelled"],
    ["pause", "paused"],
  ] as const)("is found in the state of the job: %s", async (what, status) => {
    const id = await submit({ epochs: 1_000_000, epoch_ms: 5, checkpoint_every: 1_000_000 });
    await work();
    await atEpoch(id, 2);
    expect(await parts.log.request(id, what)).toBe(true);
    await ended(id, status);
  });
});

describe("a webhook", () => {
  test("is sent by the worker once the job has ended", async () => {
    const received: string[] = [];
    const server = createServer(async (request, response) => {
      received.push(JSON.parse(await text(request)).type);
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    config = broker.config({ WEBHOOK_ALLOW_PRIVATE: "1" });
    parts = await broker.parts(config);
    const id = newId("job");
    const spec = { epochs: 1, webhook: { url: `http://127.0.0.1:${port}/` } };
    const about = { id, name: null, metadata: {}, spec, modelSummary: summary, webhookEvents: ["completed"] };
    await parts.jobs.submit({ ...about, epochs: 1, steps: 1, priority: 0 });
    await work();
    await vi.waitFor(() => expect(received).toEqual(["job.completed"]), patience);
    server.close();
  });
});

describe("a queue that has lost its jobs", () => {
  test("gets them again from the log", async () => {
    const id = await submit({ epochs: 2 });
    const keys = await parts.redis.keys(`${parts.log.keys.tag}:train:*`);
    await parts.redis.del(...keys);
    await work();
    await ended(id, "completed");
  });
});
