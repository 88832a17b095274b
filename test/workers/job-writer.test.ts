/** What a trainer tells, written down: in order, and not a word more once it is not this worker's job any longer. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Config } from "../../src/config.ts";
import { DiskObjectStore } from "../../src/jobs/disk-object-store.ts";
import { newId } from "../../src/jobs/ids.ts";
import type { JobState } from "../../src/jobs/job.ts";
import type { ObjectStore } from "../../src/jobs/object-store.ts";
import type { JobParts } from "../../src/jobs/open-jobs.ts";
import { JobWriter, SupersededError } from "../../src/workers/job-writer.ts";
import { Control } from "../../src/workers/trainer-messages.ts";
import type { TrainerNews } from "../../src/workers/trainer-pool.ts";
import { type BrokerFixture, startTestBroker } from "../broker-fixture.ts";
import { eventsOf, onCpu } from "../job-fixture.ts";

let broker: BrokerFixture;
let config: Config;
let parts: JobParts;
beforeAll(async () => {
  broker = await startTestBroker();
  config = broker.config();
  parts = await broker.parts(config);
});
afterAll(() => broker.close());

const modelSummary = { parameters: 1, flops_per_sample: 1, memory_bytes: 4, layers: [] };

async function claimed(
  attempt: number,
  store = parts.store,
): Promise<{ state: JobState; failures: unknown[]; writer: JobWriter }> {
  const id = newId("job");
  await parts.log.create({ id, name: null, metadata: {}, spec: {}, modelSummary, epochs: 9, steps: 9, priority: 0 });
  await claim(id, attempt);
  const state = await parts.log.state(id);
  if (!state) throw new Error("The job is not there.");
  const failures: unknown[] = [];
  const writer = new JobWriter({ ...parts, store, control: new Control() }, state, attempt, (error) =>
    failures.push(error),
  );
  return { state, failures, writer };
}

async function claim(id: string, attempt: number): Promise<void> {
  const data = { attempt, worker: "w", ...onCpu };
  const event =
    attempt === 1
      ? ({ type: "started", data: { ...data, model_summary: modelSummary } } as const)
      : ({ type: "resumed", data: { ...data, epoch: 0, step: 0, reason: "worker_lost" } } as const);
  await parts.log.append(id, [event], attempt);
}

function epoch(number: number): TrainerNews {
  const numbers = { epochs: 9, step: number, steps: 9, lr: 0.1, samples_per_s: 1, elapsed_ms: 1, eta_s: 1 };
  const best = { epoch: number, metric: "loss", value: 1 };
  return { type: "epoch", at: 0, figures: { epoch: number, loss: 1, metrics: {}, best, ...numbers } };
}

const checkpoint = (number: number): TrainerNews => ({
  type: "checkpoint",
  epoch: number,
  step: number,
  best: true,
  bytes: Buffer.from(`weights of ${number}`),
});

const predictions = (number: number): TrainerNews => ({
  type: "predictions",
  predictions: [new Uint8Array(new SharedArrayBuffer(1)).fill(0x5b), Buffer.from(`${number}]`)],
});

/** The real store, which waits for `ready` before it stores anything. */
function slowStore(ready: () => Promise<void>): ObjectStore {
  return new (class extends DiskObjectStore {
    override async putAll(objects: Parameters<ObjectStore["putAll"]>[0]) {
      if (objects.length > 0) await ready();
      return super.putAll(objects);
    }
  })(join(config.dataDir, "objects"));
}

