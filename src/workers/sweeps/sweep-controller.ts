/**
 * Steers one sweep: draws its trials, submits them as jobs, follows these, promotes the best, and ends what is to end. All that it
 * knows is in the sweep's log before it acts on it: whoever takes over, after any crash, goes on from there.
 */
import type { Logger } from "pino";
import { newId } from "../../jobs/ids.ts";
import type { InitialWeights } from "../../jobs/initial-weights.ts";
import type { JobLog } from "../../jobs/job-log.ts";
import type { Jobs } from "../../jobs/jobs.ts";
import { jobProblems } from "../../jobs/problem.ts";
import { sweepLinks, type TrialRecord, trialView } from "../../jobs/sweeps/sweep.ts";
import { type SweepLog, type SweepState, specOf } from "../../jobs/sweeps/sweep-log.ts";
import { haltTrials, hasEnded } from "../../jobs/sweeps/sweeps.ts";
import { promotable, rungsOf, type Standing } from "../../sweeps/asha.ts";
import type { SweepSpec } from "../../sweeps/sweep-spec.ts";
import { divide, isSmall, MOST_TOGETHER } from "./batches.ts";
import type { TrialDrawer } from "./draw-trial.ts";
import { TrialFollower } from "./follow-trial.ts";
import { isBlind, Room } from "./room.ts";
import { type MadeTrial, noteBatch, submitTrials } from "./submit-trials.ts";
import { SupersededError, TrialLedger } from "./trial-ledger.ts";
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
/** More are not noted in one step, also where none of them can train. */
const MOST_DRAWN = 16 * MOST_TOGETHER;

export class SweepController {
  private readonly parts: ControllerParts;
  private readonly id: string;
  private readonly attempt: number;
  private readonly spec: SweepSpec;
  private readonly drawer: TrialDrawer;
  private readonly rungs: readonly number[];
  private readonly watch: TrialWatch;
  private readonly ledger: TrialLedger;
  private alarm = Promise.withResolvers<void>();

  constructor(parts: ControllerParts, state: SweepState, drawer: TrialDrawer) {
    this.parts = parts;
    this.id = state.id;
    this.attempt = state.attempts + 1;
    this.spec = specOf(state);
    this.drawer = drawer;
    const { asha, objective } = this.spec;
    this.ledger = new TrialLedger(parts.sweepLog, { id: this.id, attempt: this.attempt, objective });
    this.rungs = asha ? rungsOf(asha.min_epochs, drawer.epochs, asha.reduction_factor) : [];
    this.watch = new TrialWatch(parts.log, new TrialFollower(parts.log, objective, this.rungs));
  }

  private get trials(): readonly TrialRecord[] {
    return this.ledger.trials;
  }

  /** Something was asked of the sweep. */
  wake(): void {
    this.alarm.resolve();
  }

  /** Whether it need not hear of each change at once: only who learns from its trials has to. */
  get isPatient(): boolean {
    return isBlind(this.spec);
  }

