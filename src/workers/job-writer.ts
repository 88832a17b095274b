/** Writes down what a trainer tells, in order: epochs in batches, a checkpoint's file before its event. */
import type { EventPayload, EventType } from "../jobs/events.ts";
import type { JobState, Latest, StoredCheckpoint, Trend } from "../jobs/job.ts";
import type { Append, JobLog } from "../jobs/job-log.ts";
import type { ObjectStore } from "../jobs/object-store.ts";
import { EMPTY_TREND, withEpoch } from "../jobs/trend.ts";
import { SpecChange } from "../spec/job-spec.ts";
import { type Frequent, isFrequent, joinSteps, type Steps } from "./frequent-news.ts";
import { JobFiles } from "./job-files.ts";
import type { Control } from "./trainer-messages.ts";
import type { TrainerNews } from "./trainer-pool.ts";

/** Another attempt has taken the job, or it is over: nothing that this attempt writes counts any more. */
export class SupersededError extends Error {
  override readonly name = "SupersededError";
}

/** Two batches are at least so far apart: small jobs make thousands of epochs a second… */
const BATCH_MS = 10;
/** …for each of several that take turns, and have the less to tell… */
const BATCH_MS_OF_SEVERAL = 20;
/** …and ten thousands of steps, which nobody needs one by one. */
const STEPS_MS = 50;
/** While a job runs. An older one may be being read, or be the last that a broker restored from a snapshot knows. */
const CHECKPOINTS_KEPT = 4;

export class JobWriter {
  private readonly log: JobLog;
  private readonly files: JobFiles;
  private readonly control: Control;
  private readonly together: number;
  private readonly id: string;
  private readonly attempt: number;
  private pending: TrainerNews[] = [];
  private writing: Promise<void> | null = null;
  private wake: () => void = () => {};
  private failure: unknown = null;
  /** The trainer is done: only what it told before is to be written, and the last event. */
  private ends = false;
  /** Goes with what is appended next. */
  private held: readonly Append[] = [];
  private readonly onFailure: (error: unknown) => void;
  private readonly ranBefore: number;
  private readonly startedAt = performance.now();

  /** What has changed since the job began, how many of its changes stand in its spec, and wishes that are done. */
  private changes: readonly SpecChange[] = [];
  private plannedChanges = 0;
  private wishesDone = 0;
  private checkpoints: readonly StoredCheckpoint[];
  private progress: JobState["progress"];
  private trend: Trend = EMPTY_TREND;
  /** The last step whose loss was streamed, also that of an earlier attempt. */
  private streamed = 0;
  /** The last epoch whose probe was told, also by an earlier attempt. */
  private probed = -1;
  /** The last whole epoch, also that of an earlier attempt. */
  epoch: number;
  latest: JobState["latest"];
  best: JobState["best"];
  /** Of this attempt. */
  lastEvent: EventType | null = null;

  constructor(
    parts: { log: JobLog; store: ObjectStore; control: Control; together?: number },
    state: JobState,
    attempt: number,
    onFailure: (error: unknown) => void,
  ) {
    this.log = parts.log;
    this.files = new JobFiles(parts.store, state.id, attempt);
    this.control = parts.control;
    this.together = parts.together ?? 1;
    this.id = state.id;
    this.attempt = attempt;
    this.onFailure = onFailure;
    this.ranBefore = state.ranMs;
    this.goOnFrom(state);
    this.checkpoints = state.checkpoints;
    this.progress = state.progress;
    this.epoch = state.progress.epoch;
    this.latest = state.latest;
    this.best = state.best;
  }

  /** How long the job has been with workers, without waiting and pauses. */
  get ranMs(): number {
    return Math.round(this.ranBefore + performance.now() - this.startedAt);
  }

  /** The state after the claim: until then an earlier attempt could still write. */
  goOnFrom({ streamedStep, probedEpoch, changes, plannedChanges, wishesDone, trend }: JobState): void {
    this.streamed = streamedStep;
    this.probed = probedEpoch;
    this.trend = trend;
    this.changes = changes;
    this.plannedChanges = plannedChanges;
    this.wishesDone = wishesDone;
  }

