/** Puts jobs that wait, by their log, back into a queue that does not know them, as after a loss of the queue. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { isFinished } from "../jobs/job.ts";
import type { JobLog } from "../jobs/job-log.ts";
import type { JobQueue } from "../jobs/job-queue.ts";

const EVERY_MS = 5000;
const MOST_AT_ONCE = 1000;

export class Reconciler {
  private readonly log: JobLog;
  private readonly queue: JobQueue;
  private readonly logger: Logger;
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();

  constructor(log: JobLog, queue: JobQueue, logger: Logger) {
    this.log = log;
    this.queue = queue;
    this.logger = logger;
  }

  start(): void {
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  /** Jobs that are in the queue already are left as they are; so it does no harm to look too often. */
  async reconcile(): Promise<void> {
    for (const id of await this.queue.missing(await this.log.unfinished(MOST_AT_ONCE))) {
      if (this.stopping.signal.aborted) return;
      const state = await this.log.state(id);
      if (!state || isFinished(state.status)) continue;
      this.logger.warn({ job: id }, "not in the queue although it is not finished: added again");
      await this.queue.add(state);
    }
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.reconcile().catch((error: unknown) =>
        this.logger.warn({ err: error }, "could not look after the queue"),
      );
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }
}
