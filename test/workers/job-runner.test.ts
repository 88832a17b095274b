/** What becomes of a run, and of its thread, where the log fails it. */
import { receiveMessageOnPort } from "node:worker_threads";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Config } from "../../src/config.ts";
import { newId } from "../../src/jobs/ids.ts";
import { JobLog } from "../../src/jobs/job-log.ts";
import type { JobParts } from "../../src/jobs/open-jobs.ts";
import { storePlace } from "../../src/jobs/open-object-store.ts";
import { connectPatient } from "../../src/jobs/redis.ts";
import { NO_TRACING } from "../../src/tracing/tracing.ts";
import { Batch } from "../../src/workers/batch.ts";
import { type RunnerParts, runJob } from "../../src/workers/job-runner.ts";
import { LOCK_LOST } from "../../src/workers/locked-runs.ts";
import { StopSwitch } from "../../src/workers/stop-switch.ts";
import { Control } from "../../src/workers/trainer-messages.ts";
import { TrainerPool } from "../../src/workers/trainer-pool.ts";
import { Watchdog } from "../../src/workers/watchdog.ts";
import { Wishes } from "../../src/workers/wishes.ts";
import { type BrokerFixture, startTestBroker } from "../broker-fixture.ts";
import { moons, submit, untilEpoch } from "../job-fixture.ts";

let broker: BrokerFixture;
let config: Config;
let parts: JobParts;
beforeAll(async () => {
  broker = await startTestBroker();
  config = broker.config();
  parts = await broker.parts(config);
});
afterAll(() => broker.close());

/** The real log, of which reading what is asked of a job fails once `left` readings are over. */
class FailingLog extends JobLog {
  left = 0;

  override async wishes(id: string) {
    if (this.left-- > 0) return super.wishes(id);
    throw new Error("The wishes can't be read.");
  }
}

function newPool(trainer = "../../src/workers/trainer-thread.ts"): TrainerPool {
  const { heapMb, dataCacheMb, engineThreads } = config;
  const program = new URL(trainer, import.meta.url);
  return new TrainerPool({ size: 1, program, heapMb, dataCacheMb, engineThreads, objects: storePlace(config) });
}

/** What a run needs besides. */
const runnerOf = (
  log: JobLog,
  pool: TrainerPool,
  limits = { stepTimeoutMs: 60_000, stopGraceMs: 10_000 },
): RunnerParts => ({
  ...{ log, store: parts.store, pool, worker: "w", onGpu: new Set<string>(), wishes: new Map(), ...limits },
  devices: {
    cpu: { mode: "simd", threads: 1 },
    gpuElsewhere: async () => false,
    gpu: async () => ({ available: false, why: "None." }),
  },
  ...{ logger: pino({ level: "silent" }), tracing: NO_TRACING },
});

/** A job for the scripted trainer. */
async function scripted(spec: { epochs: number; [field: string]: unknown }): Promise<string> {
  const id = newId("job");
  const modelSummary = { parameters: 1, flops_per_sample: 1, memory_bytes: 4, layers: [] };
  const { epochs } = spec;
  await parts.log.create({ id, name: null, metadata: {}, spec, modelSummary, epochs, steps: 1, priority: 0 });
  return id;
}

test("what a job has come to when its lock is lost is kept for whoever goes on with it", async () => {
  const pool = newPool("./fixtures/scripted-trainer.ts");
  const id = await scripted({ epochs: 100_000, checkpoint_every: 100_000 });
  try {
    const lock = new AbortController();
    const run = runJob(runnerOf(parts.log, pool), id, lock.signal);
    await untilEpoch(parts, id, 2);
    lock.abort(LOCK_LOST);
    expect(await run).toBe("over");
    const state = await parts.log.state(id);
    expect(state).toMatchObject({ status: "running", attempts: 1 });
    expect(state?.checkpoints[0]?.epoch).toBe(state?.progress.epoch);
  } finally {
    await pool.close();
  }
});

test("of jobs that train together, none fails because another hangs: each goes on by itself, and then fails if it hangs", async () => {
  const pool = newPool("./fixtures/scripted-trainer.ts");
  const hanging = await scripted({ epochs: 1, epoch_ms: 1e9, deaf: true });
  const ids = [hanging, await scripted({ epochs: 1 })];
  const runIn = (batch: Batch, place: number, id: string) =>
    batch.run(place, (trainers) => {
      const { pool: _, ...runner } = runnerOf(parts.log, pool, { stepTimeoutMs: 400, stopGraceMs: 20 });
      return runJob({ ...runner, pool: trainers }, id, new AbortController().signal);
    });
  const statuses = async () => (await parts.log.states(ids)).map(({ status }) => status);
  try {
    await pool.ready();
    const both = new Batch(pool, 2);
    expect(await Promise.all(ids.map((id, i) => runIn(both, i, id)))).toEqual(["waits", "waits"]);
    expect(await statuses()).toEqual(["queued", "queued"]);
    await pool.ready();
    expect(await runIn(new Batch(pool, 1), 0, hanging)).toBe("over");
    expect(await statuses()).toEqual(["failed", "queued"]);
  } finally {
    await pool.close();
  }
});

test("a run that breaks off leaves nothing behind that ends its thread's next job", async () => {
  const redis = await connectPatient(broker.url);
  const log = new FailingLog(redis, parts.log.keys);
  const [pool, others] = [newPool(), newPool()];
  const limits = { stepTimeoutMs: 40, stopGraceMs: 20 };
  const runner = runnerOf(log, pool, limits);
  try {
    const thread = await pool.take();
    pool.giveBack(thread);
    const id = await submit(parts, moons);
    await expect(runJob(runner, id, new AbortController().signal)).rejects.toThrow("can't be read");
    expect((await parts.log.state(id))?.status).toBe("running");

    // Another watchdog, which begins later and has as much patience, finds another thread hung and has it ended.
    const other = await others.take();
    const control = new Control();
    const watchdog = new Watchdog(control, limits.stepTimeoutMs);
    const stop = new StopSwitch(other, control, limits.stopGraceMs);
    watchdog.signal.addEventListener("abort", () => stop.pull());
    await expect.poll(() => other.dead, { timeout: 20_000 }).toBe(true);
    watchdog.release();

    expect(await pool.take()).toBe(thread);
    expect(runner.wishes.size).toBe(0);
  } finally {
    await Promise.all([pool.close(), others.close()]);
    redis.disconnect();
  }
});

test("a wish that could not be read at first reaches the trainer with the next one", async () => {
  const redis = await connectPatient(broker.url);
  try {
    const log = new FailingLog(redis, parts.log.keys);
    const id = await submit(parts, moons);
    const wishes = new Wishes(log, { id, wishesDone: 0 });
    await parts.log.requestChange(id, { epochs: 30 });
    await expect(wishes.deliver()).rejects.toThrow("can't be read");
    await parts.log.requestChange(id, { epochs: 40 });
    log.left = 1;
    await wishes.deliver();
    const heard = [1, 2].map(() => receiveMessageOnPort(wishes.receiver)?.message);
    expect(heard).toEqual([
      { number: 1, wish: { epochs: 30 } },
      { number: 2, wish: { epochs: 40 } },
    ]);
    wishes.close();
  } finally {
    redis.disconnect();
  }
});
