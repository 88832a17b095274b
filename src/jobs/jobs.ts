/** What one can do with jobs: the log, the queue, the signals and the object store in the right order. */
import type { Redis } from "ioredis";
import type { JobPatch } from "../spec/job-spec.ts";
import { storeBulk } from "./bulk.ts";
import { sendSignal } from "./control.ts";
import { isFinished, type Job, type JobState, type JobStatus, jobAsCreated, jobView } from "./job.ts";
import type { Append, JobLog, JobToCreate } from "./job-log.ts";
import type { JobQueue } from "./job-queue.ts";
import type { CreateOutcome, Idempotency, JobOwner } from "./log-writer.ts";
import type { ObjectStore } from "./object-store.ts";
import type { Owners } from "./owners.ts";

export interface JobFilter {
  readonly status?: JobStatus;
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly limit: number;
  readonly cursor?: string;
  /** Only of this API key. */
  readonly owner?: string;
}

/** Of one that is created: the job, as anybody would read it now if no worker were faster. */
export type SubmitOutcome =
  | { readonly outcome: "created"; readonly id: string; readonly job: Job }
  | Exclude<CreateOutcome, { outcome: "created" }>;

/** `done`: at once, or already. `requested`: as soon as the worker is between two steps. */
export type ControlOutcome = "done" | "requested" | "finished" | "unknown";
export type ResumeOutcome = "done" | "pausing" | "finished" | "unknown";

/** So many jobs are looked at for one page of a filtered list; the page may then be short, its cursor goes on. */
const MOST_LOOKED_AT = 5000;

export class Jobs {
  private readonly redis: Redis;
  private readonly log: JobLog;
  private readonly queue: JobQueue;
  private readonly store: ObjectStore;
  private readonly owners: Owners;

  constructor(parts: { redis: Redis; log: JobLog; queue: JobQueue; store: ObjectStore; owners: Owners }) {
    this.redis = parts.redis;
    this.log = parts.log;
    this.queue = parts.queue;
    this.store = parts.store;
    this.owners = parts.owners;
  }

  /** The log first: a job that is in no queue is found and added later, one that is in no log can't run. */
  async submit(job: JobToCreate, idempotency?: Idempotency, owner?: JobOwner): Promise<SubmitOutcome> {
    const made = await this.create(job, idempotency, owner);
    // Also one that was made already, perhaps by a process that died before it could do this.
    if (made.id === job.id) await this.queue.add(job);
    return made;
  }

  /** The same for many, which then wait one behind the other. */
  async submitAll(jobs: readonly JobToCreate[], owner?: JobOwner): Promise<SubmitOutcome[]> {
    const made = await Promise.all(jobs.map((job) => this.create(job, undefined, owner)));
    await this.queue.addAll(jobs.filter(({ id }, i) => made[i]?.id === id));
    return made;
  }

  private async create(job: JobToCreate, idempotency?: Idempotency, owner?: JobOwner): Promise<SubmitOutcome> {
    // Before there is anything to own, so that nobody else can see it for a moment.
    if (owner !== undefined) await this.owners.own(job.id, owner.id);
    const spec = await storeBulk(job.spec, job.id, this.store);
    const made = await this.log.create({ ...job, spec }, idempotency, owner);
    if (made.id !== job.id) await Promise.all([this.store.remove(`jobs/${job.id}`), this.owners.disown(job.id)]);
    if (made.outcome !== "created") return made;
    // Not read back: it is known, and every reading costs the broker, and who waits for the answer, another round trip.
    const { name, metadata, modelSummary: model_summary } = job;
    const known = {
      id: job.id,
      name,
      metadata,
      created_at: made.time,
      spec: { ...spec },
      model_summary,
      progress: job,
    };
    return { outcome: made.outcome, id: made.id, job: jobAsCreated(known, made.position) };
  }

  async get(id: string): Promise<Job | null> {
    const [state, position] = await Promise.all([this.log.state(id), this.log.queuePosition(id)]);
    return state && jobView(state, position);
  }

