/** Says every few seconds that a worker lives, and looks after requests that it has not heard. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { JobLog } from "../jobs/job-log.ts";
import type { WorkerInfo, WorkerRegistry } from "../jobs/worker-registry.ts";

const EVERY_MS = 2000;

export interface Listener {
  /** The jobs that train now. */
  jobs(): string[];
  /** What a signal would have said, had it been heard. */
  hear(id: string, signal: "cancel" | "pause" | "change"): void;
}

export class Heartbeat {
  private readonly parts: { registry: WorkerRegistry; log: JobLog; logger: Logger };
  private readonly about: () => Omit<WorkerInfo, "jobs" | "seen_at">;
  private readonly listener: Listener;
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();

  constructor(
    parts: { registry: WorkerRegistry; log: JobLog; logger: Logger },
    about: () => Omit<WorkerInfo, "jobs" | "seen_at">,
    listener: Listener,
  ) {
    this.parts = parts;
    this.about = about;
    this.listener = listener;
  }

  start(): void {
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
    await this.parts.registry.leave(this.about().id).catch(() => {});
  }

  async beat(): Promise<void> {
    const jobs = this.listener.jobs();
    await this.parts.registry.beat({ ...this.about(), jobs });
    // A signal reaches only who listens at that moment; the state keeps what it said.
    for (const state of await this.parts.log.states(jobs)) {
      if (state.cancel_requested) this.listener.hear(state.id, "cancel");
      else if (state.pause_requested) this.listener.hear(state.id, "pause");
      if (state.wishes.length > state.wishesDone) this.listener.hear(state.id, "change");
    }
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.beat().catch((error: unknown) => {
        if (!signal.aborted) this.parts.logger.warn({ err: error }, "could not give a sign of life");
      });
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }
}
