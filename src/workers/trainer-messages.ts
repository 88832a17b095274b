/** What a worker's main thread and its trainer threads say to each other. */
import type { MessagePort } from "node:worker_threads";
import type { DeviceInfo, DeviceKind } from "../jobs/device-info.ts";
import type { EventPayload } from "../jobs/events.ts";
import type { Problem } from "../jobs/problem.ts";
import type { JobPatch, JobSpec, SpecChange } from "../spec/job-spec.ts";
import type { ComputeSlot } from "./compute-slots.ts";
import type { SampledPredictions } from "./prediction-sample.ts";

/** A job for a trainer thread. */
export interface TrainOrder {
  readonly task: "train";
  readonly device: DeviceKind;
  readonly jobId: string;
  readonly spec: JobSpec;
  /** The object to go on from; null to start at the beginning. */
  readonly checkpoint: string | null;
  /** The epoch after which it is to stop, as if it had been told to. */
  readonly hold: number | null;
  /** What changed in earlier attempts, and how many of those changes stand in the spec. */
  readonly changed: readonly SpecChange[];
  readonly plannedChanges: number;
  /** Brings wishes while the job trains; the trainer looks between two steps. */
  readonly wishes: MessagePort;
  /** See Control. */
  readonly control: SharedArrayBuffer;
  /** For the GPU that this order may open: see gpuShared of the engine. */
  readonly gpu: SharedArrayBuffer;
}

/** A job whose first steps are to be tried on both devices. */
export interface MeasureOrder extends Pick<TrainOrder, "jobId" | "spec" | "control" | "gpu"> {
  readonly task: "measure";
}

/** Jobs that take turns in one thread, on one device. */
export interface BatchOrder {
  readonly task: "batch";
  readonly orders: readonly TrainOrder[];
}

export type TrainerOrder = TrainOrder | MeasureOrder | BatchOrder;

/** Of which of the jobs of an order something is told: of the first if nothing is said. */
export interface OfJob {
  readonly of?: number;
}

/** Something asked of a job: its place among all that was. */
export interface NumberedWish {
  readonly number: number;
  readonly wish: JobPatch;
}

export type EpochFigures = EventPayload<"epoch"> & {
  readonly best: { readonly epoch: number; readonly metric: string; readonly value: number };
};

/** What small jobs tell thousands of times a second. */
export type FrequentNews =
  | {
      readonly type: "epoch";
      /** When it was computed, in ms. */
      readonly at: number;
      readonly figures: EpochFigures;
    }
  /** Losses of steps, see StepsEvent of the engine. */
  | {
      readonly type: "steps";
      /** When the last of them was computed, in ms. */
      readonly at: number;
      readonly epoch: number;
      readonly step: number;
      readonly every: number;
      readonly losses: readonly number[];
    };

/** One thing that a trainer thread tells. */
export type TrainerMessage =
  | FrequentNews
  /** Once, when the thread can take orders; `mode` of its cpu, as in DeviceInfo. */
  | { readonly type: "ready"; readonly mode: string }
  /** The data are read and their preprocessing is fitted. */
  | { readonly type: "prepared" }
  | { readonly type: "probe"; readonly probe: EventPayload<"probe"> }
  /** What the model gives for some of its rows. */
  | { readonly type: "predictions"; readonly predictions: SampledPredictions }
  | {
      readonly type: "checkpoint";
      readonly epoch: number;
      readonly step: number;
      readonly best: boolean;
      readonly bytes: Uint8Array;
      /** The wish that asked for it. */
      readonly wish?: number;
    }
  | {
      readonly type: "change";
      /** 1 for the first of the job. */
      readonly number: number;
      /** The wish that it comes from; null for one of the spec. */
      readonly wish: number | null;
      readonly changed: EventPayload<"changed">;
    }
  | { readonly type: "anomaly"; readonly anomaly: EventPayload<"anomaly"> }
  /** The last word about an order to measure. */
  | { readonly type: "measured"; readonly device: DeviceKind; readonly reason: DeviceInfo["reason"] }
  /** The last word if the GPU failed: the job can go on from its checkpoint. */
  | { readonly type: "device_lost"; readonly detail: string }
  /** The last word about an order. */
  | { readonly type: "done"; readonly outcome: "completed" | "stopped" | "held" }
  /** The last word, too; `log` is for the operator alone. */
  | { readonly type: "failed"; readonly problem: Problem; readonly log?: string };

