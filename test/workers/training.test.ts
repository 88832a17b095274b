/** Real jobs on the real engine in a real worker: what the log, the state and the object store hold afterwards. */
import { Readable } from "node:stream";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Config } from "../../src/config.ts";
import { checkpointAbout, modelWeights } from "../../src/engine/index.ts";
import type { UploadedFile } from "../../src/jobs/dataset-store.ts";
import type { JobParts } from "../../src/jobs/open-jobs.ts";
import { type RunningWorker, startWorker } from "../../src/workers/start-worker.ts";
import { type BrokerFixture, startTestBroker } from "../broker-fixture.ts";
import {
  checkpointOf,
  epochsOf,
  eventsOf,
  figuresOf,
  moons,
  slow,
  submit,
  untilEpoch,
  untilStatus,
  upTo,
} from "../job-fixture.ts";

let broker: BrokerFixture;
let config: Config;
let parts: JobParts;
let worker: RunningWorker | null = null;

beforeAll(async () => {
  broker = await startTestBroker();
  config = broker.config();
  parts = await broker.parts(config);
});
afterAll(() => broker.close());
afterEach(async () => {
  await worker?.close();
  worker = null;
});

async function work(): Promise<void> {
  worker = await startWorker(config, { url: broker.url, logger: pino({ level: "silent" }) });
}

