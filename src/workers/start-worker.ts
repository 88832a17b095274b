/** A worker: takes jobs from the queue, trains each in a thread of its own, and stays ready to hear a cancel. */
import { availableParallelism, hostname } from "node:os";
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import type { GpuAnswer } from "../engine/index.ts";
import { ApiKeys } from "../jobs/api-keys.ts";
import { onSignal, type Signal } from "../jobs/control.ts";
import { DatasetStore } from "../jobs/dataset-store.ts";
import { isId } from "../jobs/ids.ts";
import { InitialWeights } from "../jobs/initial-weights.ts";
import { JobChanges } from "../jobs/job-changes.ts";
import { JobLog } from "../jobs/job-log.ts";
import { JobQueue, type QueueKind } from "../jobs/job-queue.ts";
import { Jobs } from "../jobs/jobs.ts";
import { createKeys } from "../jobs/keys.ts";
import { openObjectStore, storePlace } from "../jobs/open-object-store.ts";
import { Owners } from "../jobs/owners.ts";
import { RecentWrites } from "../jobs/recent-writes.ts";
import { brokerTime, connectPatient } from "../jobs/redis.ts";
import { SweepLog } from "../jobs/sweeps/sweep-log.ts";
import { SweepQueue } from "../jobs/sweeps/sweep-queue.ts";
import { Webhooks } from "../jobs/webhooks.ts";
import { WorkerRegistry } from "../jobs/worker-registry.ts";
import { NO_TRACING, type Tracing } from "../tracing/tracing.ts";
import { VERSION } from "../version.ts";
import { tellBrokerTrouble } from "./broker-trouble.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Janitor } from "./janitor.ts";
import type { RunnerParts, StopReason } from "./job-runner.ts";
import { OwnDevices } from "./own-devices.ts";
import { Reconciler } from "./reconciler.ts";
import { SweepSteerer } from "./sweeps/steer-sweeps.ts";
import { type Taker, takeJobs } from "./take-jobs.ts";
import { TrainerPool } from "./trainer-pool.ts";
import { PAUSES_S, WebhookDispatcher } from "./webhooks/dispatcher.ts";
import { webhookSecret } from "./webhooks/webhook-secret.ts";

type WorkerConfig = Pick<
  Config,
  | "namespace"
  | "dataDir"
  | "s3"
  | "concurrency"
  | "stopGraceMs"
  | "stepTimeoutMs"
  | "lockMs"
  | "stalledMs"
  | "heapMb"
  | "dataCacheMb"
  | "retainDays"
  | "retainJobs"
  | "webhookSecret"
  | "webhookAllowPrivate"
  | "engineThreads"
  | "gpuConcurrency"
  | "quota"
>;

export interface RunningWorker {
  readonly name: string;
  /** Running jobs store a checkpoint and go back to the queue. */
  close(): Promise<void>;
}

const TRAINER = new URL("./low-priority-thread.ts", import.meta.url);

