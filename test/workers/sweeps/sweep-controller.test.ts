/** Real sweeps on a real broker with real workers: what their logs, their trials and the trials' jobs say afterwards. */
import { Queue } from "bullmq";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { Config } from "../../../src/config.ts";
import { newId } from "../../../src/jobs/ids.ts";
import { QUEUE_NAMES } from "../../../src/jobs/job-queue.ts";
import type { JobParts } from "../../../src/jobs/open-jobs.ts";
import { countTrials, trialView } from "../../../src/jobs/sweeps/sweep.ts";
import { trialFields } from "../../../src/jobs/sweeps/sweeps.ts";
import { type RunningWorker, startWorker } from "../../../src/workers/start-worker.ts";
import { type BrokerFixture, startTestBroker } from "../../broker-fixture.ts";
import { epochsOf, eventsOf, figuresOf, slow, submit, untilStatus, upTo } from "../../job-fixture.ts";
import { moonSweep, submitSweep, sweepEventsOf, trialsOf, untilSweep } from "../../sweep-fixture.ts";

// Whole sweeps, on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 120_000 });

let broker: BrokerFixture;
let config: Config;
let parts: JobParts;
const workers: RunningWorker[] = [];

beforeAll(async () => {
  broker = await startTestBroker();
  config = broker.config();
  parts = await broker.parts(config);
});
afterAll(() => broker.close());
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.close()));
});

async function work(): Promise<RunningWorker> {
  const worker = await startWorker(config, {
    url: broker.url,
    logger: pino({ level: process.env["TEST_LOG"] ?? "silent" }),
  });
  workers.push(worker);
  return worker;
}

const paramsOf = async (id: string) => (await trialsOf(parts, id)).map(({ params }) => params);