describe("a training job", () => {
  test("counts samples by their weights, and tells which class was taken for which", async () => {
    const inputs = [[0], [1], [2], [3]];
    const data = { inline: { inputs, targets: [0, 0, 1, 1], weights: [1, 1, 2, 0] } };
    const id = await submit(parts, {
      ...moons,
      ...{ data, validation: { inline: data.inline }, batch_size: 4, shuffle: false },
      ...{ epochs: 2, metrics: ["accuracy", "confusion_matrix"] },
    });
    await work();
    await untilStatus(parts, id, "completed");
    const first = (await eventsOf(parts, id)).find(({ type }) => type === "epoch");
    const matrix: number[][] = first.val_tables.confusion_matrix;
    expect(matrix.map(([a = 0, b = 0]) => a + b)).toEqual([2, 2]);
    expect(((matrix[0]?.[0] ?? 0) + (matrix[1]?.[1] ?? 0)) / 4).toBe(first.val_metrics.accuracy);
    expect(first.tables.confusion_matrix.flat().reduce((sum: number, n: number) => sum + n, 0)).toBe(4);
  });

  test("runs from spec to model", async () => {
    const id = await submit(parts, moons);
    await work();
    await untilStatus(parts, id, "completed");
    const events = await eventsOf(parts, id);
    expect(events.map(({ type }) => type)).toEqual([
      ...["queued", "started", ...upTo(20).map(() => "epoch"), "checkpoint", "completed"],
    ]);
    expect(events[1]).toMatchObject({ device: "cpu", attempt: 1, model_summary: { parameters: 82 } });
    const [completed] = events.slice(-1);
    expect(completed.final).toMatchObject({ epoch: 20, loss: events[21].loss, metrics: events[21].metrics });
    expect(completed.best.metric).toBe("val_loss");

    const weights = modelWeights(await checkpointOf(parts, id));
    expect([...weights].map(([name, { shape }]) => [name, shape])).toEqual([
      ["0.weight", [16, 2]],
      ["0.bias", [16]],
      ["2.weight", [2, 16]],
      ["2.bias", [2]],
    ]);
    expect(JSON.parse(checkpointAbout(await checkpointOf(parts, id)) ?? "")).toHaveProperty("preprocess");
  });

  test("trains on much data from the spec without keeping it in its state", async () => {
    const inputs = upTo(2000).map((i) => [Math.sin(i), Math.cos(i)]);
    const targets = upTo(2000).map((i) => i % 2);
    const id = await submit(parts, { ...moons, epochs: 2, data: { inline: { inputs, targets } } });
    const stored = await parts.redis.hget(parts.log.keys.state(id), "spec");
    expect(stored?.length).toBeLessThan(5000);
    await work();
    await untilStatus(parts, id, "completed");
    expect(await epochsOf(parts, id)).toEqual([1, 2]);
  });

  test("trains on an uploaded data set and keeps its labels", async () => {
    const rows = upTo(40).map((i) => `${i},${i % 2 === 0 ? "yes" : "no"}`);
    const { id: dataset } = await parts.datasets.create(csv(`x,y\n${rows.join("\n")}\n`), { limit: 10_000 });
    const id = await submit(parts, { ...moons, data: { dataset_id: dataset, target: "y" }, epochs: 2 });
    await work();
    await untilStatus(parts, id, "completed");
    expect(JSON.parse(checkpointAbout(await checkpointOf(parts, id)) ?? "").classes).toEqual(["no", "yes"]);
  });

  test("fails clearly when its data set was deleted while it waited", async () => {
    const { id: dataset } = await parts.datasets.create(csv("x,y\n1,0\n2,1\n3,0\n4,1\n5,0\n"), { limit: 10_000 });
    const id = await submit(parts, { ...moons, data: { dataset_id: dataset, target: "y" }, epochs: 2 });
    await parts.datasets.remove(dataset);
    await work();
    await untilStatus(parts, id, "failed");
    expect((await parts.jobs.get(id))?.error).toMatchObject({
      status: 422,
      title: "The data does not fit the job",
      detail: `The data set ${dataset} does not exist any more: it was deleted after the job was made.`,
    });
  });

  test("that diverges fails, names epoch and step, and keeps the last finite weights", async () => {
    const id = await submit(parts, {
      ...moons,
      model: { layers: [{ type: "Linear", out_features: 1 }] },
      loss: "MSELoss",
      metrics: [],
      data: { inline: { inputs: upTo(64).map((i) => [i]), targets: upTo(64).map((i) => i * 3) } },
      optimizer: { type: "SGD", lr: 10 },
      batch_size: 8,
      epochs: 50,
    });
    await work();
    await untilStatus(parts, id, "failed");
    const events = await eventsOf(parts, id);
    const [anomaly, checkpoint, failed] = events.slice(-3);
    expect(anomaly).toMatchObject({ type: "anomaly", loss: null, nonfinite: expect.stringMatching(/nan|inf/) });
    expect(anomaly).toMatchObject({ action: "stop", batch: { size: 8 }, gradient: expect.anything(), lr: 10 });
    expect(anomaly.batch.rows.every((row: number) => row >= 0 && row < 64)).toBe(true);
    expect(checkpoint).toMatchObject({ type: "checkpoint" });
    expect(failed).toMatchObject({ type: "failed", error: { title: "The training diverged" } });
    expect(failed.error.detail).toMatch(new RegExp(`epoch ${anomaly.epoch} at step ${anomaly.step}`));
    const weights = modelWeights(await checkpointOf(parts, id));
    expect([...weights.values()].every(({ data }) => data.every(Number.isFinite))).toBe(true);
  });

  test("goes back and trains on at half the rate where that is asked for, and streams the steps that it is asked for", async () => {
    const id = await submit(parts, {
      ...moons,
      model: { layers: [{ type: "Linear", out_features: 1 }] },
      loss: "MSELoss",
      metrics: [],
      data: { inline: { inputs: upTo(64).map((i) => [i / 16]), targets: upTo(64).map((i) => i / 4) } },
      optimizer: { type: "SGD", lr: 4 },
      validation: null,
      batch_size: 8,
      epochs: 50,
      on_nonfinite: "rollback",
      stream: { steps: true, every_steps: 2 },
    });
    await work();
    await untilStatus(parts, id, "completed");
    const events = await eventsOf(parts, id);
    const anomalies = events.filter(({ type }) => type === "anomaly");
    expect(anomalies.map(({ action, lr }) => [action, lr])).toEqual(
      anomalies.map((_, i) => ["rollback", 4 / 2 ** (i + 1)]),
    );
    expect(anomalies.length).toBeGreaterThan(0);
    expect(events.findLast(({ type }) => type === "epoch")).toMatchObject({ epoch: 50, lr: anomalies.at(-1).lr });
    const since = events.slice(events.lastIndexOf(anomalies.at(-1))).filter(({ type }) => type === "step");
    const steps = since.flatMap(({ step, every, losses }) => losses.map((_: number, i: number) => step + i * every));
    const { back } = anomalies.at(-1);
    expect(steps).toEqual(upTo((400 - back.step) / 2).map((i) => back.step + 2 * i));
  });

  test("that is cancelled while it runs keeps its weights so far", async () => {
    const id = await submit(parts, { ...slow, epochs: 100_000, checkpoint: null });
    await work();
    await untilEpoch(parts, id, 2);
    await parts.jobs.cancel(id);
    await untilStatus(parts, id, "cancelled");
    const [checkpoint, cancelled] = (await eventsOf(parts, id)).slice(-2);
    expect(checkpoint).toMatchObject({ type: "checkpoint" });
    expect(cancelled).toMatchObject({ type: "cancelled" });
    expect(modelWeights(await checkpointOf(parts, id)).size).toBe(6);
  });

  test("ends with the same bits when its worker stopped in the middle of an epoch and another went on", async () => {
    const spec = { ...slow, epochs: 7, checkpoint: null };
    const disturbed = await submit(parts, spec);
    await work();
    await untilEpoch(parts, disturbed, 2);
    await worker?.close();
    await work();
    await untilStatus(parts, disturbed, "completed");
    const undisturbed = await submit(parts, spec);
    await untilStatus(parts, undisturbed, "completed");

    expect(await epochsOf(parts, disturbed)).toEqual(upTo(7));
    expect(await figuresOf(parts, disturbed)).toEqual(await figuresOf(parts, undisturbed));
    expect(modelWeights(await checkpointOf(parts, disturbed))).toEqual(
      modelWeights(await checkpointOf(parts, undisturbed)),
    );
  });
});

