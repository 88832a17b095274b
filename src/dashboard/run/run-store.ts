/** One run as the page knows it: its history, then its events as they come, with nothing missing between. */
import { batch, signal } from "@preact/signals";
import { RunHistory } from "../history/run-history.ts";
import { type Connection, follow } from "../service/event-stream.ts";
import { type EventType, getHistory, getJob, type Job, pathOf } from "../service/jobs.ts";

export class RunStore {
  readonly id: string;
  readonly job = signal<Job | null>(null);
  readonly trouble = signal<string | null>(null);
  readonly connection = signal<Connection>("connecting");
  /** Grows with what is known, at most once a frame. */
  readonly version = signal(0);
  history = new RunHistory();
  #stop: () => void = () => {};
  #closed = false;
  #frame = 0;

  constructor(id: string) {
    this.id = id;
  }

  async open(): Promise<void> {
    const [job, history] = await Promise.all([getJob(this.id), getHistory(this.id)]);
    if (this.#closed) return;
    this.history = new RunHistory(history);
    batch(() => {
      this.job.value = job;
      this.version.value++;
    });
    this.#follow();
  }

  close(): void {
    this.#closed = true;
    cancelAnimationFrame(this.#frame);
    this.#stop();
  }

  /** The job as it is now: the answer to what was asked of it. */
  async reload(): Promise<void> {
    const job = await getJob(this.id).catch(() => null);
    if (job && !this.#closed) this.job.value = job;
  }

  #follow(): void {
    this.#stop = follow(`${pathOf(this.id)}/events`, String(this.history.lastSeq), {
      onEvents: (events) => {
        let isNew = false;
        for (const { event = "", data } of events) {
          this.history.take(event as EventType, data);
          isNew ||= event !== "epoch" && event !== "step" && event !== "checkpoint" && event !== "probe";
        }
        if (isNew) void this.reload();
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

  #show(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.version.value++;
    });
  }
}
