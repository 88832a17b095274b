/**
 * The lock under which a worker has a job: renewed while it trains, by the monotonic clock and for each run apart. (BullMQ's
 * own renewal goes by the wall clock, and by job: it loses sight of a run that follows a lost one in the same worker.)
 */
import type { Job } from "bullmq";

/** So often within the time after which it would be lost. */
const RENEWALS = 4;

export class JobLock {
  private readonly timer: NodeJS.Timeout;
  private asking = false;

  /** `onLost` is called once another worker may have the job; while the broker is away nobody knows. */
  constructor(job: Job, token: string, lockMs: number, onLost: () => void) {
    const renew = async (): Promise<void> => {
      if (this.asking) return;
      this.asking = true;
      try {
        if ((await job.extendLock(token, lockMs)) === 1) return;
        this.release();
        onLost();
      } catch {
        // The broker could not be asked: the next turn does.
      } finally {
        this.asking = false;
      }
    };
    this.timer = setInterval(() => void renew(), lockMs / RENEWALS);
  }

  release(): void {
    clearInterval(this.timer);
  }
}
