/** The truth about jobs: one stream of events and one state hash each, changed together in one atomic step. */
import type { Redis } from "ioredis";
import { z } from "zod";
import { JobPatch } from "../spec/job-spec.ts";
import type { AppendOutcome } from "./event-appender.ts";
import { type EventPayload, isEventType, type LoggedEvent, type NewEvent } from "./events.ts";
import { isId } from "./ids.ts";
import {
  isFinished,
  type JobStanding,
  type JobState,
  JobStatus,
  type JobSummary,
  progressAtFirst,
  StoredCheckpoint,
} from "./job.ts";
import {
  decodeStanding,
  decodeState,
  decodeSummary,
  STANDING_FIELDS,
  type StateFields,
  SUMMARY_FIELDS,
} from "./job-state.ts";
import type { Keys } from "./keys.ts";
import { type CreateOutcome, type Idempotency, type JobOwner, LogWriter } from "./log-writer.ts";
import type { ModelSummary } from "./model-summary.ts";
import { RecentWrites } from "./recent-writes.ts";

export interface JobToCreate {
  readonly id: string;
  readonly name: string | null;
  readonly metadata: Record<string, string>;
  readonly spec: object;
  readonly modelSummary: ModelSummary;
  readonly epochs: number;
  /** Optimizer steps of the whole job. */
  readonly steps: number;
  /** The higher, the sooner; 0 if nobody says. */
  readonly priority: number;
  /** The epoch after which it pauses by itself, for whoever made it to decide whether it goes on. */
  readonly hold?: number | null;
  /** The jobs that one worker is to train together where it can, this one among them. */
  readonly batch?: readonly string[];
  /** The types of events of which its webhook hears. */
  readonly webhookEvents?: readonly string[];
  /** The traceparent of the request that makes it. */
  readonly trace?: string;
}

/** An event and what it changes in the state; `at` is when it came about, in ms, if that was not just now. */
export type Append = NewEvent & { readonly state?: StateFields; readonly at?: number };

const Wishes = z.array(JobPatch);
const Ids = z.array(z.string());
const StoredCheckpoints = z.array(StoredCheckpoint);
const Wished = z.tuple([z.string(), z.number()]);

export class JobLog {
  readonly keys: Keys;
  private readonly redis: Redis;
  private readonly recent: RecentWrites;
  private readonly writer: LogWriter;

  /** `recent`: of all that is written over this connection, for it to be restored in the order in which it was written. */
  constructor(redis: Redis, keys: Keys, recent = new RecentWrites(redis)) {
    this.redis = redis;
    this.keys = keys;
    this.recent = recent;
    this.writer = new LogWriter(redis, keys, keys, recent);
  }

  /** Creates a queued job with its first event, or finds the one that the idempotency key made before. */
  async create(job: JobToCreate, idempotency?: Idempotency, owner?: JobOwner): Promise<CreateOutcome> {
    const { id, priority } = job;
    const time = new Date().toISOString();
    const fields: StateFields = {
      ...(job.name === null ? {} : { name: job.name }),
      metadata: job.metadata,
      created_at: time,
      spec: job.spec,
      model_summary: job.modelSummary,
      progress: progressAtFirst(job),
      priority,
      ...(job.trace !== undefined && { trace: job.trace }),
      ...(job.hold != null && { hold_epoch: job.hold }),
      ...(job.batch && { batch: job.batch }),
      ...(job.webhookEvents && { webhook_events: `,${job.webhookEvents.join(",")},` }),
    };
    const queued: EventPayload<"queued"> = { reason: "submitted", epoch: 0 };
    return this.writer.create({ id, priority, fields, queued, time }, idempotency, owner);
  }

  /** Waits, if the broker has just come back, until everyone has restored what it lost: what is new comes after that. */
  settled(): Promise<void> {
    return this.recent.settled();
  }

  /** Whether a log may lack its end, which someone is about to restore. */
  get mayLack(): boolean {
    return this.recent.mayLack;
  }

  /** What an idempotency key made before: the id of its job and the hash of the body that it came with. */
  async madeWith(key: string): Promise<{ id: string; bodyHash: string } | null> {
    return this.writer.madeWith(key);
  }

  /**
   * Appends in one round trip. `attempt` is the fencing token of the worker that writes; without it, no worker does. What an
   * attempt has written before is restored first, should the broker have lost it.
   */
  async append(id: string, events: readonly Append[], attempt?: number): Promise<AppendOutcome> {
    const known = events.map((event) => ({ ...event, epochsBefore: epochsBefore(event) }));
    return this.writer.append(id, known, attempt);
  }

  /** Asks a job that is not finished for a change, for the worker that runs it now or takes it next. Gives its status. */
  async requestChange(id: string, wish: JobPatch): Promise<JobStatus | null> {
    const ask = (behind: number | "") =>
      this.writer.script("requestChange", [this.keys.state(id)], [JSON.stringify(wish), behind]);
    const [status, count] = Wished.parse(await ask(""));
    const known = JobStatus.safeParse(status).data ?? null;
    if (known !== null && !isFinished(known)) this.recent.remember(() => ask(count - 1));
    return known;
  }