describe("a sweep", () => {
  test("of a key tries no model that is larger than the key may have", async () => {
    const { key } = await parts.keys.create("small", { quota: { parameters: 50 } });
    const space = { "model.layers[0].out_features": { choice: [4, 100] } };
    const spec = { ...moonSweep, space, trials: 2, strategy: "grid" };
    const id = await submitSweep(parts, spec, { id: key.id, jobs: null });
    await work();
    await untilSweep(parts, id, "completed");
    expect(await trialsOf(parts, id)).toMatchObject([
      { status: "completed" },
      { status: "invalid", error: { errors: [{ message: expect.stringContaining("at most 50 are taken") }] } },
    ]);
  });

  test("trains every trial as an ordinary job, and tells a leaderboard without a gap", async () => {
    const id = await submitSweep(parts, { ...moonSweep, name: "widths", metadata: { team: "a" } });
    await work();
    await untilSweep(parts, id, "completed");
    const sweep = await parts.sweeps.get(id, 100);
    expect(sweep).toMatchObject({
      name: "widths",
      metadata: { team: "a" },
      trials: { drawn: 4, completed: 4 },
      epochs_trained: 36,
    });
    const values = sweep?.leaderboard.map(({ value }) => value) ?? [];
    expect(values).toEqual(values.toSorted((a, b) => Number(a) - Number(b)));
    expect(sweep?.best).toEqual(sweep?.leaderboard[0]);

    for (const { job_id, number, params, value, best_epoch } of await trialsOf(parts, id)) {
      const job = await parts.jobs.get(job_id ?? "");
      expect(job).toMatchObject({
        status: "completed",
        name: `widths #${number}`,
        metadata: { sweep: id, trial: String(number) },
      });
      expect(job?.spec).toMatchObject({ optimizer: { lr: params["optimizer.lr"] } });
      expect(await epochsOf(parts, job_id ?? "")).toEqual(upTo(9));
      const losses = (await figuresOf(parts, job_id ?? "")).map(({ val_loss }) => val_loss);
      expect(value).toBe(Math.min(...losses));
      expect(best_epoch).toBe(losses.indexOf(value) + 1);
    }
    const events = await sweepEventsOf(parts, id);
    expect(events.map(({ seq }) => seq)).toEqual(upTo(events.length));
    expect(events.slice(0, 2).map(({ type }) => type)).toEqual(["queued", "started"]);
    expect(events.at(-1)).toMatchObject({
      type: "completed",
      best: { number: sweep?.best?.number },
      trials: { completed: 4 },
    });
    const told = new Map(events.filter(({ type }) => type === "trial").map(({ trial }) => [trial.number, trial]));
    expect([...told.values()].sort((a, b) => a.number - b.number)).toEqual(
      sweep?.leaderboard.toSorted((a, b) => a.number - b.number),
    );
  });

  test("draws the same trials from the same seed, others from another, and all of a grid", async () => {
    const grid = {
      base: moonSweep.base,
      space: { "optimizer.lr": { choice: [0.01, 0.1] }, seed: { int: [1, 2] } },
      strategy: "grid",
    };
    const [one, same, other, all] = await Promise.all([
      submitSweep(parts, { ...moonSweep, seed: 1 }),
      submitSweep(parts, { ...moonSweep, seed: 1 }),
      submitSweep(parts, { ...moonSweep, seed: 2 }),
      submitSweep(parts, grid),
    ]);
    await work();
    await Promise.all([one, same, other, all].map((id) => untilSweep(parts, id, "completed")));
    expect(await paramsOf(same)).toEqual(await paramsOf(one));
    expect(await paramsOf(other)).not.toEqual(await paramsOf(one));
    expect(await paramsOf(all)).toEqual(
      [0.01, 0.1].flatMap((lr) => [1, 2].map((seed) => ({ "optimizer.lr": lr, seed }))),
    );
    const [first, twin] = await Promise.all(
      [one, same].map(async (id) => (await trialsOf(parts, id)).map(({ value }) => value)),
    );
    expect(twin).toEqual(first);
  });

  test("marks trials that can't train, and goes on; it fails if none can", async () => {
    const layers = [{ type: "Linear" }, { type: "Tanh" }, { type: "Linear", out_features: 2 }];
    const base = { ...moonSweep.base, model: { layers }, optimizer: "SGD" };
    // Each end fits by itself, and the check at submission looks no further.
    const widths = {
      "model.layers[0].out_features": { choice: [4, 8] },
      "model.layers[2].in_features": { choice: [4, 8] },
    };
    const some = await submitSweep(parts, { base, space: { ...widths }, strategy: "grid" });
    await work();
    await untilSweep(parts, some, "completed");
    const trials = await trialsOf(parts, some);
    expect(trials.map(({ status }) => status)).toEqual(["completed", "invalid", "invalid", "completed"]);
    expect(trials[1]).toMatchObject({
      job_id: null,
      value: null,
      error: {
        errors: [{ path: "model.layers[2].in_features", message: "expects 4, the output of layer 1 (Tanh), got 8" }],
      },
    });

    const line = { inputs: upTo(64).map((i) => [i]), targets: upTo(64).map((i) => i * 3) };
    const steep = {
      model: { layers: [{ type: "Linear" }] },
      loss: "MSELoss",
      optimizer: "SGD",
      data: { inline: line },
    };
    const space = { "optimizer.lr": { choice: [10, 20] }, "model.layers[0].out_features": { choice: [1] } };
    const none = await submitSweep(parts, { base: { ...steep, epochs: 50 }, space, strategy: "grid" });
    await untilSweep(parts, none, "failed");
    expect((await trialsOf(parts, none)).map(({ status, value }) => [status, value])).toEqual([
      ["failed", null],
      ["failed", null],
    ]);
    expect(await parts.sweepLog.state(none)).toMatchObject({ error: { title: "No trial could train" }, best: null });
  });

  test("learns from its trials with TPE", async () => {
    const id = await submitSweep(parts, {
      ...moonSweep,
      trials: 6,
      strategy: { type: "tpe", startup_trials: 3 },
      parallel: 1,
    });
    const random = await submitSweep(parts, { ...moonSweep, trials: 6 });
    await work();
    await Promise.all([untilSweep(parts, id, "completed"), untilSweep(parts, random, "completed")]);
    const [learnt, drawn] = await Promise.all([paramsOf(id), paramsOf(random)]);
    expect(learnt.slice(0, 3)).toEqual(drawn.slice(0, 3));
    expect(learnt.slice(3)).not.toEqual(drawn.slice(3));
  });
});