  /** Never throws: a failure is told once by `onFailure` and again by flush(). */
  add(news: TrainerNews): void {
    this.pending.push(news);
    if (!isFrequent(news)) this.wake();
    this.start();
  }

  private start(): void {
    if (this.writing || this.failure !== null || this.pending.length === 0) return;
    this.writing = this.drain().finally(() => {
      this.writing = null;
      this.start();
    });
  }

  /**
   * Resolves once everything so far is written. Throws what went wrong. `ends`: what follows is the last event, with which a
   * checkpoint may go.
   */
  async flush(ends = false): Promise<void> {
    this.ends = ends;
    this.wake();
    while (this.writing) await this.writing;
    if (this.failure === null) await this.files.storeRest().catch((error: unknown) => this.fail(error));
    if (this.failure !== null) throw this.failure;
  }

  /** The job's last event, after which only its newest checkpoint is needed. Throws SupersededError. */
  async end(event: Append): Promise<void> {
    await this.append([event]);
    await this.files.removeOld(1);
  }

  /** Appends events of the worker itself, after all that the trainer told. Throws SupersededError. */
  async append(events: readonly Append[]): Promise<void> {
    await this.flush();
    await this.appendNow(events);
  }

  private async drain(): Promise<void> {
    try {
      while (this.pending.length > 0 && this.failure === null) {
        const started = performance.now();
        await this.writeNext();
        const rest = this.gap - (performance.now() - started);
        if (rest > 0 && this.pending.length > 0 && this.pending.every(isFrequent)) await this.rest(rest);
      }
    } catch (error) {
      this.fail(error);
    }
  }

  private get gap(): number {
    if (this.together > 1) return BATCH_MS_OF_SEVERAL * this.together;
    return this.pending.every(({ type }) => type === "steps") ? STEPS_MS : BATCH_MS;
  }

  /** Until the time is up, or something comes that can't wait. */
  private async rest(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.wake = resolve;
    const timer = setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
  }

  private fail(error: unknown): void {
    if (this.failure !== null) return;
    this.failure = error;
    this.onFailure(error);
  }

  private async writeNext(): Promise<void> {
    const first = this.pending[0];
    if (isFrequent(first)) {
      const until = this.pending.findIndex((news) => !isFrequent(news));
      const batch = this.pending.splice(0, until === -1 ? this.pending.length : until).filter(isFrequent);
      const events = withLastState(joinSteps(batch).flatMap((news) => this.frequentEvent(news)));
      if (events.length > 0) await this.appendNow(events);
      const probes = batch.filter(({ type }) => type === "probe").length;
      this.control.settled("event", batch.length - probes);
      this.control.settled("probe", probes);
      return;
    }
    this.pending.shift();
    if (first?.type === "predictions") {
      this.files.addPredictions(first.predictions);
    } else if (first?.type === "checkpoint") {
      await this.writeCheckpoint(first);
      this.control.settled("checkpoint", 1);
    } else if (first?.type === "change") {
      await this.writeChange(first);
      this.control.settled("event", 1);
    } else if (first?.type === "anomaly") {
      const { action, back } = first.anomaly;
      if (action === "rollback") this.streamed = Math.min(this.streamed, back.step);
      await this.appendNow([{ type: "anomaly", data: first.anomaly, state: { streamed_step: this.streamed } }]);
      this.control.settled("event", 1);
    }
  }

  private frequentEvent(news: Frequent): Append[] {
    if (news.type === "epoch") return [this.epochEvent(news)];
    return news.type === "probe" ? this.probeEvent(news.probe) : this.stepEvent(news);
  }

  /** None where an earlier attempt has told it. */
  private probeEvent(data: EventPayload<"probe">): Append[] {
    if (data.epoch <= this.probed) return [];
    this.probed = data.epoch;
    return [{ type: "probe", data, state: { probed_epoch: data.epoch } }];
  }