  /** The events after number `after`, at most `limit`, in order. */
  async events(id: string, after = 0, limit = 1000): Promise<LoggedEvent[]> {
    const entries = await this.redis.xrange(this.keys.events(id), `(${after}-0`, "+", "COUNT", limit);
    return entries.map(readEntry);
  }

  /** Everything known about a job; null if there is none with this id. */
  async state(id: string): Promise<JobState | null> {
    if (!isId("job", id)) return null;
    return decodeState(await this.redis.hgetall(this.keys.state(id)));
  }

  /** The checkpoints alone, the newest first, at the cost of one small field; none if there is no such job. */
  async checkpoints(id: string): Promise<StoredCheckpoint[]> {
    if (!isId("job", id)) return [];
    const json = await this.redis.hget(this.keys.state(id), "checkpoints");
    return json === null ? [] : StoredCheckpoints.parse(JSON.parse(json));
  }

  /** All that was asked of its workers, at the cost of one small field; nothing if there is no such job. */
  async wishes(id: string): Promise<JobPatch[]> {
    const json = await this.redis.hget(this.keys.state(id), "wishes");
    return json === null ? [] : Wishes.parse(JSON.parse(json));
  }

  async states(ids: readonly string[]): Promise<JobState[]> {
    const states = await Promise.all(ids.map((id) => this.state(id)));
    return states.filter((state) => state !== null);
  }

  /** What a list shows of each, in their order; null for those that there are not. */
  async summaries(ids: readonly string[]): Promise<(JobSummary | null)[]> {
    const hashes = await Promise.all(ids.map((id) => this.redis.hmget(this.keys.state(id), ...SUMMARY_FIELDS)));
    return hashes.map(decodeSummary);
  }

  /** How far each has come, at the cost of three small fields; null for those that there are not. */
  async standings(ids: readonly string[]): Promise<(JobStanding | null)[]> {
    const hashes = await Promise.all(ids.map((id) => this.redis.hmget(this.keys.state(id), ...STANDING_FIELDS)));
    return hashes.map(decodeStanding);
  }

  /** The other jobs that are to train together with this one. None unless this is its first attempt. */
  async trainsWith(id: string): Promise<string[]> {
    const [json, attempt] = await this.redis.hmget(this.keys.state(id), "batch", "attempt");
    if (json == null || attempt !== "0") return [];
    return Ids.parse(JSON.parse(json)).filter((other) => other !== id);
  }

  /** 1 for the job that runs next; null for one that does not wait. */
  async queuePosition(id: string): Promise<number | null> {
    const rank = await this.redis.zrank(this.keys.waiting, id);
    return rank === null ? null : rank + 1;
  }

  /** The ids of jobs, newest first, from before `cursor`. */
  async ids(filter: { status?: JobStatus; cursor?: string; limit: number }): Promise<string[]> {
    const index = filter.status ? this.keys.withStatus(filter.status) : this.keys.all;
    const before = filter.cursor ? `(${filter.cursor}` : "+";
    return this.redis.zrevrangebylex(index, before, "-", "LIMIT", 0, filter.limit);
  }

  /** The ids of jobs with a status, oldest first, from behind `after`. */
  async oldest(status: JobStatus, limit: number, after?: string): Promise<string[]> {
    return this.redis.zrangebylex(
      this.keys.withStatus(status),
      after === undefined ? "-" : `(${after}`,
      "+",
      "LIMIT",
      0,
      limit,
    );
  }

  /** How many jobs have one of these. */
  async count(statuses: readonly JobStatus[]): Promise<number> {
    const counts = await Promise.all(statuses.map((status) => this.redis.zcard(this.keys.withStatus(status))));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** The ids of jobs that a worker should have, or have soon: the next ones first, then the running ones. */
  async unfinished(limit: number): Promise<string[]> {
    const last = String(limit - 1);
    const [waiting, running] = await Promise.all([
      this.redis.zrange(this.keys.waiting, "0", last),
      this.redis.zrange(this.keys.withStatus("running"), "0", last),
    ]);
    return [...waiting, ...running];
  }

  /** Asks the worker that runs a job now, or takes it next, to end or pause it. Whether there is one to ask. */
  async request(id: string, what: "cancel" | "pause"): Promise<boolean> {
    return this.writer.request(id, what);
  }

  /** Removes a finished job from the log; what lies in the object store is the caller's. */
  async remove(id: string): Promise<"removed" | "unknown" | "unfinished"> {
    return isId("job", id) ? this.writer.remove(id) : "unknown";
  }
}

/** An entry of the stream, as XRANGE and XREAD give it. */
export function readEntry([entryId, fields]: [string, string[]]): LoggedEvent {
  const type = fields[1];
  const json = fields[3];
  if (type === undefined || json === undefined || !isEventType(type)) {
    throw new Error(`Entry ${entryId} of a job's stream is not an event: ${fields.join(" ")}`);
  }
  return { seq: Number.parseInt(entryId, 10), type, json };
}

/** How many epochs the log must hold for this event to be true. */
function epochsBefore({ type, data }: NewEvent): number {
  switch (type) {
    case "started":
      return 0;
    case "epoch":
    case "step":
    case "changed":
    case "anomaly":
      return data.epoch - 1;
    case "completed":
      return data.final.epoch;
    default:
      return data.epoch;
  }
}
