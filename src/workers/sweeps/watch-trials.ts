/** Finds out what has become of a sweep's trials: which of them stand otherwise than is noted, and tells of each not too often. */
import type { JobSummary } from "../../jobs/job.ts";
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
    return this.changed.size > 0;
  }

  /** Of the trials whose jobs have changed, or of `all` that have not ended: those that now stand otherwise, as they stand. */
  async updates(trials: readonly TrialRecord[], all: boolean): Promise<TrialRecord[]> {
    const open = trials.filter(({ status, job_id }) => !hasEnded(status) && job_id !== null);
    const due = all ? open : open.filter(({ job_id }) => job_id !== null && this.changed.has(job_id));
    this.changed.clear();
    const jobs = await this.jobsOf(due);
    const updates: TrialRecord[] = [];
    const now = performance.now();
    for (const [i, trial] of due.entries()) {
      const job = jobs[i];
      // Someone deleted it.
      const next = job ? await this.follower.follow(trial, job) : { ...trial, status: "cancelled" as const };
      if (JSON.stringify(next) === JSON.stringify(trial)) continue;
      const told = this.toldAt.get(trial.number) ?? 0;
      if (next.status === trial.status && now - told < TELL_MS) {
        if (trial.job_id !== null) this.changed.add(trial.job_id);
        continue;
      }
      this.toldAt.set(trial.number, now);
      updates.push(next);
    }
    return updates;
  }

  /** One that is missing may be about to be restored, after a broker came back without its last seconds. */
  private async jobsOf(trials: readonly TrialRecord[]): Promise<(JobSummary | null)[]> {
    const ids = trials.flatMap(({ job_id }) => job_id ?? []);
    const found = await this.log.summaries(ids);
    if (!found.includes(null)) return found;
    await this.log.settled();
    return this.log.summaries(ids);
  }
}
