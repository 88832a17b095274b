/**
 * Steers one sweep: draws its trials, submits them as jobs, follows these, promotes the best, and ends what is to end. All that it
 * knows is in the sweep's log before it acts on it: whoever takes over, after any crash, goes on from there.
 */
import type { Logger } from "pino";
import { newId } from "../../jobs/ids.ts";
import { goneSource, type InitialWeights } from "../../jobs/initial-weights.ts";
import type { JobLog } from "../../jobs/job-log.ts";
import { jobToCreate } from "../../jobs/job-to-create.ts";
import type { Jobs } from "../../jobs/jobs.ts";
import { ObjectNotFoundError } from "../../jobs/object-store.ts";
import { jobProblems } from "../../jobs/problem.ts";
import { countTrials, leaderboard, sweepLinks, type TrialRecord, trialView } from "../../jobs/sweeps/sweep.ts";
import { type SweepAppend, type SweepLog, type SweepState, specOf } from "../../jobs/sweeps/sweep-log.ts";
import { haltTrials, hasEnded, trialFields } from "../../jobs/sweeps/sweeps.ts";
import { promotable, rungsOf, type Standing } from "../../sweeps/asha.ts";
import type { SweepSpec } from "../../sweeps/sweep-spec.ts";
import type { CheckedTrial, TrialDrawer } from "./draw-trial.ts";
import { TrialFollower } from "./follow-trial.ts";
import { TELL_MS, TrialWatch } from "./watch-trials.ts";

export interface ControllerParts {
  readonly sweepLog: SweepLog;
  readonly log: JobLog;
  readonly jobs: Jobs;
  readonly initialWeights: InitialWeights;
  readonly worker: string;
  /** How many jobs all workers can train at once. */
  readonly slots: () => number;
  readonly logger: Logger;
}

/** Why a controller is to stop before its sweep ends. */
export type SteerStop = "shutdown" | "lock_lost";

/** Whatever is missed is seen after so long. */
const LOOK_MS = 2000;

/** Another controller has the sweep. */
class SupersededError extends Error {
  override readonly name = "SupersededError";
}

export class SweepController {
  private readonly parts: ControllerParts;
  private readonly id: string;
  private readonly attempt: number;
  private readonly spec: SweepSpec;
  private readonly drawer: TrialDrawer;
  private readonly rungs: readonly number[];
  private readonly watch: TrialWatch;
  private trials: TrialRecord[] = [];
  private alarm = Promise.withResolvers<void>();

  constructor(parts: ControllerParts, state: SweepState, drawer: TrialDrawer) {
    this.parts = parts;
    this.id = state.id;
    this.attempt = state.attempts + 1;
    this.spec = specOf(state);
    this.drawer = drawer;
    const { asha, objective } = this.spec;
    this.rungs = asha ? rungsOf(asha.min_epochs, drawer.epochs, asha.reduction_factor) : [];
    this.watch = new TrialWatch(parts.log, new TrialFollower(parts.log, objective, this.rungs));
  }

  /** Something was asked of the sweep. */
  wake(): void {
    this.alarm.resolve();
  }

  /** A job has changed, perhaps one of these trials. */
  hear(jobId: string): void {
    if (!this.trials.some(({ job_id }) => job_id === jobId)) return;
    this.watch.hear(jobId);
    this.alarm.resolve();
  }

  /** `waits`: the sweep is to go back to the queue. */
  async run(state: SweepState, signal: AbortSignal): Promise<"over" | "waits"> {
    try {
      return await this.steer(state, signal);
    } catch (error) {
      if (!(error instanceof SupersededError)) throw error;
      this.parts.logger.warn(error.message);
      return "over";
    }
  }

  private async steer(before: SweepState, signal: AbortSignal): Promise<"over" | "waits"> {
    await this.claim(before);
    this.trials = await this.parts.sweepLog.trials(this.id);
    signal.addEventListener("abort", () => this.wake());
    await this.recover(before.queueReason === "requested");
    for (let lookAt = 0; ; ) {
      this.alarm = Promise.withResolvers();
      if (signal.aborted) return this.leave(signal);
      const state = await this.parts.sweepLog.state(this.id);
      if (!state) return "over";
      if (state.cancel_requested) return this.halt("cancel");
      if (state.pause_requested) return this.halt("pause");
      const now = performance.now();
      const all = now >= lookAt;
      if (all) lookAt = now + LOOK_MS;
      await this.tell(await this.watch.updates(this.trials, all));
      await this.act(signal);
      if (this.isOver()) return this.finish();
      await this.untilWoken(this.watch.isBehind ? TELL_MS : LOOK_MS);
    }
  }