test("a job that was paused in the middle of an epoch ends with the same bits as one that was not", async () => {
  const spec = { ...slow, epochs: 8, checkpoint: null };
  const disturbed = await submit(parts, spec);
  await work();
  for (const epoch of [1, 3, 5]) {
    await untilEpoch(parts, disturbed, epoch);
    await parts.jobs.pause(disturbed);
    await untilStatus(parts, disturbed, "paused");
    await parts.jobs.resume(disturbed);
  }
  await untilStatus(parts, disturbed, "completed");
  const undisturbed = await submit(parts, spec);
  await untilStatus(parts, undisturbed, "completed");

  const resumed = (await eventsOf(parts, disturbed)).filter(({ type }) => type === "resumed");
  expect(resumed.map(({ reason }) => reason)).toEqual(["requested", "requested", "requested"]);
  expect(await figuresOf(parts, disturbed)).toEqual(await figuresOf(parts, undisturbed));
  expect(modelWeights(await checkpointOf(parts, disturbed))).toEqual(
    modelWeights(await checkpointOf(parts, undisturbed)),
  );
});

describe("a job that is changed while it trains", () => {
  const spec = { ...slow, epochs: 7, checkpoint: null };

  test("says so, and another that is given its changes comes to the same bits, also after pauses", async () => {
    const changed = await submit(parts, spec);
    await parts.jobs.change(changed, { lr: 0.02 });
    await work();
    await untilEpoch(parts, changed, 1);
    await parts.jobs.change(changed, { lr: 0.003, epochs: 10 });
    await parts.jobs.pause(changed);
    await untilStatus(parts, changed, "paused");
    await parts.jobs.change(changed, { epochs: 9, early_stopping: null });
    await parts.jobs.resume(changed);
    await untilEpoch(parts, changed, 4);
    await parts.jobs.change(changed, { lr: 0.001, checkpoint: "now" });
    await untilStatus(parts, changed, "completed");

    const job = await parts.jobs.get(changed);
    const told = (await eventsOf(parts, changed)).filter(({ type }) => type === "changed");
    expect(told.map(({ change }) => change)).toEqual(job?.changes);
    expect(job?.changes).toMatchObject([
      { step: 0, lr: 0.02 },
      { lr: 0.003, epochs: 10 },
      { epochs: 9, early_stopping: null },
      { lr: 0.001 },
    ]);
    expect(job?.progress).toMatchObject({ epoch: 9, epochs: 9 });

    const again = await submit(parts, { ...spec, changes: job?.changes });
    await untilStatus(parts, again, "completed");
    expect(await epochsOf(parts, again)).toEqual(upTo(9));
    expect(await figuresOf(parts, again)).toEqual(await figuresOf(parts, changed));
    expect(modelWeights(await checkpointOf(parts, again))).toEqual(modelWeights(await checkpointOf(parts, changed)));
    expect((await parts.jobs.get(again))?.changes).toEqual(job?.changes);
  });
});

