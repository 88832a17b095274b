/** The learning rate (and momentum) of each step: from the optimizer alone, or as a scheduler has it. */
import type { Device, Storage } from "../device.ts";
import type { Optimizer } from "../optim/index.ts";
import { Plateau, type PlateauState, type Rate, type Schedule, schedulers } from "../schedulers/index.ts";
import type { SchedulerPlan } from "./plan.ts";

/** What PyTorch's LinearLR starts from, for the `warmup_steps` short form. */
const WARMUP_START = 1 / 3;

export interface RateChange {
  readonly from: number;
  readonly lr: number;
}

export interface RunLength {
  readonly epochs: number;
  readonly stepsPerEpoch: number;
}

export class Rates {
  readonly #optimizer: Optimizer;
  readonly #baseLr: number;
  /** What the base rate is from a step on, where it was changed during the run. */
  #changes: readonly RateChange[] = [];
  readonly #startsAt: number;
  readonly #schedule: Schedule | null;
  readonly #plateau: Plateau | null;
  readonly #warmup: number;
  readonly #stepsPerEpoch: number;
  readonly #perStep: boolean;
  readonly #interval: "epoch" | "step";
  readonly #momentumAt: number | null;
  readonly #table: Storage;
  readonly #at: Storage;
  #last: number;

  /** `limit`: the most steps for which {@link prepare} is asked at once. */
  constructor(
    device: Device,
    optimizer: Optimizer,
    plan: SchedulerPlan | null | undefined,
    momentumAt: number | null,
    length: RunLength,
    limit: number,
  ) {
    this.#optimizer = optimizer;
    this.#baseLr = optimizer.lr;
    this.#stepsPerEpoch = length.stepsPerEpoch;
    this.#warmup = plan?.warmupSteps ?? 0;
    this.#interval = plan?.interval ?? "epoch";
    this.#perStep = plan != null && (this.#interval === "step" || this.#warmup > 0);
    this.#plateau = plan?.scheduler.type === "ReduceLROnPlateau" ? plateauOf(plan, this.#baseLr) : null;
    this.#schedule = plan ? scheduleOf(plan, this.#baseLr, length) : null;
    this.#startsAt = (plan && startOf(plan)) ?? this.#baseLr;
    this.#momentumAt = plan && movesMomentum(plan) ? momentumAt : null;
    this.#table = device.store(new Float64Array(this.#perStep ? 2 * limit : 2));
    this.#at = device.store(new Int32Array(1));
    this.#last = this.#baseLr;
  }

  /** The rate of the newest step. */
  get lr(): number {
    return this.#last;
  }

  /** The base rate as it was changed during the run: a schedule's rates change in proportion. */
  get changes(): readonly RateChange[] {
    return this.#changes;
  }

  /** From step `from` on, counted from 0; what was said before about later steps no longer holds. */
  change(from: number, lr: number): void {
    this.#changes = [...this.#changes.filter((change) => change.from < from), { from, lr }];
  }

  /** The base rate that holds last. */
  get base(): number {
    return this.#changes.at(-1)?.lr ?? this.#baseLr;
  }

  /** Before `times` steps, the first of which is number `step`, counted from 0 over the whole run. */
  prepare(step: number, times: number): void {
    const last = this.at(step + times - 1);
    this.#last = last.lr;
    if (!this.#perStep) {
      this.#optimizer.lr = last.lr;
      if (this.#momentumAt !== null && last.momentum !== undefined)
        this.#optimizer.setHyper(this.#momentumAt, last.momentum);
      return;
    }
    const rows = Float64Array.from({ length: 2 * times }, (_, i) => {
      const rate = this.at(step + (i >> 1));
      return i % 2 === 0 ? rate.lr : (rate.momentum ?? 0);
    });
    const { backend } = this.#table.device;
    backend.write(this.#table.buffer, rows);
    backend.write(this.#at.buffer, Int32Array.of(0));
  }

  /** Part of a step, before its update: takes the step's own rate. */
  take(): void {
    if (this.#perStep) this.#optimizer.takeRate(this.#table, this.#at, this.#momentumAt);
  }

  /** Of step number `step`, as far as it is known now. */
  at(step: number): Rate {
    const rate = this.#plannedAt(step);
    const base = this.#changes.findLast(({ from }) => from <= step)?.lr;
    if (base === undefined) return rate;
    if (!this.#schedule && !this.#plateau && step >= this.#warmup) return { ...rate, lr: base };
    return { ...rate, lr: this.#baseLr > 0 ? rate.lr * (base / this.#baseLr) : base };
  }

  #plannedAt(step: number): Rate {
    const since = step - this.#warmup;
    if (since < 0) {
      const lr = this.#currentBase * (WARMUP_START + ((1 - WARMUP_START) * step) / this.#warmup);
      const momentum = this.#schedule?.(0).momentum;
      return momentum === undefined ? { lr } : { lr, momentum };
    }
    if (this.#plateau) return { lr: this.#plateau.state.lr };
    const t = this.#interval === "step" ? since : Math.floor(since / this.#stepsPerEpoch);
    return this.#schedule?.(t) ?? { lr: this.#baseLr };
  }

  /** Where a warm-up leads. */
  get #currentBase(): number {
    return this.#plateau?.state.lr ?? this.#startsAt;
  }

  /** After an epoch, with the value that ReduceLROnPlateau watches. */
  endEpoch(watched: number): void {
    this.#plateau?.observe(watched);
  }

  /** What a checkpoint must keep. */
  get state(): PlateauState | null {
    return this.#plateau?.state ?? null;
  }

  /** Goes on after `step` steps. */
  restore(state: PlateauState | null, changes: readonly RateChange[], step: number): void {
    this.#changes = changes;
    if (this.#plateau && state) this.#plateau.state = state;
    if (step > 0) this.#last = this.at(step - 1).lr;
  }
}

function definitionOf(plan: SchedulerPlan) {
  const { type, ...given } = plan.scheduler;
  const definition = schedulers.get(type);
  if (!definition)
    throw new Error(`Unknown scheduler ${JSON.stringify(type)}; known are ${[...schedulers.keys()].join(", ")}.`);
  return { definition, args: definition.args.parse(given) };
}

function scheduleOf(plan: SchedulerPlan, baseLr: number, { epochs, stepsPerEpoch }: RunLength): Schedule {
  const { definition, args } = definitionOf(plan);
  const total = plan.interval === "step" ? epochs * stepsPerEpoch - (plan.warmupSteps ?? 0) : epochs;
  return definition.create(args, { baseLr, total: Math.max(1, total) });
}

function movesMomentum(plan: SchedulerPlan): boolean {
  const { definition, args } = definitionOf(plan);
  return definition.movesMomentum(args);
}

function startOf(plan: SchedulerPlan): number | undefined {
  const { definition, args } = definitionOf(plan);
  return definition.startsAt?.(args);
}

function plateauOf(plan: SchedulerPlan, baseLr: number): Plateau {
  const { type: _, ...given } = plan.scheduler;
  return Plateau.of(given, baseLr);
}

/** The momentum with which the run starts, where the schedule moves it: an optimizer must then keep momentum at all. */
export function startingMomentum(plan: SchedulerPlan | null | undefined, length: RunLength): number | undefined {
  if (!plan || !movesMomentum(plan)) return undefined;
  return scheduleOf(plan, 1, length)(0).momentum;
}