  private async untilWoken(ms: number): Promise<void> {
    const timer = setTimeout(() => this.wake(), ms);
    await this.alarm.promise;
    clearTimeout(timer);
  }

  private async claim({ status, attempts, queueReason }: SweepState): Promise<void> {
    const { worker } = this.parts;
    const about = { attempt: this.attempt, worker };
    const reason = status === "running" ? "worker_lost" : queueReason === "submitted" ? "worker_stopped" : queueReason;
    await this.append([
      attempts === 0
        ? { type: "started", data: about, state: { worker, started_at: new Date().toISOString() } }
        : { type: "resumed", data: { ...about, reason }, state: { worker } },
    ]);
  }

  /** Does again what an earlier controller had noted and may not have done. `unpause`: the sweep was paused. */
  private async recover(unpause: boolean): Promise<void> {
    await this.cancelStopped();
    for (const trial of this.trials) {
      const { job_id } = trial;
      if (job_id === null || hasEnded(trial.status)) continue;
      if (!(await this.parts.log.state(job_id)))
        await this.submit(trial, job_id, await this.drawer.check(trial.number, this.drawer.redraw(trial)));
      else if (unpause && trial.status === "paused") await this.parts.jobs.resume(job_id);
      else if (trial.status === "queued" && trial.rung > 0) await this.promote(trial, job_id);
    }
  }

