/** Jobs that a worker trains together: each as if it were alone, whatever befalls another. */
import { MessageChannel } from "node:worker_threads";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Config } from "../../src/config.ts";
import { gpuShared } from "../../src/engine/index.ts";
import { QUEUE_NAMES } from "../../src/jobs/job-queue.ts";
import type { JobParts } from "../../src/jobs/open-jobs.ts";
import { storePlace } from "../../src/jobs/open-object-store.ts";
import { checkSpec } from "../../src/spec/check-spec.ts";
import type { JobSpec } from "../../src/spec/job-spec.ts";
import { Batch } from "../../src/workers/batch.ts";
import { type RunningWorker, startWorker } from "../../src/workers/start-worker.ts";
import { Control, type TrainOrder } from "../../src/workers/trainer-messages.ts";
import { type TrainerNews, TrainerPool } from "../../src/workers/trainer-pool.ts";
import { type BrokerFixture, startTestBroker } from "../broker-fixture.ts";
import {
  checkpointOf,
  epochsOf,
  eventsOf,
  figuresOf,
  moons,
  slow,
  submit,
  submitBatch,
  untilEpoch,
  untilStatus,
  upTo,
} from "../job-fixture.ts";

let broker: BrokerFixture;
let config: Config;
let parts: JobParts;
const workers: RunningWorker[] = [];

beforeAll(async () => {
  broker = await startTestBroker();
});
afterAll(() => broker.close());
beforeEach(async () => {
  config = broker.config({ CONCURRENCY: "1" });
  parts = await broker.parts(config);
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.close()));
});

async function work(program?: URL): Promise<RunningWorker> {
  const logger = pino({ level: "silent" });
  const worker = await startWorker(config, { url: broker.url, logger, ...(program && { program }) });
  workers.push(worker);
  return worker;
}

const allAre = (ids: readonly string[], status: string) => Promise.all(ids.map((id) => untilStatus(parts, id, status)));

/** When each event of a type was written, by the numbers that the log gives. */
async function timesOf(ids: readonly string[], type: string): Promise<string[]> {
  const events = await Promise.all(ids.map((id) => eventsOf(parts, id)));
  return events.flatMap((all) => all.filter((event) => event.type === type).map(({ time }) => String(time)));
}

/** How often workers have taken a job from the queue. */
async function timesTaken(id = ""): Promise<number> {
  const events = await parts.redis.xrange(`${parts.log.keys.tag}:${QUEUE_NAMES.any}:events`, "-", "+");
  return events.filter(([, fields]) => fields.join(" ").startsWith(`event active jobId ${id}`)).length;
}

const endless = { ...slow, epochs: 100_000, batch_size: 500, checkpoint: { every_epochs: 1000 } };

