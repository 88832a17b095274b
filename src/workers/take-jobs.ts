/** Takes jobs from one queue and has them run, as many at once as it may. */
import { DelayedError, Worker as QueueWorker, WaitingError } from "bullmq";
import type { Redis } from "ioredis";
import type { Config } from "../config.ts";
import { QUEUE_NAMES, type QueueKind } from "../jobs/job-queue.ts";
import { brokerTime } from "../jobs/redis.ts";
import { type RunnerParts, runJob, type StopReason } from "./job-runner.ts";
import { LockedRuns } from "./locked-runs.ts";

export interface TakerOptions extends Pick<Config, "lockMs" | "stalledMs"> {
  readonly kind: QueueKind;
  readonly concurrency: number;
  readonly connection: Redis;
  readonly prefix: string;
  /** Called once the queue has forgotten a job. */
  onOver(id: string): void;
}

export interface Taker {
  /** Asks the run of a job to stop, if it runs here. */
  stop(id: string, reason: StopReason): void;
  /** Takes no more jobs, and ends those that run for this reason. */
  close(reason: StopReason): Promise<void>;
}

/** What another worker is to take is out of reach for so long. */
const ELSEWHERE_MS = 1000;

export async function takeJobs(runner: RunnerParts, options: TakerOptions): Promise<Taker> {
  const { kind, concurrency, connection, prefix, lockMs, stalledMs, onOver } = options;
  const { logger } = runner;
  const runs = new LockedRuns<StopReason>(lockMs);
  const worker = new QueueWorker(
    QUEUE_NAMES[kind],
    async (job, token) => {
      const outcome = await runs.run(job, token, (id, signal) => runJob(runner, id, signal));
      if (outcome === "waits") {
        await job.moveToWait(token);
        throw new WaitingError();
      }
      if (outcome === "elsewhere") {
        await job.moveToDelayed((await brokerTime(connection)) + ELSEWHERE_MS, token);
        throw new DelayedError();
      }
    },
    {
      connection,
      prefix,
      name: runner.worker,
      concurrency,
      lockDuration: lockMs,
      skipLockRenewal: true,
      stalledInterval: stalledMs,
      // Whether a job that kills workers goes on is decided by its log, which knows its checkpoints.
      maxStalledCount: 1_000_000,
    },
  );
  worker.on("stalled", (id) => logger.warn({ job: id }, "its worker is gone, the job goes back to the queue"));
  worker.on("failed", (job, error) => logger.error({ job: job?.id, err: error }, "could not work on a job"));
  worker.on("error", (error) => logger.warn({ reason: error.message }, "trouble with the broker"));
  worker.on("completed", ({ id = "" }: Readonly<{ id?: string | undefined }>) => onOver(id));
  await worker.waitUntilReady();
  return {
    stop: (id, reason) => runs.stop(id, reason),
    close: async (reason) => {
      await worker.pause(true);
      runs.stopAll(reason);
      await worker.close();
    },
  };
}
