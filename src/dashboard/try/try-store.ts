/** What there is to see of a model at work: its probes over all epochs, its confusions, its predictions beside the truth. */
import { batch, signal } from "@preact/signals";
import type { EventPayload } from "../../jobs/events.ts";
import { type Connection, follow } from "../service/event-stream.ts";
import { type EpochEvent, type EventType, getJob, isFinished, type Job, pathOf } from "../service/jobs.ts";
import { getPredictions, type Predictions } from "../service/predictions.ts";
import { numbersIn } from "./meaning.ts";

export type Grid = NonNullable<EventPayload<"probe">["grid"]>;

/** A look at the model: one row of outputs for each probed input. */
export interface Frame {
  readonly epoch: number;
  readonly outputs: readonly (readonly number[])[];
}

export interface Confusions {
  readonly epoch: number;
  readonly of: "validation" | "training";
  readonly counts: readonly (readonly number[])[];
}

/** What there is to see here; not every step, of which there may be millions. */
const TYPES: readonly EventType[] = [
  "started",
  "epoch",
  "probe",
  "checkpoint",
  "paused",
  "resumed",
  "completed",
  "failed",
  "cancelled",
];

export class TryStore {
  readonly id: string;
  readonly job = signal<Job | null>(null);
  readonly trouble = signal<string | null>(null);
  readonly connection = signal<Connection>("connecting");
  readonly frames = signal<readonly Frame[]>([]);
  readonly confusions = signal<Confusions | null>(null);
  readonly predictions = signal<Predictions | null>(null);
  /** It can be asked, though no predictions are stored: those begin with the first epoch. */
  readonly isBare = signal(false);
  #stop: () => void = () => {};
  #closed = false;
  #asking = false;
  #askAgain = false;
  #hasWeights = false;

  constructor(id: string) {
    this.id = id;
  }

  async open(): Promise<void> {
    const job = await getJob(this.id);
    if (this.#closed) return;
    this.job.value = job;
    this.#stop = follow(`${pathOf(this.id)}/events?types=${TYPES}`, null, {
      onEvents: (events) => batch(() => this.#take(events)),
      onConnection: (connection) => {
        this.connection.value = connection;
      },
      onRefused: (error) => {
        this.trouble.value = error.message;
      },
    });
  }

  close(): void {
    this.#closed = true;
    this.#stop();
  }

  #take(events: readonly { readonly event?: string | undefined; readonly data: string }[]): void {
    const probes = events.flatMap(({ event, data }) => (event === "probe" ? [frameOf(JSON.parse(data))] : []));
    if (probes.length > 0) this.frames.value = [...this.frames.value, ...probes];
    // An epoch is thousands of bytes where there are many; the newest says all.
    const newest = events.findLast(({ event }) => event === "epoch");
    if (newest) this.#confuse(JSON.parse(newest.data));
    const types = new Set(events.map(({ event }) => event));
    if (types.has("checkpoint")) {
      this.#hasWeights = true;
      void this.#loadPredictions();
    }
    if (["started", "resumed", "paused", "completed", "failed", "cancelled"].some((type) => types.has(type)))
      void this.#reload();
  }

  #confuse({ epoch, tables, val_tables }: EpochEvent): void {
    const validation = val_tables?.["confusion_matrix"];
    const counts = validation ?? tables?.["confusion_matrix"];
    if (counts) this.confusions.value = { epoch, of: validation ? "validation" : "training", counts };
  }

  async #reload(): Promise<void> {
    const job = await getJob(this.id).catch(() => null);
    if (!job || this.#closed) return;
    this.job.value = job;
    if (isFinished(job.status)) void this.#loadPredictions();
  }

  /** One question at a time, and once more if something happened meanwhile. */
  async #loadPredictions(): Promise<void> {
    if (this.#asking) {
      this.#askAgain = true;
      return;
    }
    this.#asking = true;
    const found = await getPredictions(this.id).catch(() => null);
    this.#asking = false;
    if (this.#closed) return;
    if (found) this.predictions.value = found;
    this.isBare.value = !found && this.#hasWeights;
    if (this.#askAgain) {
      this.#askAgain = false;
      void this.#loadPredictions();
    }
  }
}

function frameOf({ epoch, outputs }: EventPayload<"probe">): Frame {
  return { epoch, outputs: outputs.map((output) => numbersIn(output) ?? []) };
}