describe("a job that starts from another", () => {
  const spec = { ...moons, epochs: 5 };
  const startingFrom = (init: object) => ({ ...spec, model: { ...spec.model, init }, seed: 7 });

  test("has the same bits as one that is given its weights, also when that one is deleted before it starts", async () => {
    const first = await submit(parts, spec);
    await work();
    await untilStatus(parts, first, "completed");
    await worker?.close();
    const weights = modelWeights(await checkpointOf(parts, first));
    const taken = await submit(parts, startingFrom({ job_id: first }));
    const part = await submit(parts, startingFrom({ job_id: first, only: ["0"] }));
    expect(await parts.jobs.remove(first)).toBe("removed");
    await work();
    await untilStatus(parts, taken, "completed");
    await untilStatus(parts, part, "completed");

    const nested = Object.fromEntries([...weights].map(([name, value]) => [name, nest([...value.data], value.shape)]));
    const given = await submit(parts, startingFrom({ weights: nested }));
    const { "0.weight": weight, "0.bias": bias } = nested;
    const givenPart = await submit(parts, startingFrom({ weights: { "0.weight": weight, "0.bias": bias } }));
    await untilStatus(parts, given, "completed");
    await untilStatus(parts, givenPart, "completed");
    expect(await figuresOf(parts, taken)).toEqual(await figuresOf(parts, given));
    expect(await figuresOf(parts, part)).toEqual(await figuresOf(parts, givenPart));
    expect(await figuresOf(parts, taken)).not.toEqual(await figuresOf(parts, part));
  });

  test("goes on from its own checkpoint after a pause", async () => {
    const first = await submit(parts, spec);
    await work();
    await untilStatus(parts, first, "completed");
    const long = { ...startingFrom({ job_id: first }), epochs: 2000 };
    const disturbed = await submit(parts, long);
    await untilEpoch(parts, disturbed, 50);
    await parts.jobs.pause(disturbed);
    await untilStatus(parts, disturbed, "paused");
    await parts.jobs.resume(disturbed);
    const undisturbed = await submit(parts, long);
    await untilStatus(parts, disturbed, "completed");
    await untilStatus(parts, undisturbed, "completed");
    expect(await figuresOf(parts, disturbed)).toEqual(await figuresOf(parts, undisturbed));
  });
});

const nest = (data: number[], [rows = 0, columns]: readonly number[]): unknown[] =>
  columns === undefined ? data : Array.from({ length: rows }, (_, i) => data.slice(i * columns, (i + 1) * columns));

async function* csv(text: string): AsyncGenerator<UploadedFile> {
  yield { name: "x", fileName: "", mediaType: "text/csv", content: Readable.from([Buffer.from(text)]) };
}
