/** All that is known of a run's course, in columns that grow: filled from its history, then by each event. */
import { Series } from "../series/series.ts";
import type { EpochEvent, EventOf, EventType, History, ToldEvent } from "../service/jobs.ts";

/** What the x axis can count. */
export const AXES = ["epoch", "step", "time"] as const;
export type Axis = (typeof AXES)[number];

export class RunHistory {
  /** By name: epoch, step, time (in seconds), loss, val_loss, lr, samples_per_s, `accuracy`, `val_accuracy` … */
  readonly columns = new Map<string, Series>();
  /** The losses of single steps, if the run tells them. */
  readonly steps = { step: new Series(), loss: new Series() };
  readonly events: ToldEvent[] = [];
  newest: EpochEvent | null = null;
  lastSeq = 0;

  constructor(history?: History) {
    for (const name of ["epoch", "step", "time", "loss", "val_loss", "lr", "samples_per_s"]) this.column(name);
    if (history) this.#fill(history);
  }

  get length(): number {
    return this.column("epoch").length;
  }

  column(name: string): Series {
    const known = this.columns.get(name);
    if (known) return known;
    const made = new Series();
    this.columns.set(name, made);
    return made;
  }

  /** The names of the metrics so far, those of training first. */
  get metrics(): string[] {
    const others = new Set(["epoch", "step", "time", "loss", "val_loss", "lr", "samples_per_s"]);
    const names = [...this.columns.keys()].filter((name) => !others.has(name)).sort();
    return [...names.filter((name) => !name.startsWith("val_")), ...names.filter((name) => name.startsWith("val_"))];
  }

  get hasValidation(): boolean {
    return this.column("val_loss").someNumber;
  }

  /** An event as the stream sends it. Those that are known already are left alone. */
  take(type: EventType, data: string): void {
    const event: ToldEvent = { event: type, ...JSON.parse(data) };
    if (event.seq <= this.lastSeq) return;
    this.lastSeq = event.seq;
    if (event.event === "epoch") this.#addEpoch(event);
    else if (event.event === "step") this.#addSteps(event);
    else this.events.push(event);
  }

  #fill(history: History): void {
    const { epoch, step, elapsed_ms, loss, val_loss, lr, samples_per_s } = history;
    this.lastSeq = history.last_seq;
    this.events.push(...history.events);
    const metrics = Object.entries(history.metrics);
    const validated = Object.entries(history.val_metrics).map(([name, column]) => [`val_${name}`, column] as const);
    const given = { epoch, step, loss, val_loss, lr, samples_per_s, ...Object.fromEntries([...metrics, ...validated]) };
    for (const [name, values] of Object.entries(given)) {
      const column = this.column(name);
      for (const value of values) column.push(value);
    }
    for (const value of elapsed_ms) this.#addTime(value);
    for (const [i, at] of history.steps.step.entries()) this.#addStep(at, history.steps.loss[i] ?? null);
    this.#level();
  }

  #addEpoch(event: EpochEvent): void {
    const { epoch, step, loss, val_loss = null, lr, samples_per_s, elapsed_ms, metrics, val_metrics = {} } = event;
    const before = this.length;
    const figures: Record<string, number | null> = { epoch, step, loss, val_loss, lr, samples_per_s, ...metrics };
    for (const [name, value] of Object.entries(val_metrics)) figures[`val_${name}`] = value;
    for (const [name, value] of Object.entries(figures)) {
      const column = this.column(name);
      column.padTo(before);
      column.push(value);
    }
    this.#addTime(elapsed_ms);
    this.#level();
    this.newest = event;
  }

  /** A job that moved to another worker may count less than before; time does not go back. */
  #addTime(ms: number | null): void {
    const time = this.column("time");
    time.push(Math.max(time.length === 0 ? 0 : time.last, (ms ?? 0) / 1000));
  }

  #addSteps({ step, every, losses }: EventOf<"step">): void {
    for (const [i, loss] of losses.entries()) this.#addStep(step + i * every, loss);
  }

  /** Steps that are trained again after a rollback are told again: the first telling stays. */
  #addStep(step: number, loss: number | null): void {
    if (this.steps.step.length > 0 && step <= this.steps.step.last) return;
    this.steps.step.push(step);
    this.steps.loss.push(loss);
  }

  /** All columns as long as there are epochs. */
  #level(): void {
    for (const column of this.columns.values()) column.padTo(this.length);
  }
}