describe("a batch", () => {
  test("trains together, and each of its jobs comes to the numbers and weights that it comes to alone", async () => {
    const dropout = {
      layers: [...moons.model.layers.slice(0, 2), { type: "Dropout", p: 0.3 }, ...moons.model.layers.slice(2)],
    };
    const specs = [
      moons,
      { ...moons, seed: 7, stream: { steps: true } },
      { ...moons, seed: 8, optimizer: { type: "Adam", lr: 0.1, weight_decay: 0.1 }, model: dropout },
      { ...moons, seed: 8, epochs: 12, early_stopping: { monitor: "val_loss", patience: 1 } },
      {
        ...moons,
        probes: {
          inputs: [
            [0, 1],
            [1, 0],
          ],
        },
        scheduler: { type: "StepLR", step_size: 2 },
      },
    ];
    const alone: string[] = [];
    for (const spec of specs) alone.push(await submit(parts, spec));
    const together = await submitBatch(parts, specs);
    await work();
    await allAre([...alone, ...together], "completed");
    for (const [i, id] of together.entries()) {
      const other = alone[i] ?? "";
      expect(await figuresOf(parts, id)).toEqual(await figuresOf(parts, other));
      const kinds = async (job: string) => new Set((await eventsOf(parts, job)).map(({ type }) => type));
      expect(await kinds(id)).toEqual(await kinds(other));
      const [a, b] = await Promise.all([weightsOf(id), weightsOf(other)]);
      expect(a.equals(b)).toBe(true);
    }
    // All begin before the first is over, though the worker has one trainer.
    const [begun, over] = [await timesOf(together, "started"), await timesOf(together, "completed")];
    expect(begun.every((start) => over.every((end) => start <= end))).toBe(true);
    const apart = [await timesOf(alone, "started"), await timesOf(alone, "completed")];
    expect(apart[0]?.every((start) => apart[1]?.every((end) => start <= end))).toBe(false);
  });

  test("leaves alone what stands between its jobs in the queue, which then has its turn", async () => {
    const ids = await submitBatch(parts, [moons, { ...moons, seed: 1 }, { ...moons, seed: 2 }], {
      ...moons,
      epochs: 3,
    });
    await work();
    await allAre(ids, "completed");
    for (const id of ids) expect((await parts.log.state(id))?.attempts).toBe(1);
    // Who takes it and puts it back lets it look as if nothing waited, and others sleep.
    expect(await timesTaken(ids[1])).toBe(1);
  });

  test("has its worker's place until the last of its jobs is over: another one trains what comes then", async () => {
    const [short = "", long = ""] = await submitBatch(parts, [moons, endless]);
    await work();
    await untilStatus(parts, short, "completed");
    const next = await submit(parts, moons);
    await untilEpoch(parts, long, ((await parts.jobs.get(long))?.progress.epoch ?? 0) + 2);
    await work();
    await untilStatus(parts, next, "completed");
    expect((await parts.jobs.get(long))?.status).toBe("running");
    await parts.jobs.cancel(long);
    await untilStatus(parts, long, "cancelled");
  });

  test("is trained a part at each of two workers, where both take of it", async () => {
    const ids = await submitBatch(
      parts,
      upTo(8).map((seed) => ({ ...moons, seed })),
    );
    await Promise.all([work(), work()]);
    await allAre(ids, "completed");
    for (const id of ids) expect(await epochsOf(parts, id)).toEqual(upTo(20));
  });

  test("goes on when one of its jobs fails, or is cancelled, or paused, or changed", async () => {
    const [bad = "", cancelled = "", paused = "", changed = "", other = ""] = await submitBatch(parts, [
      { ...endless, optimizer: { type: "SGD", lr: 1e30 } },
      ...[1, 2, 3, 4].map((seed) => ({ ...endless, seed })),
    ]);
    await work();
    await untilStatus(parts, bad, "failed");
    await untilEpoch(parts, cancelled, 2);
    expect(await parts.jobs.cancel(cancelled)).toBe("requested");
    await untilStatus(parts, cancelled, "cancelled");
    expect(await parts.jobs.pause(paused)).toBe("requested");
    await untilStatus(parts, paused, "paused");
    for (const id of [changed, other]) {
      const { progress } = (await parts.jobs.get(id)) ?? { progress: { epoch: 0 } };
      await untilEpoch(parts, id, progress.epoch + 2);
      expect(await parts.jobs.change(id, { epochs: 1 })).toBe("requested");
      await untilStatus(parts, id, "completed");
    }
    // It goes on by itself.
    await parts.jobs.resume(paused);
    await untilStatus(parts, paused, "running");
    await parts.jobs.change(paused, { epochs: 1 });
    await untilStatus(parts, paused, "completed");
    for (const id of [cancelled, paused, changed, other]) {
      const epochs = await epochsOf(parts, id);
      expect(epochs).toEqual(upTo(epochs.length));
    }
  });

  test("hears of the one that is to stop before the others have had their turns", async () => {
    config = broker.config({ STOP_GRACE_MS: "500" });
    parts = await broker.parts(config);
    // A round of their turns takes longer than that, one turn a tenth of it: also a busy machine gets through one.
    const ids = await submitBatch(
      parts,
      upTo(16).map((seed) => ({ ...endless, seed, batch_size: 4000 })),
    );
    await work();
    await Promise.all(ids.map((id) => untilEpoch(parts, id, 1)));
    const others = ids.slice(0, -3);
    for (const id of ids.slice(-3).reverse()) {
      expect(await parts.jobs.cancel(id)).toBe("requested");
      await untilStatus(parts, id, "cancelled");
    }
    for (const id of others) expect(await parts.log.state(id)).toMatchObject({ status: "running", attempts: 1 });
  });

  test("goes back to the queue with its worker, and on with another, each job with the same numbers", async () => {
    const specs = upTo(3).map((seed) => ({ ...slow, seed, epochs: 6, batch_size: 250 }));
    const ids = await submitBatch(parts, specs);
    const first = await work();
    await Promise.all(ids.map((id) => untilEpoch(parts, id, 1)));
    await first.close();
    await work();
    await allAre(ids, "completed");
    const undisturbed = [];
    for (const spec of specs) undisturbed.push(await submit(parts, spec));
    await allAre(undisturbed, "completed");
    for (const [i, id] of ids.entries()) {
      expect(await figuresOf(parts, id)).toEqual(await figuresOf(parts, undisturbed[i] ?? ""));
    }
  });

  test("whose trainer dies of one of its jobs costs only that one: the others go on by themselves", async () => {
    const about = { modelSummary: { parameters: 1, flops_per_sample: 1, memory_bytes: 4, layers: [] } };
    // Its trainer takes one after the other.
    const scripts = [{}, { trouble: { epoch: 2, kind: "exit" } }, {}];
    const batch = scripts.map((_, i) => `job_${String(i + 1).repeat(26)}`);
    await parts.jobs.submitAll(
      scripts.map((script, i) => {
        const spec = { epochs: 4, ...script };
        return {
          id: batch[i] ?? "",
          name: null,
          metadata: {},
          spec,
          ...about,
          epochs: 4,
          steps: 4,
          priority: 0,
          batch,
        };
      }),
    );
    await work(new URL("./fixtures/scripted-trainer.ts", import.meta.url));
    await Promise.all(batch.map((id, i) => untilStatus(parts, id, i === 1 ? "failed" : "completed")));
    const attempts = await Promise.all(batch.map(async (id) => (await parts.log.state(id))?.attempts));
    expect(attempts).toEqual([1, 2, 2]);
    for (const id of [batch[0], batch[2]]) expect(await epochsOf(parts, id ?? "")).toEqual(upTo(4));
  });
});

