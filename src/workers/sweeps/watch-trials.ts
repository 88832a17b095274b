/** Finds out what has become of a sweep's trials: which of them stand otherwise than is noted, and tells of each not too often. */
import type { JobStanding } from "../../jobs/job.ts";
import type { JobLog } from "../../jobs/job-log.ts";
import type { TrialRecord } from "../../jobs/sweeps/sweep.ts";
import { hasEnded } from "../../jobs/sweeps/sweeps.ts";
import type { TrialFollower } from "./follow-trial.ts";

/** A leaderboard that changes more often can't be read. */
export const TELL_MS = 250;

export class TrialWatch {
  private readonly log: JobLog;
  private readonly follower: TrialFollower;
  /** Jobs that have changed since they were looked at. */
  private readonly changed = new Set<string>();
  /** Jobs that have changed too soon after they were told of. */
  private readonly late = new Set<string>();
  /** By the numbers of the trials. */
  private readonly toldAt = new Map<number, number>();

  constructor(log: JobLog, follower: TrialFollower) {
    this.log = log;
    this.follower = follower;
  }

  /** The job of a trial has changed. */
  hear(jobId: string): void {
    this.changed.add(jobId);
  }

  /** Whether something has changed that was not told yet. */
  get isBehind(): boolean {
    return this.changed.size + this.late.size > 0;
  }

  /** Of the trials whose jobs have changed, or of `all` that have not ended: those that now stand otherwise, as they stand. */
  async updates(trials: readonly TrialRecord[], all: boolean): Promise<TrialRecord[]> {
    const now = performance.now();
    const isEarly = ({ number }: TrialRecord) => now - (this.toldAt.get(number) ?? 0) < TELL_MS;
    const due = trials.filter((trial) => {
      const { status, job_id } = trial;
      if (job_id === null || hasEnded(status)) return false;
      return all || this.changed.has(job_id) || (this.late.has(job_id) && !isEarly(trial));
    });
    this.changed.clear();
    for (const { job_id } of due) if (job_id !== null) this.late.delete(job_id);
    const jobs = await this.jobsOf(due);
    const looked = await Promise.all(
      due.map(async (trial, i): Promise<TrialRecord | null> => {
        const job = jobs[i];
        // Someone deleted it.
        if (!job) return { ...trial, status: "cancelled" };
        if (isEarly(trial) && job.status === trial.status) {
          if (trial.job_id !== null) this.late.add(trial.job_id);
          return null;
        }
        const next = await this.follower.follow(trial, job);
        return JSON.stringify(next) === JSON.stringify(trial) ? null : next;
      }),
    );
    const updates = looked.filter((next) => next !== null);
    for (const { number } of updates) this.toldAt.set(number, now);
    return updates;
  }

  /** One that is missing may be about to be restored, after a broker came back without its last seconds. */
  private async jobsOf(trials: readonly TrialRecord[]): Promise<(JobStanding | null)[]> {
    const ids = trials.flatMap(({ job_id }) => job_id ?? []);
    const found = await this.log.standings(ids);
    if (!found.includes(null)) return found;
    await this.log.settled();
    return this.log.standings(ids);
  }
}
