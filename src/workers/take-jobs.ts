/** Takes jobs from one queue and has them run, as many at once as it may; with a job, also those that are to train with it. */
import { randomUUID } from "node:crypto";
import { DelayedError, type Job, Worker as QueueWorker, WaitingError } from "bullmq";
import type { Redis } from "ioredis";
import type { Config } from "../config.ts";
import { type JobQueue, QUEUE_NAMES, type QueueData, type QueueKind } from "../jobs/job-queue.ts";
import { brokerTime } from "../jobs/redis.ts";
import { Batch } from "./batch.ts";
import { type RunnerParts, runJob, type StopReason } from "./job-runner.ts";
import { LockedRuns } from "./locked-runs.ts";
import type { TrainerPool } from "./trainer-pool.ts";

export interface TakerOptions extends Pick<Config, "lockMs" | "stalledMs"> {
  readonly kind: QueueKind;
  readonly concurrency: number;
  readonly connection: Redis;
  readonly prefix: string;
  readonly queue: JobQueue;
  /** Called once the queue has forgotten a job. */
  onOver(id: string): void;
  /** Called each time that the broker does not answer. */
  onTrouble(error: Error): void;
}

export interface Taker {
  /** Asks the run of a job to stop, if it runs here. */
  stop(id: string, reason: StopReason): void;
  /** Takes no more jobs, and ends those that run for this reason. */
  close(reason: StopReason): Promise<void>;
}

/** A job that was taken, and the name under which its lock is held. */
interface Taken {
  readonly job: Job<QueueData>;
  readonly token: string;
}

/** What another worker is to take is out of reach for so long. */
const ELSEWHERE_MS = 1000;

export async function takeJobs(
  runner: RunnerParts & { readonly pool: TrainerPool },
  options: TakerOptions,
): Promise<Taker> {
  const { kind, concurrency, connection, prefix, queue, lockMs, stalledMs, onOver, onTrouble } = options;
  const { logger } = runner;
  const runs = new LockedRuns<StopReason>(lockMs);
  const worker = new QueueWorker<QueueData>(
    QUEUE_NAMES[kind],
    async (job, token = "") => {
      const first = { job, token };
      const others = await takeWith(job);
      const batch = new Batch(runner.pool, 1 + others.length);
      if (others.length > 0) {
        // Its place is taken until the last of them is over.
        await Promise.all([first, ...others].map((each, i) => settle(each, runIn(batch, i, each))));
        // The queue knows what has become of it.
        throw new WaitingError();
      }
      const outcome = await runIn(batch, 0, first);
      if (outcome === "over") return;
      await putBack(first, outcome);
      throw outcome === "waits" ? new WaitingError() : new DelayedError();
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

  const runIn = (batch: Batch, place: number, { job, token }: Taken) =>
    batch.run(place, (pool) =>
      runs.run(job, token, (id, signal) => runJob({ ...runner, pool, together: batch.jobs }, id, signal)),
    );

  const putBack = async ({ job, token }: Taken, outcome: "waits" | "elsewhere"): Promise<void> => {
    if (outcome === "elsewhere") {
      await job.moveToDelayed((await brokerTime(connection)) + ELSEWHERE_MS, token);
      return;
    }
    await job.moveToWait(token);
    // The library tells nobody: a worker that has nothing to do would find it seconds later.
    await connection.zadd(worker.toKey("marker"), 0, "0");
  };

  /** The jobs that are to train together with this one, as far as they come next in the queue. */
  const takeWith = async ({ id = "", data }: Job<QueueData>): Promise<Taken[]> => {
    const taken: Taken[] = [];
    if (!data.batch) return taken;
    try {
      const wanted = new Set(await runner.log.trainsWith(id));
      const next = wanted.size > 0 ? await queue.next(kind, wanted.size) : [];
      const other = next.findIndex((nextId) => !wanted.has(nextId));
      const count = other === -1 ? next.length : other;
      const found = (await Promise.all(Array.from({ length: count }, takeNext))).filter((one) => one !== null);
      const isWanted = ({ job }: Taken) => wanted.has(job.id ?? "");
      taken.push(...found.filter(isWanted));
      // Where another worker has taken some of them meanwhile.
      await Promise.all(found.filter((one) => !isWanted(one)).map((one) => putBack(one, "waits")));
    } catch (error) {
      // The job itself has been taken, whatever has become of the others: those go back to the queue when their locks are over.
      logger.warn({ job: id, err: error }, "could not take the jobs that are to train with it");
    }
    return taken;
  };

  const takeNext = async (): Promise<Taken | null> => {
    const token = randomUUID();
    const job = await worker.getNextJob(token, { block: false });
    return job ? { job, token } : null;
  };

  /** Tells the queue what has become of a job of a batch. */
  const settle = async (taken: Taken, run: ReturnType<typeof runIn>): Promise<void> => {
    const { job, token } = taken;
    try {
      const outcome = await run.catch((error: unknown) => {
        logger.error({ job: job.id, err: error }, "could not work on a job");
        return error instanceof Error ? error : new Error(String(error));
      });
      if (outcome instanceof Error) await job.moveToFailed(outcome, token, false);
      else if (outcome !== "over") await putBack(taken, outcome);
      else {
        await job.moveToCompleted(null, token, false);
        onOver(job.id ?? "");
      }
    } catch (error) {
      // Its lock is lost, or the queue has lost it: others look after it.
      logger.warn({ job: job.id, reason: error instanceof Error ? error.message : error }, "trouble with the broker");
    }
  };

  worker.on("stalled", (id) => logger.warn({ job: id }, "its worker is gone, the job goes back to the queue"));
  worker.on("failed", (job, error) => logger.error({ job: job?.id, err: error }, "could not work on a job"));
  worker.on("error", onTrouble);
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
