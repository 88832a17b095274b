/** Several runs side by side: the history of each, then the events of all over one stream. */
import { signal } from "@preact/signals";
import { RunHistory } from "../history/run-history.ts";
import { messageOf, ServiceError } from "../service/client.ts";
import { type Connection, follow } from "../service/event-stream.ts";
import { type EventType, getHistory, getJob, isFinished, type Job } from "../service/jobs.ts";
import { persist } from "../service/persist.ts";

export interface ComparedRun {
  readonly job: Job;
  readonly history: RunHistory;
  /** Among all that were asked for: it decides the colour, whichever arrives first. */
  readonly place: number;
}

/** So many histories are asked for at once: the others wait, so that the page stays quick. */
const AT_ONCE = 4;

export class CompareStore {
  readonly ids: readonly string[];
  /** In the order of `ids`, as they arrive; another list with each change of a job. */
  readonly runs = signal<readonly ComparedRun[]>([]);
  readonly missing = signal<readonly string[]>([]);
  readonly connection = signal<Connection>("ended");
  /** Grows with the curves, at most once a frame. */
  readonly version = signal(0);
  readonly #runs = new Map<string, ComparedRun>();
  #stop: () => void = () => {};
  #closed = false;
  #frame = 0;

  constructor(ids: readonly string[]) {
    this.ids = ids;
  }

  async open(): Promise<void> {
    const waiting = [...this.ids];
    const load = async () => {
      for (let id = waiting.shift(); id !== undefined && !this.#closed; id = waiting.shift()) await this.#load(id);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, load));
    if (this.#closed) return;
    this.#follow();
  }

  close(): void {
    this.#closed = true;
    cancelAnimationFrame(this.#frame);
    this.#stop();
  }

  async #load(id: string): Promise<void> {
    try {
      const [job, history] = await persist(() => Promise.all([getJob(id), getHistory(id)]), {
        isStopped: () => this.#closed,
      });
      this.#runs.set(id, { job, history: new RunHistory(history), place: this.ids.indexOf(id) });
      this.#list();
    } catch (error) {
      const why = error instanceof ServiceError && error.status === 404 ? `There is no run ${id}.` : messageOf(error);
      this.missing.value = [...this.missing.value, why];
    }
  }

  #follow(): void {
    const live = [...this.#runs.values()].filter(({ job }) => !isFinished(job.status));
    if (live.length === 0) return;
    const ids = live.map(({ job }) => job.id);
    const after = live.map(({ history }) => history.lastSeq).join(".");
    this.#stop = follow(`/v1/events?jobs=${ids.join(",")}`, after, {
      onEvents: (events) => {
        for (const { event = "", data } of events) {
          const { job_id }: { job_id: string } = JSON.parse(data);
          this.#runs.get(job_id)?.history.take(event as EventType, data);
          if (event !== "epoch" && event !== "step" && event !== "checkpoint" && event !== "probe")
            void this.#reload(job_id);
        }
        this.#show();
      },
      onConnection: (connection) => {
        this.connection.value = connection;
      },
    });
  }

  async #reload(id: string): Promise<void> {
    const job = await getJob(id).catch(() => null);
    const known = this.#runs.get(id);
    if (!job || !known || this.#closed) return;
    this.#runs.set(id, { ...known, job });
    this.#list();
  }

  #list(): void {
    this.runs.value = this.ids.flatMap((id) => this.#runs.get(id) ?? []);
    this.#show();
  }

  #show(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.version.value++;
    });
  }
}
