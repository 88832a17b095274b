/** One run as the page knows it: its history, then its events as they come, with nothing missing between. */
import { batch, signal } from "@preact/signals";
import { Curves } from "../chart/curves.ts";
import { messageOf, type ServiceError } from "../service/client.ts";
import { type Connection, follow } from "../service/event-stream.ts";
import { type EpochEvent, getHistory, getJob, type Job, pathOf } from "../service/jobs.ts";

export class RunStore {
  readonly id: string;
  readonly job = signal<Job | null>(null);
  readonly latest = signal<EpochEvent | null>(null);
  readonly trouble = signal<string | null>(null);
  readonly connection = signal<Connection>("connecting");
  /** Grows with every change of the curves, at most once a frame. */
  readonly version = signal(0);
  curves = new Curves();
  #stop: () => void = () => {};
  #closed = false;
  #newest: EpochEvent | null = null;
  #frame = 0;

  constructor(id: string) {
    this.id = id;
  }

  async open(): Promise<void> {
    try {
      const [job, history] = await Promise.all([getJob(this.id), getHistory(this.id)]);
      if (this.#closed) return;
      this.curves = Curves.from(history);
      batch(() => {
        this.job.value = job;
        this.version.value++;
      });
      this.#stop = follow(`${pathOf(this.id)}/events`, String(history.last_seq), {
        onEvents: (events) => {
          for (const { event = "", data } of events) this.#take(event, data);
        },
        onConnection: (connection) => {
          this.connection.value = connection;
        },
        onRefused: (error: ServiceError) => {
          this.trouble.value = error.message;
        },
      });
    } catch (error) {
      if (!this.#closed) this.trouble.value = messageOf(error);
    }
  }

  close(): void {
    this.#closed = true;
    cancelAnimationFrame(this.#frame);
    this.#stop();
  }

  async reload(): Promise<void> {
    const job = await getJob(this.id).catch(() => null);
    if (job && !this.#closed) this.job.value = job;
  }

  #take(type: string, data: string): void {
    if (type === "epoch") {
      const event: EpochEvent = JSON.parse(data);
      this.curves.add(event);
      this.#newest = event;
      if (this.#frame === 0)
        this.#frame = requestAnimationFrame(() => {
          this.#frame = 0;
          this.latest.value = this.#newest;
          this.version.value++;
        });
    } else if (type !== "checkpoint" && type !== "step") void this.reload();
  }
}