describe("small trials", () => {
  /** Of the jobs that wait, in the order in which workers would take them. */
  async function whileNobodyTakes<T>(look: (waiting: () => Promise<string[]>) => Promise<T>): Promise<T> {
    const queue = new Queue(QUEUE_NAMES.any, { connection: parts.redis, prefix: parts.log.keys.tag });
    await queue.pause();
    try {
      return await look(async () => (await queue.getPrioritized()).flatMap(({ id }) => id ?? []));
    } finally {
      await queue.resume();
      await queue.close();
    }
  }
  const batchesOf = async (ids: readonly string[]) =>
    Promise.all(ids.map(async (id) => (await parts.log.state(id))?.batch ?? []));

  test("of equal shapes are told to train together, and wait one behind the other", async () => {
    const id = await submitSweep(parts, { ...moonSweep, trials: 40, parallel: 12 });
    await whileNobodyTakes(async (waiting) => {
      await work();
      await vi.waitFor(async () => expect(await waiting()).toHaveLength(12), { timeout: 20_000 });
      const trials = await trialsOf(parts, id);
      expect(trials.map(({ number }) => number)).toEqual(upTo(12).map((n) => n - 1));
      const jobs = await waiting();
      expect(jobs.toSorted()).toEqual(trials.map(({ job_id }) => job_id ?? "").toSorted());
      const batches = await batchesOf(jobs);
      for (let i = 0; i < jobs.length; ) {
        const batch = batches[i]?.length ? (batches[i] ?? []) : [jobs[i] ?? ""];
        expect(jobs.slice(i, i + batch.length)).toEqual(batch);
        expect(batch.length).toBeLessThanOrEqual(6);
        const widths = trials.filter(({ job_id }) => batch.includes(job_id ?? "")).map(({ params }) => params);
        expect(new Set(widths.map((params) => params["model.layers[0].out_features"])).size).toBe(1);
        for (const each of batches.slice(i, i + batch.length)) expect(each).toEqual(batch.length > 1 ? batch : []);
        i += batch.length;
      }
      expect(batches.some((batch) => batch.length > 1)).toBe(true);
    });
    await untilSweep(parts, id, "completed");
    expect((await trialsOf(parts, id)).map(({ status }) => status)).toEqual(upTo(40).map(() => "completed"));
  });

  test("wait for each other's results where the search learns from them", async () => {
    const tpe = await submitSweep(parts, { ...moonSweep, strategy: "tpe" });
    const asha = await submitSweep(parts, { ...moonSweep, asha: { min_epochs: 1, reduction_factor: 3 } });
    await whileNobodyTakes(async (waiting) => {
      await work();
      await vi.waitFor(async () => expect(await waiting()).toHaveLength(2), { timeout: 20_000 });
      expect(await batchesOf(await waiting())).toEqual([[], []]);
    });
    await Promise.all([untilSweep(parts, tpe, "completed"), untilSweep(parts, asha, "completed")]);
  });
});

describe("ASHA", () => {
  test("stops most trials at a rung, and lets the best go on with the same bits", async () => {
    const asha = { min_epochs: 1, reduction_factor: 3 };
    const id = await submitSweep(parts, { ...moonSweep, trials: 9, asha });
    await work();
    await untilSweep(parts, id, "completed");
    const trials = await trialsOf(parts, id);
    const full = trials.filter(({ status }) => status === "completed");
    expect(full.length).toBeGreaterThanOrEqual(1);
    expect(trials.filter(({ status }) => status === "stopped").length).toBe(9 - full.length);
    const epochs = trials.reduce((sum, trial) => sum + trial.epoch, 0);
    expect(epochs).toBeLessThan(9 * 9 * 0.6);
    for (const { epoch } of trials) expect([1, 3, 9]).toContain(epoch);

    // The rung is no more to be seen in the figures than any pause.
    const { job_id } = full[0] ?? {};
    const job = await parts.jobs.get(job_id ?? "");
    const alone = await submit(parts, { ...job?.spec, metadata: {} });
    await untilStatus(parts, alone, "completed");
    expect(await figuresOf(parts, job_id ?? "")).toEqual(await figuresOf(parts, alone));
    const pauses = (await eventsOf(parts, job_id ?? "")).filter(({ type }) => type === "paused");
    expect(pauses.map(({ epoch, reason }) => [epoch, reason])).toEqual([
      [1, "rung"],
      [3, "rung"],
    ]);
    // Those that were stopped have ended, too.
    const stopped = trials.find(({ status }) => status === "stopped");
    expect(await parts.jobs.get(stopped?.job_id ?? "")).toMatchObject({ status: "cancelled" });
  });
});