/** How it comes: in the order in which it came about, each with the job that it is told of. */
export type TrainerPost = readonly (TrainerMessage & OfJob)[];

/** More events than this on their way, and the trainer waits: memory stays bounded when the broker is slow. */
const MOST_EVENTS_UNDERWAY = 2000;
/** Probes hold thousands of numbers. */
const MOST_PROBES_UNDERWAY = 32;
/** Checkpoints can be large. */
const MOST_CHECKPOINTS_UNDERWAY = 2;
const WAIT_MS = 20;

const STOP = 0;
const HEARD = 1;
const EVENTS = 2;
const CHECKPOINTS = 3;
const PROBES = 4;
const BEATS = 5;

type Kind = "event" | "probe" | "checkpoint";
const bounds: Readonly<Record<Kind, readonly [cell: number, most: number]>> = {
  event: [EVENTS, MOST_EVENTS_UNDERWAY],
  probe: [PROBES, MOST_PROBES_UNDERWAY],
  checkpoint: [CHECKPOINTS, MOST_CHECKPOINTS_UNDERWAY],
};

/** Memory that both threads see, for what can't wait for a message: a busy trainer reads none. */
export class Control {
  readonly memory: SharedArrayBuffer;
  private readonly cells: Int32Array;
  private readonly slot: ComputeSlot | null;
  /** Of all jobs that take turns in this thread: whoever has its turn shows that the others live, too. */
  companions: readonly Control[] = [this];
  private isOver = false;

  /** `slot`: of the trainer, if it must wait for its turn to compute. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(24), slot: ComputeSlot | null = null) {
    this.memory = memory;
    this.cells = new Int32Array(memory);
    this.slot = slot;
  }

  /** Asks the trainer to stop between two steps. */
  stop(): void {
    Atomics.store(this.cells, STOP, 1);
    for (const [cell] of Object.values(bounds)) Atomics.notify(this.cells, cell);
  }

  /** Called by the trainer when the work ends: from then on there is nothing to stop. */
  end(): void {
    this.isOver = true;
    Atomics.store(this.cells, HEARD, 1);
  }

  /** Whether the trainer has seen the wish and is about to end in order, or has ended. */
  get heard(): boolean {
    return Atomics.load(this.cells, HEARD) === 1;
  }

  /** Signs of life of the trainer so far. */
  get beats(): number {
    return Atomics.load(this.cells, BEATS);
  }

  /** Called by the trainer between any two pieces of work: hears for the others, too, who then have the next turns. */
  beat(): void {
    for (const one of this.companions) {
      Atomics.add(one.cells, BEATS, 1);
      if (one !== this && one.isToStop) Atomics.store(one.cells, HEARD, 1);
    }
  }

  /** Does the trainer's work when its turn comes; in it, each question whether to stop may pass the turn on. */
  compute<T>(work: () => T): T {
    this.slot?.enter(this.goesOn);
    try {
      return work();
    } finally {
      this.slot?.leave();
    }
  }

  /** Whether the trainer is to stop; it need not have heard of it. */
  get isToStop(): boolean {
    return Atomics.load(this.cells, STOP) === 1;
  }

  private readonly goesOn = (): boolean => {
    this.beat();
    return !this.isToStop;
  };

  /** Asked by the trainer; asking is hearing. */
  shouldStop(): boolean {
    this.beat();
    this.slot?.pass(this.goesOn);
    if (!this.isToStop) return false;
    Atomics.store(this.cells, HEARD, 1);
    return true;
  }

  /** Called by the trainer with each message; blocks while too many are on their way, and no other job is to hear of its end. */
  sent(kind: Kind): void {
    const [cell, most] = bounds[kind];
    let underway = Atomics.add(this.cells, cell, 1) + 1;
    if (underway <= most) return;
    const slot = this.slot?.isEntered ? this.slot : null;
    slot?.leave();
    while (underway > most && this.goesOn() && !this.companions.some((one) => one.isToStop && !one.isOver)) {
      Atomics.wait(this.cells, cell, underway, WAIT_MS);
      underway = Atomics.load(this.cells, cell);
    }
    slot?.enter(this.goesOn);
  }

  /** Called by the main thread once messages are written down. */
  settled(kind: Kind, count: number): void {
    const [cell] = bounds[kind];
    Atomics.sub(this.cells, cell, count);
    Atomics.notify(this.cells, cell);
  }
}
