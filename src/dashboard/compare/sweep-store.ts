/** One sweep as the page knows it: its trials as they were when it was opened, then the newest that its stream tells of each. */
import { batch, signal } from "@preact/signals";
import { type Connection, follow } from "../service/event-stream.ts";
import { allTrials, getSweep, type Sweep, sweepPath, type Trial, type TrialEvent } from "../service/sweeps.ts";
import { calm } from "../shared/calm.ts";

export class SweepStore {
  readonly id: string;
  readonly sweep = signal<Sweep | null>(null);
  /** By number; another list as they change, ten times a second at most. */
  readonly trials = signal<readonly Trial[]>([]);
  readonly trouble = signal<string | null>(null);
  readonly connection = signal<Connection>("connecting");
  readonly #trials = new Map<number, Trial>();
  #counts: Sweep["trials"] | null = null;
  #stop: () => void = () => {};
  #closed = false;
  readonly #calm = calm(() => this.#show());

  constructor(id: string) {
    this.id = id;
  }

  async open(): Promise<void> {
    const sweep = await getSweep(this.id);
    // Asked for after it, they are as new as its last event, or newer: nothing is missing between them and the stream.
    const trials = await allTrials(this.id);
    if (this.#closed) return;
    for (const trial of trials) this.#trials.set(trial.number, trial);
    this.sweep.value = sweep;
    this.#show();
    this.#stop = follow(`${sweepPath(this.id)}/events`, String(sweep.last_seq), {
      onEvents: (events) => {
        for (const { event, data } of events) if (event === "trial") this.#take(JSON.parse(data));
        if (events.some(({ event }) => event !== "trial")) void this.reload();
        this.#calm.soon();
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
    this.#calm.stop();
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
    batch(() => {
      const trials = [...this.#trials.values()].sort((a, b) => a.number - b.number);
      this.trials.value = trials;
      if (!this.sweep.value || !this.#counts) return;
      const epochs_trained = trials.reduce((sum, { epoch }) => sum + epoch, 0);
      this.sweep.value = { ...this.sweep.value, trials: this.#counts, epochs_trained };
    });
  }
}