/** `program` is another trainer than the real one, `findGpu` another search: for tests of what hardly ever happens. */
export async function startWorker(
  config: WorkerConfig,
  parts: { url: string; logger: Logger; tracing?: Tracing; program?: URL; findGpu?: () => Promise<GpuAnswer> },
): Promise<RunningWorker> {
  const { logger } = parts;
  const name = `${hostname()}-${process.pid}`;
  const keys = createKeys(config.namespace);
  const objects = storePlace(config);
  const { heapMb, dataCacheMb, engineThreads: threads } = config;
  const ofPools = { program: parts.program ?? TRAINER, heapMb, dataCacheMb, engineThreads: threads, objects };
  const places = Math.max(1, Math.floor(availableParallelism() / threads));
  const first = new TrainerPool({ ...ofPools, size: config.concurrency, places });
  const mode = await first.ready();
  const [store, redis, subscriber] = await Promise.all([
    openObjectStore(objects),
    connectPatient(parts.url),
    connectPatient(parts.url),
  ]);
  const onTrouble = tellBrokerTrouble(redis, logger);
  const recent = new RecentWrites(redis);
  const owners = new Owners(redis, keys, recent);
  const log = new JobLog(redis, keys, recent);
  const wishes: RunnerParts["wishes"] = new Map();
  const registry = new WorkerRegistry(redis, keys);
  const { gpuConcurrency } = config;
  const cpu = { mode, threads };
  const devices = new OwnDevices({ worker: name, cpu, gpuConcurrency, registry, logger, findGpu: parts.findGpu });
  const runner = {
    devices,
    onGpu: devices.onGpu,
    wishes,
    log,
    store,
    worker: name,
    stopGraceMs: config.stopGraceMs,
    stepTimeoutMs: config.stepTimeoutMs,
    logger,
    tracing: parts.tracing ?? NO_TRACING,
  };

  let closing = false;
  const since = new Date().toISOString();
  const takers: Taker[] = [];
  const stop = (id: string, reason: StopReason) => {
    for (const taker of takers) taker.stop(id, reason);
  };
  const deliver = (id: string) => {
    wishes
      .get(id)
      ?.deliver()
      .catch((error: unknown) => logger.warn({ job: id, err: error }, "could not bring a change to its trainer"));
  };
  const hear = (id: string, signal: Signal["signal"]) => {
    if (isId("swp", id)) steerer.hear(id);
    else if (signal === "change") deliver(id);
    else stop(id, signal);
  };
  const queue = new JobQueue(redis, keys);
  const jobs = new Jobs({ redis, log, queue, store, owners });
  const sweepQueue = new SweepQueue(redis, keys);
  const steerer = new SweepSteerer({
    ...{ redis, blocking: await connectPatient(parts.url), keys, queue: sweepQueue, registry, store },
    ...{ log, jobs, sweepLog: new SweepLog(redis, keys, recent), changes: new JobChanges(redis, keys) },
    ...{ datasets: new DatasetStore(store), initialWeights: new InitialWeights(log, store) },
    ...{ owners, apiKeys: new ApiKeys(redis, keys), quota: config.quota },
    worker: name,
    lockMs: config.lockMs,
    stalledMs: config.stalledMs,
    logger,
    onTrouble,
  });
  await onSignal(subscriber, keys, ({ id, signal }) => hear(id, signal));
  const pools: TrainerPool[] = [];
  const take = async (kind: QueueKind, concurrency: number): Promise<void> => {
    // Who waits for a GPU needs no core.
    const pool = kind === "any" ? first : new TrainerPool({ ...ofPools, size: concurrency });
    pools.push(pool);
    await pool.ready();
    const onOver = (id: string): void => {
      // A job that was resumed while the queue still held its paused run is in no queue now.
      readdIfQueued(log, queue, id).catch((error: unknown) =>
        logger.warn({ job: id, err: error }, "could not look after"),
      );
    };
    const { lockMs, stalledMs } = config;
    const options = {
      kind,
      concurrency,
      connection: redis,
      prefix: keys.tag,
      queue,
      lockMs,
      stalledMs,
      onOver,
      onTrouble,
    };
    takers.push(await takeJobs({ ...runner, pool }, options));
  };
  await take("any", config.concurrency);
  const reconciler = new Reconciler(log, queue, logger);
  reconciler.start();
  const dispatcher = new WebhookDispatcher(
    { log, webhooks: new Webhooks(redis, keys), logger },
    {
      secret: await webhookSecret(config),
      allowPrivate: config.webhookAllowPrivate,
      timeoutMs: 15_000,
      pauses: PAUSES_S,
    },
  );
  dispatcher.start();
  const janitor = new Janitor(
    { jobs, log, logger, time: () => brokerTime(redis) },
    { days: config.retainDays, jobs: config.retainJobs },
  );
  janitor.start();
  const heartbeat = new Heartbeat(
    { registry, log, logger },
    () => ({
      ...devices.shown,
      id: name,
      host: hostname(),
      pid: process.pid,
      version: VERSION,
      concurrency: config.concurrency,
      threads,
      rss_bytes: process.memoryUsage.rss(),
      since,
    }),
    { jobs: () => [...wishes.keys()], hear },
  );
  heartbeat.start();
  await steerer.start();
  const takeGpuJobs = async (): Promise<void> => {
    const { available } = await devices.gpu();
    if (closing) return;
    if (available) await take("gpu", gpuConcurrency);
    // Who waits to hear of it should not wait for the next sign of life.
    await heartbeat.beat();
  };
  const takingGpuJobs = takeGpuJobs().catch((error: unknown) =>
    logger.error({ err: error }, "could not begin to take jobs for the GPU"),
  );
  return {
    name,
    close: async () => {
      closing = true;
      dispatcher.stop();
      if (devices.known) await takingGpuJobs;
      await Promise.all([reconciler.stop(), heartbeat.stop(), janitor.stop(), steerer.stop()]);
      await Promise.all(takers.map((taker) => taker.close("shutdown")));
      await Promise.all([queue.close(), sweepQueue.close()]);
      await Promise.all(pools.map((pool) => pool.close()));
      redis.disconnect();
      subscriber.disconnect();
    },
  };
}

async function readdIfQueued(log: JobLog, queue: JobQueue, id: string): Promise<void> {
  // Hardly ever the case, and all of the state is much to read for each job that ends.
  const [standing] = await log.standings([id]);
  if (standing?.status !== "queued") return;
  const state = await log.state(id);
  if (state?.status === "queued") await queue.add(state);
}
