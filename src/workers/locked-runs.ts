/** What runs here of a queue: each under its lock, and one run of the same id at a time. */
import type { Job } from "bullmq";
import { JobLock } from "./job-lock.ts";

/** Another worker may have it by now. */
export const LOCK_LOST = "lock_lost";

export class LockedRuns<Reason extends string> {
  private readonly lockMs: number;
  private readonly runs = new Map<string, { stop: AbortController; over: Promise<unknown> }>();
  private stopped: Reason | null = null;

  constructor(lockMs: number) {
    this.lockMs = lockMs;
  }

  /** One whose lock was lost ends before the next begins. The signal aborts with a reason, or with LOCK_LOST. */
  async run<T>(job: Job, token: string | undefined, work: (id: string, signal: AbortSignal) => Promise<T>): Promise<T> {
    const { id } = job;
    if (id === undefined || token === undefined) throw new Error("BullMQ gave a job without an id or a token.");
    const stop = new AbortController();
    if (this.stopped !== null) stop.abort(this.stopped);
    const lock = new JobLock(job, token, this.lockMs, () => stop.abort(LOCK_LOST));
    const before = this.runs.get(id);
    before?.stop.abort(LOCK_LOST);
    const over = Promise.resolve(before?.over)
      .catch(() => {})
      .then(() => work(id, stop.signal));
    const current = { stop, over };
    this.runs.set(id, current);
    try {
      return await over;
    } finally {
      lock.release();
      if (this.runs.get(id) === current) this.runs.delete(id);
    }
  }

  /** Asks the run of an id to stop, if it runs here. */
  stop(id: string, reason: Reason): void {
    this.runs.get(id)?.stop.abort(reason);
  }

  /** Also those that begin after this: they were taken before. */
  stopAll(reason: Reason): void {
    this.stopped = reason;
    for (const { stop } of this.runs.values()) stop.abort(reason);
  }
}