describe("a sweep under way", () => {
  const long = {
    base: { ...slow, epochs: 1000 },
    space: { "optimizer.lr": { choice: [0.001, 0.002] } },
    strategy: "grid",
  };
  const untilTraining = async (id: string) =>
    vi.waitFor(
      async () =>
        expect((await trialsOf(parts, id)).some(({ status, epoch }) => status === "running" && epoch > 0)).toBe(true),
      {
        timeout: 60_000,
      },
    );

  test("is cancelled with all its trials", async () => {
    const id = await submitSweep(parts, long);
    await work();
    await untilTraining(id);
    expect(await parts.sweeps.cancel(id)).toBe("requested");
    await untilSweep(parts, id, "cancelled");
    for (const { job_id, status } of await trialsOf(parts, id)) {
      expect(status).toBe("cancelled");
      await untilStatus(parts, job_id ?? "", "cancelled");
    }
    expect(await parts.sweeps.cancel(id)).toBe("done");
    expect(await parts.sweeps.remove(id)).toBe("removed");
    expect(await parts.sweepLog.state(id)).toBeNull();
    expect(await parts.jobs.list({ limit: 10, metadata: { sweep: id } })).toEqual({ data: [], next_cursor: null });
  });

  test("pauses with all its trials, and goes on", async () => {
    const id = await submitSweep(parts, long);
    await work();
    await untilTraining(id);
    expect(await parts.sweeps.pause(id)).toBe("requested");
    await untilSweep(parts, id, "paused");
    const trials = await trialsOf(parts, id);
    for (const { job_id } of trials) await untilStatus(parts, job_id ?? "", "paused");
    expect(await parts.sweeps.resume(id)).toBe("done");
    await untilTraining(id);
    expect((await sweepEventsOf(parts, id)).map(({ type }) => type).filter((type) => type !== "trial")).toEqual([
      "queued",
      "started",
      "paused",
      "queued",
      "resumed",
    ]);
    await parts.sweeps.cancel(id);
    await untilSweep(parts, id, "cancelled");
  });

  test("is steered on by another worker when its own stops, without drawing a trial twice", async () => {
    const id = await submitSweep(parts, { ...moonSweep, base: { ...moonSweep.base, epochs: 200 }, trials: 6 });
    const first = await work();
    await vi.waitFor(
      async () => expect((await trialsOf(parts, id)).some(({ status }) => status === "completed")).toBe(true),
      {
        timeout: 60_000,
      },
    );
    workers.splice(workers.indexOf(first), 1);
    await first.close();
    await work();
    await untilSweep(parts, id, "completed");
    const trials = await trialsOf(parts, id);
    expect(trials.map(({ number, status }) => [number, status])).toEqual(upTo(6).map((n) => [n - 1, "completed"]));
    expect((await parts.jobs.list({ limit: 20, metadata: { sweep: id } })).data).toHaveLength(6);
    for (const { job_id } of trials) expect(await epochsOf(parts, job_id ?? "")).toEqual(upTo(200));
  });

  test("ends the jobs of trials that were to stop when its worker died", async () => {
    const id = await submitSweep(parts, { ...moonSweep, trials: 1 });
    const job = await submit(parts, moonSweep.base);
    await parts.jobs.pause(job);
    const trial = {
      ...{ number: 0, job_id: job, status: "stopped" as const, params: {}, draws: {}, error: null },
      ...{ value: 0.5, best_epoch: 1, epoch: 1, epochs: 1, rung: 0, rung_values: [0.5] },
    };
    const told = { trial: trialView(trial), best: 0, trials: countTrials([trial]) };
    await parts.sweepLog.append(
      id,
      [
        { type: "started", data: { attempt: 1, worker: "w" } },
        { type: "trial", data: told, state: trialFields([trial]) },
      ],
      1,
    );
    await work();
    await untilSweep(parts, id, "completed");
    expect(await trialsOf(parts, id)).toEqual([trial]);
    expect(await eventsOf(parts, job)).toMatchObject([
      ...[{ type: "queued" }, { type: "paused" }],
      { type: "cancelled", reason: "others of the sweep were better" },
    ]);
  });

  test("makes the jobs that were noted when its worker died, and trains them together all the same", async () => {
    const id = await submitSweep(parts, { ...moonSweep, trials: 3 });
    const jobs = [await submit(parts, moonSweep.base), newId("job"), newId("job")];
    const trials = jobs.map((job_id, number) => ({
      ...{ number, job_id, status: "queued" as const, params: {}, error: null, batch: 0 },
      ...{ draws: { "optimizer.lr": 0.01 * (number + 1), "model.layers[0].out_features": 0 } },
      ...{ value: null, best_epoch: null, epoch: 0, epochs: 9, rung: 0, rung_values: [] },
    }));
    const counts = countTrials(trials);
    await parts.sweepLog.append(
      id,
      [
        { type: "started", data: { attempt: 1, worker: "w" } },
        ...trials.map((trial) => ({
          type: "trial" as const,
          data: { trial: trialView(trial), best: null, trials: counts },
          state: trialFields([trial], trials),
        })),
      ],
      1,
    );
    await work();
    await untilSweep(parts, id, "completed");
    expect((await trialsOf(parts, id)).map(({ job_id, status }) => [job_id, status])).toEqual(
      jobs.map((job) => [job, "completed"]),
    );
    for (const job of jobs.slice(1)) {
      const state = await parts.log.state(job);
      expect(state?.batch).toEqual(jobs);
      expect(state?.spec).toMatchObject({ optimizer: { lr: 0.01 * (jobs.indexOf(job) + 1) } });
      expect(await epochsOf(parts, job)).toEqual(upTo(9));
    }
  });

  test("ends at once while no worker steers it", async () => {
    const id = await submitSweep(parts, moonSweep);
    expect(await parts.sweeps.pause(id)).toBe("done");
    expect(await parts.sweeps.resume(id)).toBe("done");
    expect(await parts.sweeps.cancel(id)).toBe("done");
    expect((await sweepEventsOf(parts, id)).map(({ type }) => type)).toEqual([
      "queued",
      "paused",
      "queued",
      "cancelled",
    ]);
    expect(await parts.sweeps.resume(id)).toBe("finished");
  });
});
