/** Takes sweeps from their queue and steers them, many at once: a controller waits far more than it works. */
import { setTimeout as sleep } from "node:timers/promises";
import { Worker as QueueWorker, WaitingError } from "bullmq";
import type { Redis } from "ioredis";
import type { Config } from "../../config.ts";
import { isFinished } from "../../jobs/job.ts";
import type { JobChanges } from "../../jobs/job-changes.ts";
import type { Keys } from "../../jobs/keys.ts";
import { specOf } from "../../jobs/sweeps/sweep-log.ts";
import { SWEEP_QUEUE, type SweepQueue } from "../../jobs/sweeps/sweep-queue.ts";
import type { WorkerRegistry } from "../../jobs/worker-registry.ts";
import { LockedRuns } from "../locked-runs.ts";
import { type DrawerParts, TrialDrawer } from "./draw-trial.ts";
import { type ControllerParts, type SteerStop, SweepController } from "./sweep-controller.ts";

export interface SteererParts
  extends Omit<ControllerParts, "slots">,
    DrawerParts,
    Pick<Config, "lockMs" | "stalledMs"> {
  readonly redis: Redis;
  /** Used for blocking reads alone. */
  readonly blocking: Redis;
  readonly keys: Keys;
  readonly queue: SweepQueue;
  readonly changes: JobChanges;
  readonly registry: WorkerRegistry;
  /** Called each time that the broker does not answer. */
  onTrouble(error: Error): void;
}

const SWEEPS_AT_ONCE = 64;
const BLOCK_MS = 2000;
/** So long changes of jobs are gathered where others wait for their turn anyway: to act at each costs more than some trials. */
const GATHER_MS = 50;
const RECONCILE_MS = 5000;
const MOST_RECONCILED = 1000;

export class SweepSteerer {
  private readonly parts: SteererParts;
  private readonly controllers = new Map<string, SweepController>();
  private readonly runs: LockedRuns<SteerStop>;
  private readonly worker: QueueWorker;
  private readonly stopping = new AbortController();
  /** Once there is a controller. */
  private begun = Promise.withResolvers<void>();
  private slots = 1;
  private loops: Promise<unknown> = Promise.resolve();

  constructor(parts: SteererParts) {
    this.parts = parts;
    const { redis, keys, worker: name, lockMs, stalledMs, logger } = parts;
    this.runs = new LockedRuns(lockMs);
    this.worker = new QueueWorker(
      SWEEP_QUEUE,
      async (job, token) => {
        if ((await this.runs.run(job, token, (id, signal) => this.steer(id, signal))) === "over") return;
        await job.moveToWait(token);
        throw new WaitingError();
      },
      {
        connection: redis,
        prefix: keys.tag,
        name,
        concurrency: SWEEPS_AT_ONCE,
        lockDuration: lockMs,
        skipLockRenewal: true,
        stalledInterval: stalledMs,
        // As with jobs: whatever the queue counts, the log knows better.
        maxStalledCount: 1_000_000,
      },
    );
    this.worker.on("stalled", (sweep) =>
      logger.warn({ sweep }, "its worker is gone, the sweep goes back to the queue"),
    );
    this.worker.on("failed", (job, error) => logger.error({ sweep: job?.id, err: error }, "could not steer a sweep"));
    this.worker.on("error", parts.onTrouble);
    // One that was resumed while the queue still held its paused run is in no queue now.
    this.worker.on("completed", () => void this.quietly(() => this.reconcile()));
  }

  async start(): Promise<void> {
    await this.worker.waitUntilReady();
    await this.countSlots();
    this.loops = Promise.all([this.listen(), this.lookAfter()]);
  }

  /** Something was asked of a sweep. */
  hear(id: string): void {
    this.controllers.get(id)?.wake();
  }

  /** Sweeps go back to the queue, for another worker; their trials train on. */
  async stop(): Promise<void> {
    await this.worker.pause(true);
    this.runs.stopAll("shutdown");
    await this.worker.close();
    this.stopping.abort();
    this.begun.resolve();
    this.parts.blocking.disconnect();
    await this.loops;
  }

  private async steer(id: string, signal: AbortSignal): Promise<"over" | "waits"> {
    const { sweepLog, logger } = this.parts;
    const state = await sweepLog.state(id);
    if (!state || isFinished(state.status) || state.status === "paused") return "over";
    const spec = specOf(state);
    const drawer = await TrialDrawer.create(this.parts, id, spec);
    const about = { ...this.parts, slots: () => this.slots, logger: logger.child({ sweep: id }) };
    const controller = new SweepController(about, state, drawer);
    this.controllers.set(id, controller);
    this.begun.resolve();
    try {
      return await controller.run(state, signal);
    } finally {
      this.controllers.delete(id);
      if (this.controllers.size === 0) this.begun = Promise.withResolvers();
    }
  }

  /** Tells controllers which jobs have changed; while there is none, jobs change unheard. */
  private async listen(): Promise<void> {
    const { changes, blocking } = this.parts;
    const { signal } = this.stopping;
    let position: string | null = null;
    while (!signal.aborted) {
      if (this.controllers.size === 0) {
        position = null;
        await this.begun.promise;
        continue;
      }
      try {
        position ??= await changes.position();
        for (const change of await changes.next(blocking, position, BLOCK_MS)) {
          position = change.position;
          for (const controller of this.controllers.values()) controller.hear(change.jobId);
        }
        const patient = [...this.controllers.values()].every(({ isPatient }) => isPatient);
        if (patient) await sleep(GATHER_MS, undefined, { signal }).catch(() => {});
      } catch {
        // Controllers look by themselves now and then.
        position = null;
        await sleep(BLOCK_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  private async lookAfter(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.quietly(async () => {
        await this.countSlots();
        await this.reconcile();
      });
      await sleep(RECONCILE_MS, undefined, { signal }).catch(() => {});
    }
  }

  private async countSlots(): Promise<void> {
    this.slots = (await this.parts.registry.list()).reduce((sum, { concurrency }) => sum + concurrency, 0);
  }

  /** Puts sweeps that should be steered into a queue that does not know them. */
  private async reconcile(): Promise<void> {
    const { sweepLog, queue } = this.parts;
    for (const id of await sweepLog.unfinished(MOST_RECONCILED)) {
      if (this.stopping.signal.aborted) return;
      if (!(await queue.has(id))) await queue.add(id);
    }
  }

  private async quietly(work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => {
      if (!this.stopping.signal.aborted) this.parts.logger.warn({ err: error }, "could not look after the sweeps");
    });
  }
}