  /** Newest first. */
  async list(filter: JobFilter): Promise<{ data: Job[]; next_cursor: string | null }> {
    const found: JobState[] = [];
    let cursor = filter.cursor;
    for (let looked = 0; found.length < filter.limit && looked < MOST_LOOKED_AT; ) {
      const limit = Math.min(filter.limit, MOST_LOOKED_AT - looked);
      const page = { limit, ...(cursor === undefined ? {} : { cursor }) };
      const ids =
        filter.owner === undefined
          ? await this.log.ids({ ...page, ...(filter.status ? { status: filter.status } : {}) })
          : await this.owners.owned(filter.owner, "job", page);
      const states = (await this.log.states(ids)).filter((state) => matches(state, filter));
      const room = filter.limit - found.length;
      found.push(...states.slice(0, room));
      cursor = states.length > room ? states[room - 1]?.id : ids.at(-1);
      looked += ids.length;
      if (ids.length < limit && states.length <= room) {
        cursor = undefined;
        break;
      }
    }
    const positions = await Promise.all(found.map((state) => this.log.queuePosition(state.id)));
    return {
      data: found.map((state, i) => jobView(state, positions[i] ?? null)),
      next_cursor: cursor ?? null,
    };
  }

  /** A job that waits or pauses is cancelled at once; a running one as soon as its worker is between two steps. */
  async cancel(id: string, reason = "requested"): Promise<ControlOutcome> {
    return this.control(id, "cancel", "cancelled", ({ progress: { epoch } }) => ({
      type: "cancelled",
      data: { epoch, reason },
      state: { finished_at: new Date().toISOString() },
    }));
  }

  /** A job that waits is paused at once; a running one as soon as its worker has stored a checkpoint. */
  async pause(id: string): Promise<ControlOutcome> {
    return this.control(id, "pause", "paused", ({ progress: { epoch } }) => ({
      type: "paused",
      data: { epoch, reason: "requested" },
      state: { pause_requested: 0 },
    }));
  }

  /** A paused job waits for a worker again; one that waits or runs is left alone. `hold`: where it is to pause by itself. */
  async resume(id: string, hold?: number | null): Promise<ResumeOutcome> {
    const state = await this.log.state(id);
    if (!state) return "unknown";
    if (isFinished(state.status)) return "finished";
    // Also in the queue, if its worker stopped before it could: the next one pauses it.
    if (state.status !== "paused") return state.pause_requested ? "pausing" : "done";
    const reason = "requested";
    await this.log.append(id, [
      {
        type: "queued",
        data: { reason, epoch: state.progress.epoch },
        state: { queue_reason: reason, error: null, ...(hold !== undefined && { hold_epoch: hold ?? 0 }) },
      },
    ]);
    // If someone else was faster, the job waits already, and adding it again changes nothing.
    await this.queue.add(state);
    return "done";
  }

  /** Changes a job that is not finished: before its next step, or before its first one once a worker has it. */
  async change(id: string, wish: JobPatch): Promise<"requested" | "finished" | "unknown"> {
    const status = await this.log.requestChange(id, wish);
    if (status === null) return "unknown";
    if (isFinished(status)) return "finished";
    if (status === "running") await sendSignal(this.redis, this.log.keys, { signal: "change", id });
    return "requested";
  }

  /** Writes the event that leads to a status if no worker has the job; else asks its worker to do so. */
  private async control(
    id: string,
    signal: "cancel" | "pause",
    to: JobStatus,
    event: (state: JobState) => Append,
  ): Promise<ControlOutcome> {
    for (;;) {
      const state = await this.log.state(id);
      if (!state) return "unknown";
      if (state.status === to) return "done";
      if (isFinished(state.status)) return "finished";
      const appended = await this.log.append(id, [event(state)]);
      if (appended.ok) {
        await this.queue.remove(id);
        return "done";
      }
      // The worker may have given the job back meanwhile, or ended it: then there is nobody to ask, and all is looked at anew.
      if (appended.reason === "attempt" && (await this.log.request(id, signal))) {
        await sendSignal(this.redis, this.log.keys, { signal, id });
        return "requested";
      }
    }
  }

  /** Removes a finished job and all that it stored. */
  async remove(id: string): Promise<"removed" | "unknown" | "unfinished"> {
    const outcome = await this.log.remove(id);
    if (outcome === "removed") await Promise.all([this.store.remove(`jobs/${id}`), this.owners.disown(id)]);
    return outcome;
  }
}

function matches(state: JobState, filter: JobFilter): boolean {
  if (filter.status && state.status !== filter.status) return false;
  if (filter.name !== undefined && state.name !== filter.name) return false;
  return Object.entries(filter.metadata ?? {}).every(([key, value]) => state.metadata[key] === value);
}
