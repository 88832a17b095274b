/** Removes finished jobs, and all that they stored, when they are older or more than the configuration keeps. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { timeOfId } from "../jobs/ids.ts";
import type { JobLog } from "../jobs/job-log.ts";
import type { Jobs } from "../jobs/jobs.ts";

export interface Retention {
  /** Days after its end; null: for ever. */
  readonly days: number | null;
  /** So many finished jobs, the newest; null: all. */
  readonly jobs: number | null;
}

interface JanitorParts {
  readonly jobs: Jobs;
  readonly log: JobLog;
  readonly logger: Logger;
  /** By which the age of jobs is told, in ms. A wrong clock here would remove them all. */
  time(): Promise<number>;
}

const EVERY_MS = 60_000;
const PAGE = 200;
const FINISHED = ["completed", "failed", "cancelled"] as const;
const DAY_MS = 86_400_000;

export class Janitor {
  private readonly parts: JanitorParts;
  private readonly retention: Retention;
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();

  constructor(parts: JanitorParts, retention: Retention) {
    this.parts = parts;
    this.retention = retention;
  }

  start(): void {
    if (this.retention.days !== null || this.retention.jobs !== null) this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  /** Several workers may sweep at once: what another has removed is gone already. Gives how many it removed. */
  async sweep(now?: number): Promise<number> {
    const { days, jobs } = this.retention;
    const old = days === null ? 0 : await this.removeOld((now ?? (await this.parts.time())) - days * DAY_MS);
    return old + (jobs === null ? 0 : await this.removeExcess(jobs));
  }

  private async removeOld(limit: number): Promise<number> {
    let removed = 0;
    for (const status of FINISHED) {
      let after: string | undefined;
      for (;;) {
        const ids = await this.parts.log.oldest(status, PAGE, after);
        after = ids.at(-1);
        // A job ends after it was made: from the first that is too young on, none is old enough.
        const candidates = ids.filter((id) => timeOfId(id) < limit);
        for (const { id, finished_at } of await this.parts.log.states(candidates)) {
          if (finished_at !== null && Date.parse(finished_at) < limit) removed += await this.remove(id);
        }
        if (candidates.length < PAGE || this.stopping.signal.aborted) break;
      }
    }
    return removed;
  }

  private async removeExcess(kept: number): Promise<number> {
    let removed = 0;
    for (;;) {
      const excess = Math.min(PAGE, (await this.parts.log.count(FINISHED)) - kept);
      if (excess <= 0 || this.stopping.signal.aborted) return removed;
      const oldest = await Promise.all(FINISHED.map((status) => this.parts.log.oldest(status, excess)));
      const before = removed;
      for (const id of oldest.flat().sort().slice(0, excess)) removed += await this.remove(id);
      // Someone else removes the same ones.
      if (removed === before) return removed;
    }
  }

  private async remove(id: string): Promise<number> {
    if ((await this.parts.jobs.remove(id)) !== "removed") return 0;
    this.parts.logger.info({ job: id }, "removed: older or more than is kept");
    return 1;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.sweep().catch((error: unknown) => {
        if (!signal.aborted) this.parts.logger.warn({ err: error }, "could not remove old jobs");
      });
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }
}
