/** One job as its thread trains it: tells the worker how it goes, from its first turn to its last word. */
import { receiveMessageOnPort } from "node:worker_threads";
import { nestNumbers } from "../data/nest-numbers.ts";
import type { PreparedData } from "../data/prepare-data.ts";
import {
  type AnomalyEvent,
  type Backend,
  type ChangeEvent,
  type EpochEvent,
  type ProbeEvent,
  Trainer,
  type TrainerEvent,
  type TrainerOutcome,
  type TrainingPlan,
  type Wish,
} from "../engine/index.ts";
import type { EventPayload } from "../jobs/events.ts";
import { jobProblems } from "../jobs/problem.ts";
import { changeOf, specChange } from "../spec/change.ts";
import type { JobSpec } from "../spec/job-spec.ts";
import type { Teller } from "./outbox.ts";
import { PredictionSample } from "./prediction-sample.ts";
import type { Control, NumberedWish, TrainerMessage, TrainOrder } from "./trainer-messages.ts";

/** What a job needs to train. */
export interface ReadyJob {
  readonly order: TrainOrder;
  readonly control: Control;
  readonly spec: JobSpec;
  readonly prepared: PreparedData;
  readonly plan: TrainingPlan;
  /** To go on from. */
  readonly checkpoint: Uint8Array | null;
  readonly backend: Backend;
  readonly teller: Teller;
}

export class JobTraining {
  private readonly trainer: Trainer;
  private readonly order: TrainOrder;
  private readonly control: Control;
  private readonly spec: JobSpec;
  private readonly teller: Teller;
  private readonly sample: PredictionSample;
  private readonly nextTurn: () => TrainerOutcome | null;
  private lastStep = 0;
  private storedStep = -1;
  private bestSinceCheckpoint = false;

  constructor({ order, control, spec, prepared, plan, checkpoint, backend, teller }: ReadyJob) {
    this.trainer = Trainer.create(plan, backend);
    this.order = order;
    this.control = control;
    this.spec = spec;
    this.teller = teller;
    this.sample = new PredictionSample(this.trainer, prepared, control.companions.length);
    if (checkpoint) this.trainer.restore(checkpoint);
    this.nextTurn = this.trainer.start({
      onEvent: (event) => this.tell(event),
      shouldStop: () => {
        teller.flushIfDue();
        return this.isHeld || control.shouldStop();
      },
      wishes: () => wishesOf(order),
    });
  }

  /** Trains for some milliseconds. The last word, once there is one; then it must be disposed of. */
  turn(): TrainerMessage | null {
    const outcome = this.nextTurn();
    if (!outcome) return null;
    const message = this.end(outcome);
    // Whatever else was asked of it at the same time is in its state.
    const held = outcome.status === "stopped" && this.isHeld;
    return held ? { type: "done", outcome: "held" } : message;
  }

  dispose(): void {
    this.trainer.dispose();
  }

  /** Asked between two steps: also in the middle of an epoch, which is never the one to stop in. */
  private get isHeld(): boolean {
    const { hold } = this.order;
    return hold !== null && this.trainer.position.epoch >= hold;
  }

  private tell(event: TrainerEvent): void {
    if (event.type === "epoch") this.epoch(event);
    else if (event.type === "probe") this.probe(event);
    else if (event.type === "checkpoint") {
      if (this.sample.isAffordable) this.predictions();
      this.checkpoint(event.bytes, event.best, event.wish);
    } else {
      if (event.type === "steps") this.teller.add({ ...event, at: Date.now() });
      else if (event.type === "anomaly") this.teller.tell({ type: "anomaly", anomaly: anomalyOf(event) });
      else this.teller.tell({ type: "change", number: event.number, wish: event.wish, changed: changedOf(event) });
      this.control.sent("event");
    }
  }

  private epoch({ type: _, ...figures }: EpochEvent): void {
    this.lastStep = figures.step;
    if (figures.best.epoch === figures.epoch) this.bestSinceCheckpoint = true;
    this.teller.add({ type: "epoch", at: Date.now(), figures });
    this.control.sent("event");
  }

  private probe({ epoch, outputs, outputShape }: ProbeEvent): void {
    const { probes } = this.spec;
    const size = outputShape.reduce((a, b) => a * b, 1);
    const nested = nestNumbers(outputs, [outputs.length / size, ...outputShape], PROBE_DIGITS);
    const grid = probes && "grid" in probes && epoch === 0 && { grid: probes.grid };
    this.teller.tell({ type: "probe", probe: { epoch, outputs: Array.isArray(nested) ? nested : [nested], ...grid } });
    this.control.sent("probe");
  }

  private predictions(): void {
    const predictions = this.sample.take(() => this.control.shouldStop());
    if (!predictions) return;
    // A checkpoint follows, or the end.
    this.teller.hold({ type: "predictions", predictions });
  }

  private checkpoint(bytes: Uint8Array<ArrayBuffer>, best: boolean, wish?: number): void {
    const { epoch, step } = this.trainer.position;
    this.storedStep = step;
    this.bestSinceCheckpoint = false;
    const message = { type: "checkpoint", epoch, step, best, bytes, ...(wish !== undefined && { wish }) } as const;
    this.teller.tell(message, [bytes.buffer]);
    this.control.sent("checkpoint");
  }

  private end(outcome: TrainerOutcome): TrainerMessage {
    if (outcome.status === "diverged") {
      this.checkpoint(this.trainer.checkpoint(), this.bestSinceCheckpoint);
      return { type: "failed", problem: jobProblems.diverged(outcome.message) };
    }
    if (outcome.status === "completed") this.predictions();
    // The last checkpoint may be of this very step; but the best weights may have been put back since.
    const stored = outcome.status === "completed" && this.storedStep === this.lastStep && !this.trainer.restoresBest;
    if (!stored) this.checkpoint(this.trainer.checkpoint(), this.bestSinceCheckpoint);
    return { type: "done", outcome: outcome.status };
  }
}

/** All that have come; this thread hears of nothing else while it computes. */
function wishesOf({ wishes }: TrainOrder): Wish[] {
  const found: Wish[] = [];
  for (let next = receiveMessageOnPort(wishes); next; next = receiveMessageOnPort(wishes)) {
    const { number, wish }: NumberedWish = next.message;
    found.push({ number, change: changeOf(wish), checkpoint: wish.checkpoint === "now" });
  }
  return found;
}

function changedOf({ epoch, change, epochs, steps }: ChangeEvent): EventPayload<"changed"> {
  return { epoch, change: specChange(change), epochs, steps };
}

/** What a picture of the outputs can tell apart. */
const PROBE_DIGITS = 5;

/** More rows than these are not told one by one. */
const MOST_ROWS = 1000;

function anomalyOf(event: AnomalyEvent): EventPayload<"anomaly"> {
  const { epoch, step, loss, message, layer, rows, gradientNorm, action, back, lr } = event;
  const batch = { size: rows.length, rows: rows.slice(0, MOST_ROWS) };
  return { epoch, step, loss, detail: message, layer, batch, gradient: { norm: gradientNorm }, action, back, lr };
}
