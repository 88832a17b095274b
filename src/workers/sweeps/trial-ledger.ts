/** The trials of a sweep as its log has them: what changes is written there first, in the name of one attempt to steer it. */
import {
  countTrials,
  leaderboard,
  MOST_RANKED,
  type TrialCounts,
  type TrialRecord,
  trialView,
} from "../../jobs/sweeps/sweep.ts";
import type { SweepAppend, SweepLog } from "../../jobs/sweeps/sweep-log.ts";
import { trialFields } from "../../jobs/sweeps/sweeps.ts";
import type { Objective } from "../../sweeps/sweep-spec.ts";

/** Another controller has the sweep. */
export class SupersededError extends Error {
  override readonly name = "SupersededError";
}

export class TrialLedger {
  private readonly log: SweepLog;
  private readonly id: string;
  private readonly attempt: number;
  private readonly mode: Objective["mode"];
  private records: TrialRecord[] = [];
  private readonly jobIds = new Set<string>();

  constructor(log: SweepLog, sweep: { id: string; attempt: number; objective: Objective }) {
    this.log = log;
    this.id = sweep.id;
    this.attempt = sweep.attempt;
    this.mode = sweep.objective.mode;
  }

  /** By number. */
  get trials(): readonly TrialRecord[] {
    return this.records;
  }

  hasJob(id: string): boolean {
    return this.jobIds.has(id);
  }

  async load(): Promise<void> {
    this.note(await this.log.trials(this.id));
  }

  /** Writes what has changed with trials, each in an event of its own, all in one step. */
  async tell(updates: readonly TrialRecord[]): Promise<void> {
    if (updates.length === 0) return;
    this.note(updates);
    const { trials, ranked, best } = this.standing();
    const state = {
      ...trialFields(updates, this.records),
      best: best && trialView(best),
      ranking: ranked.slice(0, MOST_RANKED).map(({ number }) => number),
    };
    await this.append(
      updates.map((trial, i): SweepAppend => {
        const data = { trial: trialView(trial), best: best?.number ?? null, trials };
        return { type: "trial", data, ...(i === updates.length - 1 && { state }) };
      }),
    );
  }

  /** `best`: the first of the ranked, if it has a value. */
  standing(): { trials: TrialCounts; ranked: readonly TrialRecord[]; best: TrialRecord | null } {
    const ranked = leaderboard(this.records, this.mode);
    const best = ranked.find(({ value }) => value !== null) ?? null;
    return { trials: countTrials(this.records), ranked, best };
  }

  /** Throws a SupersededError where another attempt has begun. */
  async append(events: readonly SweepAppend[]): Promise<void> {
    const outcome = await this.log.append(this.id, events, this.attempt);
    if (outcome.ok) return;
    const { reason, status, attempt } = outcome;
    throw new SupersededError(
      `Attempt ${this.attempt} at sweep ${this.id} may not write (${reason}): the sweep is ${status}, its attempt ${attempt}.`,
    );
  }

  private note(updates: readonly TrialRecord[]): void {
    for (const update of updates) {
      this.records[update.number] = update;
      if (update.job_id !== null) this.jobIds.add(update.job_id);
    }
  }
}