describe("a trainer thread", () => {
  let pool: TrainerPool;
  beforeEach(() => {
    const { heapMb, dataCacheMb, engineThreads } = config;
    const program = new URL("../../src/workers/trainer-thread.ts", import.meta.url);
    pool = new TrainerPool({ size: 1, program, heapMb, dataCacheMb, engineThreads, objects: storePlace(config) });
  });
  afterEach(() => pool.close());

  test("measures a job that trains by itself on both devices, and none of a batch", async () => {
    const spec = await checked(moons);
    const measured = (batch: Batch, place: number) =>
      batch.run(place, async (trainers) => {
        const trainer = await trainers.take();
        const { memory } = new Control();
        return trainer.run({ task: "measure", jobId: "job_1", spec, control: memory, gpu: gpuShared() });
      });
    const alone = await measured(new Batch(pool, 1), 0);
    const both = new Batch(pool, 2);
    const [one, other] = await Promise.all([measured(both, 0), measured(both, 1)]);
    expect(alone).toMatchObject({ type: "measured" });
    expect(one).toMatchObject({ type: "measured", device: "cpu" });
    expect(other).toEqual(one);
    expect(alone).not.toEqual(one);
  });

  test("is not ended for a job that is stopped while others are not ready, which it then trains", async () => {
    const spec = await checked(moons);
    const thread = await pool.take();
    pool.giveBack(thread);
    const both = new Batch(pool, 2);
    const stopped = both.run(0, async (trainers) => {
      const trainer = await trainers.take();
      const end = trainer.run(orderOf("job_0", spec, new Control()));
      await trainer.terminate();
      return end;
    });
    expect(await stopped).toEqual({ type: "done", outcome: "stopped" });
    expect(thread.dead).toBe(false);
    const other = both.run(1, async (trainers) => (await trainers.take()).run(orderOf("job_1", spec, new Control())));
    expect(await other).toMatchObject({ type: "done", outcome: "completed" });
  });

  test("that waits until the checkpoints of one job are stored hears when another is to stop", async () => {
    const long = { ...moons, epochs: 100_000 };
    const specs = await Promise.all(
      [1, 100_000].map((every_epochs) => checked({ ...long, checkpoint: { every_epochs } })),
    );
    const controls = specs.map(() => new Control());
    const thread = await pool.take();
    const orders = specs.map((spec, i) => orderOf(`job_${i}`, spec, controls[i] ?? new Control()));
    // Nobody stores them.
    const { promise: waits, resolve } = Promise.withResolvers<void>();
    let told = 0;
    const hear = ({ type }: TrainerNews) => {
      if ((type === "checkpoint" || type === "predictions") && ++told > 2) resolve();
    };
    const [one, other] = thread.runBatch(orders, [hear, () => {}]);
    await waits;
    controls[1]?.stop();
    expect(await other).toMatchObject({ type: "done", outcome: "stopped" });
    controls[0]?.stop();
    expect(await one).toMatchObject({ type: "done", outcome: "stopped" });
  });
});

async function checked(spec: object): Promise<JobSpec> {
  const found = await checkSpec(spec, { dataset: async () => null, weights: async () => "none" });
  if (!found.ok) throw new Error("The spec is not right.");
  return found.spec;
}

function orderOf(jobId: string, spec: JobSpec, { memory }: Control): TrainOrder {
  return {
    ...{ task: "train", device: "cpu", jobId, spec, checkpoint: null, hold: null, changed: [], plannedChanges: 0 },
    ...{ wishes: new MessageChannel().port2, control: memory, gpu: gpuShared() },
  };
}

/** What its newest checkpoint holds behind the header, which tells times. */
async function weightsOf(id: string): Promise<Buffer> {
  const bytes = Buffer.from(await checkpointOf(parts, id));
  return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
}
