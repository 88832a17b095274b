/** The log of a job: what may be written when and by whom, and that nothing is lost, repeated or reordered. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "../../src/jobs/ids.ts";
import type { Append, JobToCreate } from "../../src/jobs/job-log.ts";
import type { JobParts } from "../../src/jobs/open-jobs.ts";
import { type BrokerFixture, startTestBroker } from "../broker-fixture.ts";
import { onCpu } from "../job-fixture.ts";

let broker: BrokerFixture;
let parts: JobParts;
beforeAll(async () => {
  broker = await startTestBroker();
  parts = await broker.parts();
});
afterAll(() => broker.close());

const summary = { parameters: 3, flops_per_sample: 4, memory_bytes: 12, layers: [] };

function job(overrides: Partial<JobToCreate> = {}): JobToCreate {
  const spec = { epochs: 3 };
  const id = newId("job");
  return { id, name: null, metadata: {}, spec, modelSummary: summary, epochs: 3, steps: 6, priority: 0, ...overrides };
}

const started = (attempt: number): Append => ({
  type: "started",
  data: { attempt, worker: "w", ...onCpu, model_summary: summary },
  state: { worker: "w" },
});
const resumed = (attempt: number): Append => ({
  type: "resumed",
  data: { attempt, worker: "w", ...onCpu, epoch: 0, step: 0, reason: "worker_lost" },
});
const epoch = (number: number, loss = 1 / number): Append => ({
  type: "epoch",
  data: {
    epoch: number,
    epochs: 3,
    step: number * 2,
    steps: 6,
    loss,
    metrics: {},
    lr: 0.1,
    samples_per_s: 1,
    elapsed_ms: 1,
    eta_s: 0,
  },
});
const completed: Append = {
  type: "completed",
  data: {
    best: null,
    final: { epoch: 3, loss: 1, metrics: {} },
    links: { self: "", events: "", history: "", model: "", predict: "" },
  },
  state: { finished_at: "2026-11-23T00:00:00.000Z" },
};
const cancelled: Append = { type: "cancelled", data: { epoch: 0, reason: "requested" } };

const types = async (id: string) => (await parts.log.events(id)).map((event) => event.type);

describe("the log of a job", () => {
  test("starts with `queued` and numbers its events without a gap, also inside of their JSON", async () => {
    const { id } = await parts.log.create(job());
    await parts.log.append(id, [started(1), epoch(1), epoch(2)], 1);
    await parts.log.append(id, [epoch(3), completed], 1);
    const events = await parts.log.events(id);
    expect(events.map((event) => event.seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(events.map((event) => JSON.parse(event.json).seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(events.map((event) => event.type)).toEqual(["queued", "started", "epoch", "epoch", "epoch", "completed"]);
    expect(JSON.parse(events[2]?.json ?? "")).toMatchObject({ seq: 3, job_id: id, epoch: 1, loss: 1 });
  });

  test("gives the events after a number, and no more than asked for", async () => {
    const { id } = await parts.log.create(job());
    await parts.log.append(id, [started(1), epoch(1), epoch(2), epoch(3)], 1);
    expect((await parts.log.events(id, 2, 2)).map((event) => event.seq)).toEqual([3, 4]);
    expect(await parts.log.events(id, 5)).toEqual([]);
  });

  test("drops an epoch that is there already, so that a repeated one changes nothing", async () => {
    const { id } = await parts.log.create(job());
    await parts.log.append(id, [started(1), epoch(1), epoch(2)], 1);
    await parts.log.append(id, [resumed(2)], 2);
    const outcome = await parts.log.append(id, [epoch(2), epoch(3)], 2);
    expect(outcome).toEqual({ ok: true, seq: 6, dropped: 1 });
    expect(await types(id)).toEqual(["queued", "started", "epoch", "epoch", "resumed", "epoch"]);
  });

  test("refuses an epoch that would leave a gap, as after the loss of what was written before it", async () => {
    const { id } = await parts.log.create(job());
    await parts.log.append(id, [started(1), epoch(1)], 1);
    expect(await parts.log.append(id, [epoch(3)], 1)).toMatchObject({ ok: false, reason: "gap" });
    const stored = { epoch: 2, step: 4, best: true, bytes: 1 };
    for (const late of [completed, { type: "checkpoint", data: stored } as const]) {
      expect(await parts.log.append(id, [late], 1)).toMatchObject({ ok: false, reason: "gap" });
    }
    expect(await types(id)).toEqual(["queued", "started", "epoch"]);
    expect(await parts.log.state(id)).toMatchObject({ status: "running", checkpoints: [] });
  });

  test("keeps what it was told before an event that it refuses, in the stream and in the state", async () => {
    const { id } = await parts.log.create(job());
    expect(await parts.log.append(id, [started(1), epoch(1), epoch(3), completed], 1)).toMatchObject({ reason: "gap" });
    expect(await types(id)).toEqual(["queued", "started", "epoch"]);
    expect(await parts.log.state(id)).toMatchObject({ status: "running", seq: 3, attempts: 1, worker: "w" });
    expect(await parts.log.append(id, [epoch(1), epoch(2), epoch(3), completed], 1)).toMatchObject({
      seq: 6,
      dropped: 1,
    });
    expect(await types(id)).toEqual(["queued", "started", "epoch", "epoch", "epoch", "completed"]);
  });

  test("refuses what an older attempt writes after a newer one has taken the job", async () => {
    const { id } = await parts.log.create(job());
    await parts.log.append(id, [started(1)], 1);
    await parts.log.append(id, [resumed(2)], 2);
    expect(await parts.log.append(id, [epoch(1)], 1)).toMatchObject({ ok: false, reason: "attempt", attempt: 2 });
    expect(await types(id)).toEqual(["queued", "started", "resumed"]);
  });

  test("lets only one of two workers claim the same attempt", async () => {
    const { id } = await parts.log.create(job());
    const outcomes = await Promise.all([parts.log.append(id, [started(1)], 1), parts.log.append(id, [started(1)], 1)]);
    expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(1);
    expect(await types(id)).toEqual(["queued", "started"]);
  });

  test("refuses everything after a terminal event", async () => {
    const { id } = await parts.log.create(job());
    await parts.log.append(id, [started(1), epoch(1), epoch(2), epoch(3), completed], 1);
    for (const late of [epoch(1), completed, cancelled]) {
      expect(await parts.log.append(id, [late], 1)).toMatchObject({ ok: false, reason: "status", status: "completed" });
    }
    expect(await parts.log.append(id, [resumed(2)], 2)).toMatchObject({ ok: false, reason: "status" });
    expect(await types(id)).toEqual(["queued", "started", "epoch", "epoch", "epoch", "completed"]);
  });

  test("lets nobody but the worker end a running job", async () => {
    const { id } = await parts.log.create(job());
    await parts.log.append(id, [started(1)], 1);
    expect(await parts.log.append(id, [cancelled])).toMatchObject({ ok: false, reason: "attempt" });
    expect(await parts.log.append(id, [cancelled], 1)).toMatchObject({ ok: true });
  });

  test("refuses to write about a job that does not exist", async () => {
    expect(await parts.log.append(newId("job"), [started(1)], 1)).toMatchObject({ ok: false, reason: "unknown_job" });
  });

  test("tells a loss that is no finite number as null beside its name", async () => {
    const { id } = await parts.log.create(job());
    await parts.log.append(id, [started(1), epoch(1, Number.NaN), epoch(2, Number.NEGATIVE_INFINITY)], 1);
    const [, , first, second] = await parts.log.events(id);
    expect(JSON.parse(first?.json ?? "")).toMatchObject({ loss: null, nonfinite: "nan" });
    expect(JSON.parse(second?.json ?? "")).toMatchObject({ loss: null, nonfinite: "-inf" });
  });

  test("changes the state in the same step as the stream", async () => {
    const { id } = await parts.log.create(job({ name: "votes", metadata: { team: "a" } }));
    expect(await parts.log.state(id)).toMatchObject({ status: "queued", name: "votes", attempts: 0, seq: 1 });
    await parts.log.append(id, [started(1)], 1);
    expect(await parts.log.state(id)).toMatchObject({ status: "running", worker: "w", attempts: 1, seq: 2 });
    await parts.log.append(id, [{ type: "queued", data: { reason: "worker_stopped", epoch: 0 } }], 1);
    expect(await parts.log.state(id)).toMatchObject({ status: "queued", attempts: 1, metadata: { team: "a" } });
  });
});

describe("an idempotency key", () => {
  test("gives the first job again for the same body, and a conflict for another one", async () => {
    const key = { key: "k1", bodyHash: "h1" };
    const first = await parts.log.create(job(), key);
    expect(first.outcome).toBe("created");
    expect(await parts.log.create(job(), key)).toEqual({ outcome: "same", id: first.id });
    expect(await parts.log.create(job(), { key: "k1", bodyHash: "h2" })).toEqual({ outcome: "conflict", id: first.id });
  });

  test("makes one job of many requests at once", async () => {
    const key = { key: "k2", bodyHash: "h" };
    const made = await Promise.all(Array.from({ length: 20 }, () => parts.log.create(job(), key)));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect(made.filter(({ outcome }) => outcome === "created")).toHaveLength(1);
  });

  test("is forgotten with its job", async () => {
    const key = { key: "k3", bodyHash: "h" };
    const { id } = await parts.log.create(job(), key);
    await parts.log.append(id, [started(1), epoch(1), epoch(2), epoch(3), completed], 1);
    expect(await parts.log.remove(id)).toBe("removed");
    expect((await parts.log.create(job(), key)).outcome).toBe("created");
  });
});

describe("the order of waiting jobs", () => {
  test("is by priority, the higher first, then by age", async () => {
    const fresh = await broker.parts();
    const [a, b, urgent] = [job(), job(), job({ priority: 5 })];
    for (const each of [a, b, urgent]) await fresh.log.create(each);
    const positions = await Promise.all([urgent, a, b].map(({ id }) => fresh.log.queuePosition(id)));
    expect(positions).toEqual([1, 2, 3]);
    await fresh.log.append(urgent.id, [started(1)], 1);
    expect(await fresh.log.queuePosition(a.id)).toBe(1);
    expect(await fresh.log.queuePosition(urgent.id)).toBeNull();
  });
});
