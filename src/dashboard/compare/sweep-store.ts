/** One sweep as the page knows it: the newest that its stream has told of each trial. */
import { batch, signal } from "@preact/signals";
import { type Connection, follow } from "../service/event-stream.ts";
import { getSweep, type Sweep, sweepPath, type Trial, type TrialEvent } from "../service/sweeps.ts";

export class SweepStore {
  readonly id: string;
  readonly sweep = signal<Sweep | null>(null);
  /** By number; another list with each change, at most one for each frame. */
  readonly trials = signal<readonly Trial[]>([]);
  readonly trouble = signal<string | null>(null);
  readonly connection = signal<Connection>("connecting");
  readonly #trials = new Map<number, Trial>();
  #counts: Sweep["trials"] | null = null;
  #stop: () => void = () => {};
  #closed = false;
  #frame = 0;

  constructor(id: string) {
    this.id = id;
  }

  async open(): Promise<void> {
    const sweep = await getSweep(this.id);
    if (this.#closed) return;
    this.sweep.value = sweep;
    // From its first event on: together they are all there is to know, with nothing missing between.
    this.#stop = follow(`${sweepPath(this.id)}/events`, null, {
      onEvents: (events) => {
        for (const { event, data } of events) if (event === "trial") this.#take(JSON.parse(data));
        if (events.some(({ event }) => event !== "trial")) void this.reload();
        this.#show();
      },
      onConnection: (connection) => {
        this.connection.value = connection;
      },
      onRefused: ({ message }) => {
        this.trouble.value = message;
      },
    });
  }

  close(): void {
    this.#closed = true;
    cancelAnimationFrame(this.#frame);
    this.#stop();
  }

  async reload(): Promise<void> {
    const sweep = await getSweep(this.id).catch(() => null);
    if (sweep && !this.#closed) this.sweep.value = sweep;
  }

  #take({ trial, trials }: TrialEvent): void {
    this.#trials.set(trial.number, trial);
    this.#counts = trials;
  }

  #show(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      batch(() => {
        this.trials.value = [...this.#trials.values()].sort((a, b) => a.number - b.number);
        if (this.sweep.value && this.#counts) this.sweep.value = { ...this.sweep.value, trials: this.#counts };
      });
    });
  }
}