  /** Promotes and draws as long as there is room. */
  private async act(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.underway() < this.room()) {
      const next = this.next();
      if (!next) return;
      if (next === "draw") await this.draw(signal);
      else await this.goOn(next);
    }
  }

  private next(): TrialRecord | "draw" | undefined {
    const { asha, trials } = this.spec;
    if (asha) {
      const standings = this.trials.map(
        ({ number, rung_values, rung, status }): Standing => ({
          number,
          values: rung_values,
          target: rung,
          waits: status === "waiting",
        }),
      );
      const best = promotable(standings, this.rungs.length, asha.reduction_factor);
      const found = best && this.trials[best.number];
      if (found) return found;
    }
    return this.trials.length < trials ? "draw" : undefined;
  }

  /** Who searches blindly may let the next ones wait already; who learns from each trial draws as late as possible. */
  private room(): number {
    const slots = Math.max(1, this.parts.slots());
    const ahead = this.spec.strategy.type !== "tpe" && this.spec.asha === null ? 2 * slots : slots;
    return Math.min(this.spec.parallel, ahead);
  }

  private underway(): number {
    return this.trials.filter(({ status }) => status === "queued" || status === "running").length;
  }

  private async draw(signal: AbortSignal): Promise<void> {
    const number = this.trials.length;
    const point = this.drawer.draw(number, this.trials);
    const checked = await this.drawer.check(number, point);
    if (signal.aborted) return;
    const trial: TrialRecord = {
      number,
      job_id: null,
      status: "invalid",
      params: point.params,
      draws: point.draws,
      value: null,
      best_epoch: null,
      epoch: 0,
      epochs: this.rungs[0] ?? this.drawer.epochs,
      rung: 0,
      rung_values: [],
      error: null,
    };
    if ("type" in checked) return this.tell([{ ...trial, error: checked }]);
    const job = newId("job");
    const epochs = this.rungs[0] ?? checked.spec.epochs;
    const made: TrialRecord = { ...trial, job_id: job, status: "queued", epochs };
    // Noted first: who takes over finds the job, or makes it.
    await this.tell([made]);
    await this.submit(made, job, checked);
  }

  private async submit(trial: TrialRecord, jobId: string, checked: CheckedTrial): Promise<void> {
    const { jobs, initialWeights } = this.parts;
    if ("type" in checked) return this.tell([{ ...trial, status: "invalid", job_id: null, error: checked }]);
    const { init } = checked.spec.model;
    try {
      await initialWeights.copy(init, jobId);
    } catch (error) {
      if (!(error instanceof ObjectNotFoundError)) throw error;
      return this.tell([
        { ...trial, status: "invalid", job_id: null, error: jobProblems.invalidTrial([goneSource(init)]) },
      ]);
    }
    await jobs.submit(
      { ...jobToCreate(jobId, checked), hold: this.holdOf(trial) },
      undefined,
      this.drawer.owner === null ? undefined : { id: this.drawer.owner, jobs: null },
    );
  }

  private async goOn(trial: TrialRecord): Promise<void> {
    const { job_id, rung } = trial;
    if (job_id === null) return;
    const promoted: TrialRecord = {
      ...trial,
      rung: rung + 1,
      status: "queued",
      epochs: this.rungs[rung + 1] ?? trial.epochs,
    };
    await this.tell([promoted]);
    await this.promote(promoted, job_id);
  }

  private async promote(trial: TrialRecord, jobId: string): Promise<void> {
    await this.parts.jobs.resume(jobId, this.holdOf(trial));
  }

  /** Where its job is to pause by itself. */
  private holdOf({ rung }: TrialRecord): number | null {
    return rung < this.rungs.length - 1 ? (this.rungs[rung] ?? null) : null;
  }

  /** Whether nothing trains, nothing waits for its turn, and nothing is left to begin. */
  private isOver(): boolean {
    return this.next() === undefined && this.trials.every(({ status }) => hasEnded(status) || status === "waiting");
  }

  private async cancelStopped(): Promise<void> {
    const stopped = this.trials.filter(({ status }) => status === "stopped");
    const { jobs } = this.parts;
    await Promise.all(
      stopped.map(({ job_id }) => job_id !== null && jobs.cancel(job_id, "others of the sweep were better")),
    );
  }

  private async finish(): Promise<"over"> {
    const worse = this.trials.filter(({ status }) => status === "waiting");
    await this.tell(worse.map((trial) => ({ ...trial, status: "stopped" as const })));
    await this.cancelStopped();
    const { trials, best } = this.standing();
    const finished = { finished_at: new Date().toISOString() };
    const epochs_trained = this.trials.reduce((sum, { epoch }) => sum + epoch, 0);
    if (best) {
      const data = { best: trialView(best), trials, epochs_trained, links: sweepLinks(this.id) };
      await this.append([{ type: "completed", data, state: finished }]);
    } else {
      const error = jobProblems.noTrial(this.trials.length);
      await this.append([{ type: "failed", data: { error, trials }, state: { ...finished, error } }]);
    }
    this.parts.logger.info({ trials }, best ? "completed" : "failed");
    return "over";
  }

  private async halt(how: "cancel" | "pause"): Promise<"over"> {
    const halted = await haltTrials(this.parts.jobs, this.trials, how);
    await this.tell(halted.filter((trial, i) => trial !== this.trials[i]));
    const { trials } = this.standing();
    await this.append([
      how === "cancel"
        ? {
            type: "cancelled",
            data: { reason: "requested", trials },
            state: { finished_at: new Date().toISOString() },
          }
        : { type: "paused", data: { reason: "requested" }, state: { pause_requested: 0 } },
    ]);
    this.parts.logger.info(how === "cancel" ? "cancelled" : "paused");
    return "over";
  }

  private async leave(signal: AbortSignal): Promise<"over" | "waits"> {
    const stop: unknown = signal.reason;
    if (stop !== ("shutdown" satisfies SteerStop)) return "over";
    const reason = "worker_stopped";
    await this.append([{ type: "queued", data: { reason }, state: { queue_reason: reason } }]);
    return "waits";
  }

  /** Notes what has changed with trials, each in an event of its own. */
  private async tell(updates: readonly TrialRecord[]): Promise<void> {
    if (updates.length === 0) return;
    for (const update of updates) this.trials[update.number] = update;
    const { trials, best } = this.standing();
    await this.append(
      updates.map((trial): SweepAppend => {
        const state = { ...trialFields([trial], this.trials), ...(best && { best: trialView(best) }) };
        return { type: "trial", data: { trial: trialView(trial), best: best?.number ?? null, trials }, state };
      }),
    );
  }

  private standing() {
    const [first] = leaderboard(this.trials, this.spec.objective.mode);
    return { trials: countTrials(this.trials), best: first && first.value !== null ? first : null };
  }

  private async append(events: readonly SweepAppend[]): Promise<void> {
    const outcome = await this.parts.sweepLog.append(this.id, events, this.attempt);
    if (outcome.ok) return;
    const { reason, status, attempt } = outcome;
    throw new SupersededError(
      `Attempt ${this.attempt} at sweep ${this.id} may not write (${reason}): the sweep is ${status}, its attempt ${attempt}.`,
    );
  }
}
