/**
 * Every job, live over one stream: what there is, then what changes. All views share it; it follows as long as one of them
 * needs it, and not while the page is hidden, since a browser has only six connections for all its tabs.
 */
import { signal } from "@preact/signals";
import type { EventSourceMessage } from "eventsource-parser";
import { type Connection, follow } from "./event-stream.ts";
import type { JobSummary } from "./jobs.ts";

const NEWEST = 20_000;
/** A tab that was left for a moment keeps its connection. */
const HIDDEN_MS = 30_000;

export class LiveJobs {
  /** Each time that anything changes, another one; at most once a frame. */
  readonly all = signal<ReadonlyMap<string, JobSummary>>(new Map());
  /** Whether all that there are have been told. */
  readonly complete = signal(false);
  readonly connection = signal<Connection>("connecting");
  readonly refused = signal<string | null>(null);
  readonly #jobs = new Map<string, JobSummary>();
  #position: string | null = null;
  #users = 0;
  #stop: (() => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #frame = 0;

  /** Keeps it live until what it returns is called. */
  use(): () => void {
    this.#users++;
    if (this.#users === 1) document.addEventListener("visibilitychange", this.#onVisibility);
    this.#start();
    return () => {
      this.#users--;
      if (this.#users > 0) return;
      document.removeEventListener("visibilitychange", this.#onVisibility);
      this.#end();
    };
  }

  #start(): void {
    clearTimeout(this.#timer);
    if (this.#stop) return;
    this.#stop = follow(`/v1/events?newest=${NEWEST}`, this.#position, {
      onEvents: (events) => {
        for (const event of events) this.#take(event);
        this.#show();
      },
      onConnection: (connection) => {
        this.connection.value = connection;
      },
      onRefused: ({ message }) => {
        this.refused.value = message;
      },
    });
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#stop?.();
    this.#stop = null;
  }

  readonly #onVisibility = (): void => {
    if (!document.hidden) this.#start();
    else this.#timer = setTimeout(() => this.#end(), HIDDEN_MS);
  };

  #take({ event, data, id }: EventSourceMessage): void {
    if (id !== undefined) this.#position = id;
    if (event === "list") {
      this.#jobs.clear();
      this.complete.value = false;
    } else if (event === "listed") this.complete.value = true;
    else if (event === "removed") this.#jobs.delete(JSON.parse(data).id);
    else if (event === "job") {
      const job: JobSummary = JSON.parse(data);
      this.#jobs.set(job.id, job);
    }
  }

  #show(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.all.value = new Map(this.#jobs);
    });
  }
}

export const liveJobs = new LiveJobs();