  /** A job has changed, perhaps one of these trials. */
  hear(jobId: string): void {
    if (!this.ledger.hasJob(jobId)) return;
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
    await this.ledger.load();
    signal.addEventListener("abort", () => this.wake());
    await this.recover(before.queueReason === "requested");
    for (let lookAt = 0; ; ) {
      this.alarm = Promise.withResolvers();
      if (signal.aborted) return this.leave(signal);
      const asked = await this.parts.sweepLog.asked(this.id);
      if (asked === null) return "over";
      if (asked !== "nothing") return this.halt(asked);
      const now = performance.now();
      const all = now >= lookAt;
      if (all) lookAt = now + LOOK_MS;
      await this.ledger.tell(await this.watch.updates(this.trials, all));
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
    await this.ledger.append([
      attempts === 0
        ? { type: "started", data: about, state: { worker, started_at: new Date().toISOString() } }
        : { type: "resumed", data: { ...about, reason }, state: { worker } },
    ]);
  }

  /** Does again what an earlier controller had noted and may not have done. `unpause`: the sweep was paused. */
  private async recover(unpause: boolean): Promise<void> {
    await this.cancelStopped();
    const open = this.trials.flatMap((trial) =>
      trial.job_id === null || hasEnded(trial.status) ? [] : [{ trial, jobId: trial.job_id }],
    );
    const found = await this.parts.log.standings(open.map(({ jobId }) => jobId));
    const check = this.drawer.checker();
    const toMake: MadeTrial[] = [];
    const toResume: (() => Promise<unknown>)[] = [];
    for (const [i, { trial, jobId }] of open.entries()) {
      if (!found[i]) {
        const checked = await check(trial.number, jobId, this.drawer.redraw(trial));
        if ("type" in checked) await this.ledger.tell([{ ...trial, status: "invalid", job_id: null, error: checked }]);
        else toMake.push({ ...checked, trial, jobId, hold: this.holdOf(trial) });
      } else if (unpause && trial.status === "paused") toResume.push(() => this.parts.jobs.resume(jobId));
      else if (trial.status === "queued" && trial.rung > 0) toResume.push(() => this.promote(trial, jobId));
    }
    // At once, for those of a batch to find each other again.
    await Promise.all(toResume.map((resume) => resume()));
    await this.submit(toMake);
  }

  /** Promotes and draws as long as there is room. */
  private async act(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.room().forMore) {
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

  private room(): Room {
    return new Room(this.spec, Math.max(1, this.parts.slots()), this.trials);
  }

  /** Draws as many as there is room for, notes them, and submits them. */
  private async draw(signal: AbortSignal): Promise<void> {
    const room = this.room();
    const check = this.drawer.checker();
    const drawn = [...this.trials];
    const made: MadeTrial[] = [];
    const most = Math.min(this.spec.trials, drawn.length + MOST_DRAWN);
    while (drawn.length < most && room.forOne && !signal.aborted) {
      const number = drawn.length;
      const point = this.drawer.draw(number, drawn);
      const jobId = newId("job");
      const checked = await check(number, jobId, point);
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
      if ("type" in checked) {
        drawn.push({ ...trial, error: checked });
        continue;
      }
      const epochs = this.rungs[0] ?? checked.spec.epochs;
      const queued: TrialRecord = { ...trial, job_id: jobId, status: "queued", epochs };
      drawn.push(queued);
      made.push({ ...checked, trial: queued, jobId, hold: this.holdOf(queued) });
      room.add(isSmall(checked));
    }
    // Also if asked to stop meanwhile: what is stored for a job that nobody notes would stay for ever.
    const marked = divide(made, room.together).flatMap(noteBatch);
    for (const { trial } of marked) drawn[trial.number] = trial;
    // Noted first: who takes over finds the jobs, or makes them.
    await this.ledger.tell(drawn.slice(this.trials.length));
    await this.submit(marked);
  }

  private async submit(trials: readonly MadeTrial[]): Promise<void> {
    await submitTrials(this.parts, this.ledger, this.drawer.owner, trials);
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
    await this.ledger.tell([promoted]);
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
    await this.ledger.tell(worse.map((trial) => ({ ...trial, status: "stopped" as const })));
    await this.cancelStopped();
    const { trials, best } = this.ledger.standing();
    const finished = { finished_at: new Date().toISOString() };
    const epochs_trained = this.trials.reduce((sum, { epoch }) => sum + epoch, 0);
    if (best) {
      const data = { best: trialView(best), trials, epochs_trained, links: sweepLinks(this.id) };
      await this.ledger.append([{ type: "completed", data, state: finished }]);
    } else {
      const error = jobProblems.noTrial(this.trials.length);
      await this.ledger.append([{ type: "failed", data: { error, trials }, state: { ...finished, error } }]);
    }
    this.parts.logger.info({ trials }, best ? "completed" : "failed");
    return "over";
  }

  private async halt(how: "cancel" | "pause"): Promise<"over"> {
    const halted = await haltTrials(this.parts.jobs, this.trials, how);
    await this.ledger.tell(halted.filter((trial, i) => trial !== this.trials[i]));
    const { trials } = this.ledger.standing();
    await this.ledger.append([
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
    await this.ledger.append([{ type: "queued", data: { reason }, state: { queue_reason: reason } }]);
    return "waits";
  }
}
