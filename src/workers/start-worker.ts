/** A worker: takes jobs from the queue, trains each in a thread of its own, and stays ready to hear a cancel. */
import { hostname } from "node:os";
import { join } from "node:path";
import { Worker as QueueWorker, WaitingError } from "bullmq";
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { onSignal, type Signal } from "../jobs/control.ts";
import { DiskObjectStore } from "../jobs/disk-object-store.ts";
import { JobLog } from "../jobs/job-log.ts";
import { JobQueue, QUEUE_NAME } from "../jobs/job-queue.ts";
import { Jobs } from "../jobs/jobs.ts";
import { createKeys } from "../jobs/keys.ts";
import { connectPatient } from "../jobs/redis.ts";
import { Webhooks } from "../jobs/webhooks.ts";
import { WorkerRegistry } from "../jobs/worker-registry.ts";
import { VERSION } from "../version.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Janitor } from "./janitor.ts";
import { type RunnerParts, runJob, type StopReason } from "./job-runner.ts";
import { Reconciler } from "./reconciler.ts";
import { TrainerPool } from "./trainer-pool.ts";
import { PAUSES_S, WebhookDispatcher } from "./webhooks/dispatcher.ts";
import { webhookSecret } from "./webhooks/webhook-secret.ts";

type WorkerConfig = Pick<
  Config,
  | "namespace"
  | "dataDir"
  | "concurrency"
  | "stopGraceMs"
  | "lockMs"
  | "stalledMs"
  | "heapMb"
  | "retainDays"
  | "retainJobs"
  | "webhookSecret"
  | "webhookAllowPrivate"
  | "engineThreads"
>;

export interface RunningWorker {
  readonly name: string;
  /** Running jobs store a checkpoint and go back to the queue. */
  close(): Promise<void>;
}

const TRAINER = new URL("./trainer-thread.ts", import.meta.url);

/** `program` is another trainer than the real one, for tests of what real ones hardly ever do. */
export async function startWorker(
  config: WorkerConfig,
  parts: { url: string; logger: Logger; program?: URL },
): Promise<RunningWorker> {
  const { logger } = parts;
  const name = `${hostname()}-${process.pid}`;
  const keys = createKeys(config.namespace);
  const objects = join(config.dataDir, "objects");
  const pool = new TrainerPool({
    size: config.concurrency,
    program: parts.program ?? TRAINER,
    heapMb: config.heapMb,
    engineThreads: config.engineThreads,
  });
  await pool.ready();
  const [redis, subscriber] = await Promise.all([connectPatient(parts.url), connectPatient(parts.url)]);
  const log = new JobLog(redis, keys);
  const wishes: RunnerParts["wishes"] = new Map();
  const runner = {
    wishes,
    log,
    store: new DiskObjectStore(objects),
    objects,
    pool,
    worker: name,
    stopGraceMs: config.stopGraceMs,
    logger,
  };

  const worker = new QueueWorker(
    QUEUE_NAME,
    async (job, token, signal) => {
      if (job.id === undefined || signal === undefined) throw new Error("BullMQ gave a job without an id or a signal.");
      const outcome = await runJob(runner, job.id, signal);
      if (outcome === "waits") {
        await job.moveToWait(token);
        throw new WaitingError();
      }
    },
    {
      connection: redis,
      prefix: keys.tag,
      name,
      concurrency: config.concurrency,
      lockDuration: config.lockMs,
      stalledInterval: config.stalledMs,
      // Whether a job that kills workers goes on is decided by its log, which knows its checkpoints.
      maxStalledCount: 1_000_000,
    },
  );
  const stop = (id: string, reason: StopReason) => worker.cancelJob(id, reason);
  const deliver = (id: string) => {
    wishes
      .get(id)
      ?.deliver()
      .catch((error: unknown) => logger.warn({ job: id, err: error }, "could not bring a change to its trainer"));
  };
  worker.on("stalled", (id) => logger.warn({ job: id }, "its worker is gone, the job goes back to the queue"));
  worker.on("lockRenewalFailed", (ids) => {
    for (const id of ids) stop(id, "lock_lost");
  });
  worker.on("failed", (job, error) => logger.error({ job: job?.id, err: error }, "could not work on a job"));
  worker.on("error", (error) => logger.warn({ reason: error.message }, "trouble with the broker"));
  const hear = (id: string, signal: Signal["signal"]) => {
    if (signal === "change") deliver(id);
    else stop(id, signal);
  };
  await onSignal(subscriber, keys, ({ id, signal }) => hear(id, signal));
  await worker.waitUntilReady();

  const queue = new JobQueue(redis, keys);
  // A job that was resumed while the queue still held its paused run is in no queue now.
  worker.on("completed", ({ id = "" }) => {
    readdIfQueued(log, queue, id).catch((error: unknown) =>
      logger.warn({ job: id, err: error }, "could not look after"),
    );
  });
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
    { jobs: new Jobs({ redis, log, queue, store: runner.store }), log, logger },
    { days: config.retainDays, jobs: config.retainJobs },
  );
  janitor.start();
  const heartbeat = new Heartbeat(
    { registry: new WorkerRegistry(redis, keys), log, logger },
    {
      id: name,
      host: hostname(),
      pid: process.pid,
      version: VERSION,
      device: "cpu",
      concurrency: config.concurrency,
      threads: config.engineThreads,
      since: new Date().toISOString(),
    },
    { jobs: () => [...wishes.keys()], hear },
  );
  heartbeat.start();
  return {
    name,
    close: async () => {
      dispatcher.stop();
      await Promise.all([reconciler.stop(), heartbeat.stop(), janitor.stop()]);
      await worker.pause(true);
      worker.cancelAllJobs("shutdown" satisfies StopReason);
      await worker.close();
      await queue.close();
      await pool.close();
      redis.disconnect();
      subscriber.disconnect();
    },
  };
}

async function readdIfQueued(log: JobLog, queue: JobQueue, id: string): Promise<void> {
  const state = await log.state(id);
  if (state?.status === "queued") await queue.add(id, state.priority);
}
