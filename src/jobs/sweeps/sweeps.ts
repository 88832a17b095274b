/** What one can do with sweeps: their log, their queue, their trials and the object store in the right order. */
import type { Redis } from "ioredis";
import { storeBulk } from "../bulk.ts";
import { sendSignal } from "../control.ts";
import { isFinished } from "../job.ts";
import type { ControlOutcome, Jobs, ResumeOutcome } from "../jobs.ts";
import type { Keys } from "../keys.ts";
import type { CreateOutcome, Idempotency, JobOwner } from "../log-writer.ts";
import type { ObjectStore } from "../object-store.ts";
import type { Owners } from "../owners.ts";
import {
  countTrials,
  leaderboard,
  type Sweep,
  type SweepWithLeaderboard,
  type TrialRecord,
  trialView,
} from "./sweep.ts";
import {
  objectiveOf,
  type SweepAppend,
  type SweepFields,
  type SweepLog,
  type SweepToCreate,
  sweepView,
} from "./sweep-log.ts";
import type { SweepQueue } from "./sweep-queue.ts";

interface SweepsParts {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly log: SweepLog;
  readonly queue: SweepQueue;
  readonly jobs: Jobs;
  readonly store: ObjectStore;
  readonly owners: Owners;
}

export class Sweeps {
  private readonly parts: SweepsParts;

  constructor(parts: SweepsParts) {
    this.parts = parts;
  }

  /** As with jobs, the log comes first. */
  async submit({ id, spec }: SweepToCreate, idempotency?: Idempotency, owner?: JobOwner): Promise<CreateOutcome> {
    const { owners, store, log, queue } = this.parts;
    if (owner !== undefined) await owners.own(id, owner.id);
    const base = await storeBulk(spec.base, id, store);
    const made = await log.create({ id, spec: { ...spec, base } }, idempotency, owner);
    // Also one that was made already, by a request whose answer was lost.
    if (made.id === id) await queue.add(id);
    else await Promise.all([store.remove(`jobs/${id}`), owners.disown(id)]);
    return made;
  }

  async get(id: string, most: number): Promise<SweepWithLeaderboard | null> {
    const { log } = this.parts;
    const [state, ranked] = await Promise.all([log.state(id), log.ranked(id, most)]);
    if (!state) return null;
    // Older workers do not keep it ready; and trials may have changed since it was.
    const known = ranked && ranked.length >= Math.min(most, state.trials.drawn) ? ranked : await log.trials(id);
    const first = leaderboard(known, objectiveOf(state).mode).slice(0, most);
    return { ...sweepView(state), last_seq: state.seq, leaderboard: first.map(trialView) };
  }

  /** Newest first. */
  async list(page: { limit: number; cursor?: string; owner?: string }): Promise<{
    data: Sweep[];
    next_cursor: string | null;
  }> {
    const { owner, ...rest } = page;
    const { log, owners } = this.parts;
    const ids = owner === undefined ? await log.ids(rest) : await owners.owned(owner, "swp", rest);
    const states = await Promise.all(ids.map((id) => log.state(id)));
    const data = states.flatMap((state) => (state ? [sweepView(state)] : []));
    return { data, next_cursor: ids.length === page.limit ? (ids.at(-1) ?? null) : null };
  }

  /** One that no worker steers ends at once, else as soon as its worker hears of it. Its trials end with it. */
  async cancel(id: string): Promise<ControlOutcome> {
    return this.control(id, "cancel", "cancelled", async (trials, reason) => ({
      type: "cancelled",
      data: { reason, trials: countTrials(trials) },
      state: { finished_at: new Date().toISOString() },
    }));
  }

  /** Its trials pause with it. */
  async pause(id: string): Promise<ControlOutcome> {
    return this.control(id, "pause", "paused", async () => ({ type: "paused", data: { reason: "requested" } }));
  }

  /** A paused sweep is steered again, and its trials go on from their checkpoints. */
  async resume(id: string): Promise<ResumeOutcome> {
    const { log, queue } = this.parts;
    const state = await log.state(id);
    if (!state) return "unknown";
    if (isFinished(state.status)) return "finished";
    if (state.status !== "paused") return state.pause_requested ? "pausing" : "done";
    await log.append(id, [{ type: "queued", data: { reason: "requested" }, state: { queue_reason: "requested" } }]);
    await queue.add(id);
    return "done";
  }

  /** Writes the event that leads to a status if no worker steers the sweep; else asks its worker to do so. */
  private async control(
    id: string,
    signal: "cancel" | "pause",
    to: "cancelled" | "paused",
    event: (trials: readonly TrialRecord[], reason: string) => Promise<SweepAppend>,
  ): Promise<ControlOutcome> {
    const { log, redis, keys, jobs } = this.parts;
    for (;;) {
      const state = await log.state(id);
      if (!state) return "unknown";
      if (state.status === to) return "done";
      if (isFinished(state.status)) return "finished";
      if (state.status === "running") {
        if (!(await log.request(id, signal))) continue;
        await sendSignal(redis, keys, { signal, id });
        return "requested";
      }
      const trials = await haltTrials(jobs, await log.trials(id), signal);
      const { state: fields, ...about } = await event(trials, "requested");
      const outcome = await log.append(id, [{ ...about, state: { ...fields, ...trialFields(trials) } }]);
      if (outcome.ok) return "done";
    }
  }

  /** Removes a finished sweep with all its trials. `unfinished` also while one of them is still about to end. */
  async remove(id: string): Promise<"removed" | "unknown" | "unfinished"> {
    const { log, jobs, store, owners } = this.parts;
    const state = await log.state(id);
    if (!state) return "unknown";
    if (!isFinished(state.status)) return "unfinished";
    for (const { job_id } of await log.trials(id)) {
      if (job_id !== null && (await jobs.remove(job_id)) === "unfinished") return "unfinished";
    }
    const outcome = await log.remove(id);
    if (outcome === "removed") await Promise.all([store.remove(`jobs/${id}`), owners.disown(id)]);
    return outcome;
  }
}

/** Ends or pauses the jobs of all trials that could still train. Gives all trials as they are then. */
export async function haltTrials(
  jobs: Jobs,
  trials: readonly TrialRecord[],
  how: "cancel" | "pause",
): Promise<TrialRecord[]> {
  return Promise.all(
    trials.map(async (trial): Promise<TrialRecord> => {
      const { job_id, status } = trial;
      if (job_id === null || hasEnded(status)) return trial;
      if (how === "pause") {
        if (status === "waiting" || status === "paused") return trial;
        const outcome = await jobs.pause(job_id);
        return outcome === "finished" || outcome === "unknown" ? trial : { ...trial, status: "paused" };
      }
      const outcome = await jobs.cancel(job_id, "the sweep was cancelled");
      return outcome === "finished" ? trial : { ...trial, status: "cancelled" };
    }),
  );
}

const ENDED: readonly string[] = [
  "completed",
  "stopped",
  "failed",
  "cancelled",
  "invalid",
] satisfies TrialRecord["status"][];
export const hasEnded = (status: TrialRecord["status"]): boolean => ENDED.includes(status);

/** Trials as fields of the state, with what is counted of them. */
export function trialFields(changed: readonly TrialRecord[], all: readonly TrialRecord[] = changed): SweepFields {
  return {
    ...Object.fromEntries(changed.map((trial) => [`trial:${trial.number}`, trial] as const)),
    trials: countTrials(all),
    epochs_trained: all.reduce((sum, { epoch }) => sum + epoch, 0),
  };
}
