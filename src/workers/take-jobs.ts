/** Takes jobs from one queue and has them run, as many at once as it may. */
import { DelayedError, Worker as QueueWorker, WaitingError } from "bullmq";
import type { Redis } from "ioredis";
import type { Config } from "../config.ts";
import { QUEUE_NAMES, type QueueKind } from "../jobs/job-queue.ts";
import { type RunnerParts, runJob, type StopReason } from "./job-runner.ts";

export interface TakerOptions extends Pick<Config, "lockMs" | "stalledMs"> {
  readonly kind: QueueKind;
  readonly concurrency: number;
  readonly connection: Redis;
  readonly prefix: string;
  /** Called once the queue has forgotten a job. */
  onOver(id: string): void;
}

/** What another worker is to take is out of reach for so long. */
const ELSEWHERE_MS = 1000;

export async function takeJobs(runner: RunnerParts, options: TakerOptions): Promise<QueueWorker> {
  const { kind, concurrency, connection, prefix, lockMs, stalledMs, onOver } = options;
  const { logger } = runner;
  const worker = new QueueWorker(
    QUEUE_NAMES[kind],
    async (job, token, signal) => {
      if (job.id === undefined || signal === undefined) throw new Error("BullMQ gave a job without an id or a signal.");
      const outcome = await runJob(runner, job.id, signal);
      if (outcome === "waits") {
        await job.moveToWait(token);
        throw new WaitingError();
      }
      if (outcome === "elsewhere") {
        await job.moveToDelayed(Date.now() + ELSEWHERE_MS, token);
        throw new DelayedError();
      }
    },
    {
      connection,
      prefix,
      name: runner.worker,
      concurrency,
      lockDuration: lockMs,
      stalledInterval: stalledMs,
      // Whether a job that kills workers goes on is decided by its log, which knows its checkpoints.
      maxStalledCount: 1_000_000,
    },
  );
  worker.on("stalled", (id) => logger.warn({ job: id }, "its worker is gone, the job goes back to the queue"));
  worker.on("lockRenewalFailed", (ids) => {
    for (const id of ids) worker.cancelJob(id, "lock_lost" satisfies StopReason);
  });
  worker.on("failed", (job, error) => logger.error({ job: job?.id, err: error }, "could not work on a job"));
  worker.on("error", (error) => logger.warn({ reason: error.message }, "trouble with the broker"));
  worker.on("completed", ({ id = "" }: Readonly<{ id?: string | undefined }>) => onOver(id));
  await worker.waitUntilReady();
  return worker;
}
