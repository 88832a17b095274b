/** Writes down what a trainer tells, in order: epochs in batches, a checkpoint's file before its event. */
import type { EventPayload, EventType } from "../jobs/events.ts";
import type { JobState, Latest, StoredCheckpoint, Trend } from "../jobs/job.ts";
import type { Append, JobLog } from "../jobs/job-log.ts";
import type { ObjectStore } from "../jobs/object-store.ts";
import { predictionsKey } from "../jobs/predictions.ts";
import { EMPTY_TREND, withEpoch } from "../jobs/trend.ts";
import { SpecChange } from "../spec/job-spec.ts";
import { type Frequent, isFrequent, joinSteps, type Steps } from "./frequent-news.ts";
import type { Control } from "./trainer-messages.ts";
import type { TrainerNews } from "./trainer-pool.ts";

/** Another attempt has taken the job, or it is over: nothing that this attempt writes counts any more. */
export class SupersededError extends Error {
  override readonly name = "SupersededError";
}

/** Two batches are at least so far apart: small jobs make thousands of epochs a second… */
const BATCH_MS = 10;
/** …and ten thousands of steps, which nobody needs one by one. */
const STEPS_MS = 50;
/** While a job runs. An older one may be being read, or be the last that a broker restored from a snapshot knows. */
const CHECKPOINTS_KEPT = 4;

export class JobWriter {
  private readonly log: JobLog;
  private readonly store: ObjectStore;
  private readonly control: Control;
  private readonly together: number;
  private readonly id: string;
  private readonly attempt: number;
  private pending: TrainerNews[] = [];
  private writing: Promise<void> | null = null;
  private wake: () => void = () => {};
  private failure: unknown = null;
  /** Objects on their way to the store, by their keys. */
  private readonly storing = new Map<string, Promise<void>>();
  private readonly onFailure: (error: unknown) => void;
  private readonly ranBefore: number;
  private readonly startedAt = performance.now();

  /** What has changed since the job began, how many of its changes stand in its spec, and wishes that are done. */
  private changes: readonly SpecChange[] = [];
  private plannedChanges = 0;
  private wishesDone = 0;
  private checkpoints: readonly StoredCheckpoint[];
  /** Of this attempt. */
  private stored = 0;
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
    this.store = parts.store;
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

  /** Resolves once everything so far is written. Throws what went wrong. */
  async flush(): Promise<void> {
    this.wake();
    while (this.writing) await this.writing;
    await this.settleStored().catch((error: unknown) => this.fail(error));
    if (this.failure !== null) throw this.failure;
  }

  /** The job's last event, after which only its newest checkpoint is needed. Throws SupersededError. */
  async end(event: Append): Promise<void> {
    await this.append([event]);
    await this.removeOld(1);
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
        const gap = this.pending.every(({ type }) => type === "steps") ? STEPS_MS : BATCH_MS;
        // Jobs that take turns have so much less to tell each.
        const rest = gap * this.together - (performance.now() - started);
        if (rest > 0 && this.pending.length > 0 && this.pending.every(isFrequent)) await this.rest(rest);
      }
    } catch (error) {
      this.fail(error);
    }
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

  /** Stores an object that nobody needs before the next checkpoint is told, while other things are written. */
  private storeMeanwhile(key: string, pieces: readonly (string | Uint8Array)[], stored: () => void = () => {}): void {
    const earlier = this.storing.get(key) ?? Promise.resolve();
    const now = earlier.then(() => this.store.put(key, bytesOf(pieces))).then(stored);
    // Told by whoever waits for it.
    now.catch(() => {});
    this.storing.set(key, now);
  }

  private async settleStored(): Promise<void> {
    const underway = [...this.storing.values()];
    this.storing.clear();
    await Promise.all(underway);
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
    if (first?.type === "prepared") {
      this.storeMeanwhile(`jobs/${this.id}/preprocess.json`, [first.preprocess]);
    } else if (first?.type === "predictions") {
      this.storeMeanwhile(predictionsKey(this.id), first.predictions, () => this.control.settled("checkpoint", 1));
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
    const key = `${this.folder}/${this.attempt}-${epoch}-${step}.safetensors`;
    const [file] = await Promise.all([this.store.put(key, bytes), this.settleStored()]);
    this.stored++;
    const stored: StoredCheckpoint = { key, epoch, step, ...file };
    this.checkpoints = [stored, ...this.checkpoints.filter((other) => other.key !== key)].slice(0, CHECKPOINTS_KEPT);
    const data: EventPayload<"checkpoint"> = { epoch, step, best, bytes: bytes.byteLength };
    // A worker that dies after this has not died for nothing.
    await this.appendNow([
      {
        type: "checkpoint",
        data,
        state: { checkpoints: this.checkpoints, losses: 0, ran_ms: this.ranMs, wishes_done: this.wishesDone },
      },
    ]);
    await this.removeOld(CHECKPOINTS_KEPT);
  }

  private async removeOld(keep: number): Promise<void> {
    // Others than the first attempt know of what an earlier one may have left.
    if (this.attempt === 1 && this.stored <= keep) return;
    // Names are <attempt>-<epoch>-<step>: sorted as numbers, the newest is the last.
    const stored = await this.store.list(this.folder);
    const byAge = stored.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    await Promise.all(byAge.slice(0, -keep).map((key) => this.store.remove(key)));
  }

  private async appendNow(events: readonly Append[]): Promise<void> {
    const outcome = await this.log.append(this.id, events, this.attempt);
    if (!outcome.ok) {
      throw new SupersededError(
        `Attempt ${this.attempt} of ${this.id} may not write (${outcome.reason}): the job is ${outcome.status}, its attempt ${outcome.attempt}.`,
      );
    }
    this.lastEvent = events.at(-1)?.type ?? this.lastEvent;
  }

  private get folder(): string {
    return `jobs/${this.id}/checkpoints`;
  }
}

async function* bytesOf(pieces: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield typeof piece === "string" ? Buffer.from(piece) : piece;
}

/** What is said of the job's state with one epoch holds until the next one, which stands in the same atomic step. */
function withLastState(events: readonly Append[]): readonly Append[] {
  const last = events.findLastIndex(({ type }) => type === "epoch");
  return events.map((event, i) => {
    if (event.type !== "epoch" || i === last) return event;
    const { state: _, ...rest } = event;
    return rest;
  });
}