describe("a writer", () => {
  test("keeps the order of epochs and checkpoints, and the state up to date", async () => {
    const { state, writer } = await claimed(1);
    for (const news of [epoch(1), epoch(2), checkpoint(2), epoch(3), checkpoint(3)]) writer.add(news);
    await writer.flush();
    const events = await eventsOf(parts, state.id);
    expect(events.slice(2).map(({ type, epoch }) => [type, epoch])).toEqual([
      ["epoch", 1],
      ["epoch", 2],
      ["checkpoint", 2],
      ["epoch", 3],
      ["checkpoint", 3],
    ]);
    const after = await parts.log.state(state.id);
    expect(after).toMatchObject({
      progress: { epoch: 3 },
      checkpoints: [
        { epoch: 3, step: 3 },
        { epoch: 2, step: 2 },
      ],
    });
    expect(Buffer.from(await parts.store.read(after?.checkpoints[0]?.key ?? "")).toString()).toBe("weights of 3");
  });

  test("keeps of epochs that are written together all that they say of the state, not only what the last one does", async () => {
    const { state, writer } = await claimed(1);
    // From the 64th on every second one is part of the trend; the last is not.
    for (let number = 1; number <= 67; number++) writer.add(epoch(number));
    await writer.flush();
    const after = await parts.log.state(state.id);
    expect(after).toMatchObject({ progress: { epoch: 67 }, trend: { every: 2 } });
    expect(after?.trend.losses).toHaveLength(33);
  });

  test("writes the last checkpoint and the end in one step, and nothing less without an end", async () => {
    const { state, writer } = await claimed(1);
    const types = async () => (await eventsOf(parts, state.id)).slice(2).map(({ type }) => type);
    for (const news of [epoch(1), checkpoint(1)]) writer.add(news);
    await writer.flush();
    expect(await types()).toEqual(["epoch", "checkpoint"]);
    for (const news of [epoch(2), checkpoint(2)]) writer.add(news);
    await writer.flush(true);
    expect(await types()).toEqual(["epoch", "checkpoint", "epoch"]);
    await writer.end({ type: "cancelled", data: { epoch: 2, reason: "requested" } });
    expect((await types()).slice(2)).toEqual(["epoch", "checkpoint", "cancelled"]);
    expect((await parts.log.state(state.id))?.checkpoints[0]).toMatchObject({ epoch: 2 });
  });

  test("tells of a checkpoint once it is stored, and predictions with it; those behind it are stored by the end", async () => {
    const gate = Promise.withResolvers<void>();
    const { state, writer } = await claimed(
      1,
      slowStore(() => gate.promise),
    );
    const told = async () => (await eventsOf(parts, state.id)).map(({ type }) => type);
    const stored = async () =>
      JSON.parse(Buffer.from(await parts.store.read(`jobs/${state.id}/predictions.json`)).toString());
    for (const news of [epoch(1), predictions(1), checkpoint(1)]) writer.add(news);
    await expect.poll(told).toContain("epoch");
    expect(await told()).not.toContain("checkpoint");
    gate.resolve();
    await writer.flush();
    expect(await told()).toContain("checkpoint");
    expect(await stored()).toEqual([1]);
    writer.add(predictions(2));
    await writer.flush();
    expect(await stored()).toEqual([2]);
  });

  test("says once that predictions could not be stored, and tells nothing more", async () => {
    const full = () => Promise.reject(new Error("no space left on device"));
    const { state, failures, writer } = await claimed(1, slowStore(full));
    writer.add(predictions(1));
    await expect(writer.flush()).rejects.toThrow("no space left");
    await expect(writer.append([{ type: "cancelled", data: { epoch: 0, reason: "x" } }])).rejects.toThrow(
      "no space left",
    );
    expect(failures).toHaveLength(1);
    expect((await eventsOf(parts, state.id)).map(({ type }) => type)).toEqual(["queued", "started"]);
  });

  test("keeps a few checkpoints while the job runs, and the newest alone when it is over", async () => {
    const { state, writer } = await claimed(1);
    for (let i = 1; i <= 9; i++) for (const news of [epoch(i), checkpoint(i)]) writer.add(news);
    await writer.flush();
    const folder = `jobs/${state.id}`;
    expect(await parts.store.list(folder)).toHaveLength(4);
    await writer.end({ type: "cancelled", data: { epoch: 9, reason: "requested" } });
    expect(await parts.store.list(folder)).toEqual([`${folder}/1-9-9.safetensors`]);
  });

  test("removes those of earlier attempts by their age, wherever they lie, and nothing else", async () => {
    const { state } = await claimed(1);
    await claim(state.id, 2);
    const writer = new JobWriter({ ...parts, control: new Control() }, state, 2, () => {});
    const folder = `jobs/${state.id}`;
    // Where checkpoints lay once, and a file to start from.
    const others = [`${folder}/checkpoints/1-9-9.safetensors`, `${folder}/1-10-10.safetensors`];
    for (const key of [...others, `${folder}/init.safetensors`]) await parts.store.put(key, Buffer.from(key));
    for (const news of [epoch(1), checkpoint(1)]) writer.add(news);
    await writer.flush();
    await writer.end({ type: "cancelled", data: { epoch: 1, reason: "requested" } });
    expect(await parts.store.list(folder)).toEqual([`${folder}/2-1-1.safetensors`, `${folder}/init.safetensors`]);
  });

  test("puts steps that follow each other into one event, and streams none twice after another attempt", async () => {
    const { state, writer } = await claimed(1);
    const steps = (epoch: number, step: number, losses: number[], every = 1): TrainerNews => ({
      ...{ type: "steps", at: 0, epoch, step, every, losses },
    });
    for (const news of [steps(1, 1, [9, 8]), steps(1, 3, [7]), epoch(1), steps(2, 4, [6]), steps(2, 5, [5])]) {
      writer.add(news);
    }
    await writer.flush();
    const told = async () =>
      (await eventsOf(parts, state.id))
        .filter(({ type }) => type === "step")
        .flatMap(({ epoch, step, every, losses }) =>
          losses.map((loss: number, i: number) => [epoch, step + i * every, loss]),
        );
    expect(await told()).toEqual([
      [1, 1, 9],
      [1, 2, 8],
      [1, 3, 7],
      [2, 4, 6],
      [2, 5, 5],
    ]);
    expect((await parts.log.state(state.id))?.streamedStep).toBe(5);

    await claim(state.id, 2);
    const after = await parts.log.state(state.id);
    if (!after) throw new Error("The job is not there.");
    const next = new JobWriter({ ...parts, control: new Control() }, after, 2, () => {});
    for (const news of [steps(2, 4, [6, 5, 4]), steps(2, 7, [3])]) next.add(news);
    await next.flush();
    expect((await told()).slice(5)).toEqual([
      [2, 6, 4],
      [2, 7, 3],
    ]);
  });

  test("writes ten thousand steps in a few events", async () => {
    const { state, writer } = await claimed(1);
    for (let step = 1; step <= 10_000; step += 10) {
      writer.add({
        type: "steps",
        at: 0,
        epoch: 1,
        step,
        every: 1,
        losses: Array.from({ length: 10 }, (_, i) => step + i),
      });
    }
    await writer.flush();
    const events = (await eventsOf(parts, state.id)).filter(({ type }) => type === "step");
    expect(events.length).toBeLessThan(10);
    expect(events.flatMap(({ losses }) => losses)).toEqual(Array.from({ length: 10_000 }, (_, i) => i + 1));
  });

  test("stops for good once another attempt has the job, and says so each time it is asked", async () => {
    const { state, failures, writer } = await claimed(1);
    await claim(state.id, 2);
    writer.add(epoch(1));
    await expect(writer.flush()).rejects.toThrow(SupersededError);
    writer.add(epoch(2));
    writer.add(checkpoint(2));
    await expect(writer.flush()).rejects.toThrow(SupersededError);
    expect(failures).toHaveLength(1);
    expect((await eventsOf(parts, state.id)).map(({ type }) => type)).toEqual(["queued", "started", "resumed"]);
  });
});