  /** Without the steps that an earlier attempt has streamed already. */
  private stepEvent({ at, epoch, step, every, losses }: Steps): Append[] {
    const known = Math.max(0, Math.floor((this.streamed - step) / every) + 1);
    const fresh = losses.slice(known);
    if (fresh.length === 0) return [];
    const first = step + known * every;
    this.streamed = first + (fresh.length - 1) * every;
    const data: EventPayload<"step"> = { epoch, step: first, every, losses: fresh };
    return [{ type: "step", at, data, state: { streamed_step: this.streamed } }];
  }

  private epochEvent({ at, figures: { best, ...data } }: Extract<TrainerNews, { type: "epoch" }>): Append {
    const { epoch, epochs, step, steps, samples_per_s, eta_s } = data;
    const { loss, val_loss, lr, metrics, val_metrics } = data;
    const latest: Latest = {
      loss,
      lr,
      metrics,
      ...(val_loss === undefined ? {} : { val_loss }),
      ...(val_metrics === undefined ? {} : { val_metrics }),
    };
    this.epoch = epoch;
    this.progress = { epoch, epochs, step, steps, samples_per_s, eta_s };
    this.latest = latest;
    this.best = best;
    const before = this.trend;
    this.trend = withEpoch(before, epoch, loss);
    const trend = this.trend === before ? {} : { trend: this.trend };
    return { type: "epoch", at, data, state: { progress: this.progress, latest, best, ...trend } };
  }

  private async writeChange({ number, wish, changed }: Extract<TrainerNews, { type: "change" }>): Promise<void> {
    // An earlier attempt has told it.
    if (number <= this.changes.length) return;
    this.changes = [...this.changes, SpecChange.parse(changed.change)];
    if (wish === null) this.plannedChanges++;
    else this.wishesDone = wish;
    this.progress = { ...this.progress, epochs: changed.epochs, steps: changed.steps };
    const { changes, plannedChanges, wishesDone, progress } = this;
    const state = { changes, planned_changes: plannedChanges, wishes_done: wishesDone, progress };
    await this.appendNow([{ type: "changed", data: changed, state }]);
  }

  private async writeCheckpoint(news: Extract<TrainerNews, { type: "checkpoint" }>): Promise<void> {
    const { epoch, step, best, bytes, wish } = news;
    if (wish !== undefined) this.wishesDone = wish;
    const stored = await this.files.storeCheckpoint(epoch, step, bytes);
    const others = this.checkpoints.filter(({ key }) => key !== stored.key);
    this.checkpoints = [stored, ...others].slice(0, CHECKPOINTS_KEPT);
    const data: EventPayload<"checkpoint"> = { epoch, step, best, bytes: bytes.byteLength };
    // A worker that dies after this has not died for nothing.
    const state = { checkpoints: this.checkpoints, losses: 0, ran_ms: this.ranMs, wishes_done: this.wishesDone };
    this.held = [{ type: "checkpoint", data, state }];
    if (!this.ends || this.pending.length > 0) await this.appendNow([]);
    await this.files.removeOld(CHECKPOINTS_KEPT);
  }

  private async appendNow(more: readonly Append[]): Promise<void> {
    const events = [...this.held, ...more];
    this.held = [];
    const outcome = await this.log.append(this.id, events, this.attempt);
    if (!outcome.ok) {
      throw new SupersededError(
        `Attempt ${this.attempt} of ${this.id} may not write (${outcome.reason}): the job is ${outcome.status}, its attempt ${outcome.attempt}.`,
      );
    }
    this.lastEvent = events.at(-1)?.type ?? this.lastEvent;
  }
}

/** All that epochs say of the job's state stands with the last one, in the same atomic step. */
function withLastState(events: readonly Append[]): readonly Append[] {
  const last = events.findLastIndex(({ type }) => type === "epoch");
  // Not each says everything: the trend is told where it has changed.
  let said: Append["state"] = {};
  return events.map((event, i) => {
    if (event.type !== "epoch") return event;
    const { state, ...rest } = event;
    said = { ...said, ...state };
    return i === last ? { ...rest, state: said } : rest;
  });
}
