/** The truth about sweeps: a stream of events and a state hash each, kept by the same atomic steps as those of jobs. */
import type { Redis } from "ioredis";
import { z } from "zod";
import type { SweepSpec } from "../../sweeps/sweep-spec.ts";
import type { AppendOutcome } from "../event-appender.ts";
import { flag, json, jsonOr, orNull } from "../hash-fields.ts";
import { isId } from "../ids.ts";
import type { JobStatus } from "../job.ts";
import type { Keys } from "../keys.ts";
import { type CreateOutcome, type Idempotency, type JobOwner, LogWriter } from "../log-writer.ts";
import { RecentWrites } from "../recent-writes.ts";
import { countTrials, Sweep, sweepLinks, Trial, TrialRecord } from "./sweep.ts";
import { isSweepEventType, type NewSweepEvent, type SweepEventType } from "./sweep-events.ts";

export interface SweepToCreate {
  readonly id: string;
  readonly spec: SweepSpec;
}

/** Fields of the state hash; a trial has one of its own. */
export interface SweepFields {
  started_at?: string;
  finished_at?: string;
  worker?: string;
  trials?: object;
  /** null: the one that was has failed since. */
  best?: object | null;
  epochs_trained?: number;
  /** The numbers of the trials on the leaderboard, {@link MOST_RANKED} at most. */
  ranking?: readonly number[];
  error?: object;
  queue_reason?: "submitted" | "worker_stopped" | "requested";
  /** 0 takes a request back: it has been done. */
  pause_requested?: 0;
  readonly [trial: `trial:${number}`]: object;
}

export type SweepAppend = NewSweepEvent & { readonly state?: SweepFields };

export interface LoggedSweepEvent {
  readonly seq: number;
  readonly type: SweepEventType;
  readonly json: string;
}

/** Everything that the state hash of a sweep holds. */
export interface SweepState extends Omit<Sweep, "links"> {
  readonly seq: number;
  readonly attempts: number;
  readonly queueReason: "submitted" | "worker_stopped" | "requested";
}

export class SweepLog {
  private readonly redis: Redis;
  private readonly keys: Keys;
  private readonly writer: LogWriter;

  constructor(redis: Redis, keys: Keys, recent = new RecentWrites(redis)) {
    this.redis = redis;
    this.keys = keys;
    this.writer = new LogWriter(redis, keys, keys.sweeps, recent);
  }

  /** The stream of its events. */
  streamOf(id: string): string {
    return this.keys.sweeps.events(id);
  }

  /** Creates a queued sweep with its first event, or finds the one that the idempotency key made before. */
  async create({ id, spec }: SweepToCreate, idempotency?: Idempotency, owner?: JobOwner): Promise<CreateOutcome> {
    const { name, metadata } = spec;
    const time = new Date().toISOString();
    const fields = { ...(name !== null && { name }), metadata, created_at: time, spec };
    return this.writer.create({ id, priority: 0, fields, queued: { reason: "submitted" }, time }, idempotency, owner);
  }

  /** What an idempotency key made before. */
  async madeWith(key: string): Promise<{ id: string; bodyHash: string } | null> {
    return this.writer.madeWith(key);
  }

  /** Appends in one round trip. `attempt` is the fencing token of the worker that steers; without it, none does. */
  async append(id: string, events: readonly SweepAppend[], attempt?: number): Promise<AppendOutcome> {
    return this.writer.append(id, events, attempt);
  }

  async events(id: string, after = 0, limit = 1000): Promise<LoggedSweepEvent[]> {
    const entries = await this.redis.xrange(this.keys.sweeps.events(id), `(${after}-0`, "+", "COUNT", limit);
    return entries.map(readSweepEntry);
  }

  async exists(id: string): Promise<boolean> {
    return (await this.redis.exists(this.keys.sweeps.state(id))) === 1;
  }

  /** The sweep without its trials; null if there is none with this id. */
  async state(id: string): Promise<SweepState | null> {
    if (!isId("swp", id)) return null;
    const values = await this.redis.hmget(this.keys.sweeps.state(id), ...STATE_FIELDS);
    const hash = Object.fromEntries(
      STATE_FIELDS.flatMap((field, i) => (values[i] == null ? [] : [[field, values[i]]])),
    );
    if (hash["id"] === undefined) return null;
    const { attempt, queue_reason, ...rest } = Hash.parse(hash);
    return { ...rest, attempts: attempt, queueReason: queue_reason };
  }

  /** What is asked of the worker that steers it, at the cost of three small fields; null if there is no such sweep. */
  async asked(id: string): Promise<"cancel" | "pause" | "nothing" | null> {
    const [known, cancel, pause] = await this.redis.hmget(
      this.keys.sweeps.state(id),
      ...["id", "cancel_requested", "pause_requested"],
    );
    if (known == null) return null;
    return cancel === "1" ? "cancel" : pause === "1" ? "pause" : "nothing";
  }

  /** By number. */
  async trials(id: string): Promise<TrialRecord[]> {
    const hash = await this.redis.hgetall(this.keys.sweeps.state(id));
    return Object.entries(hash)
      .filter(([field]) => field.startsWith("trial:"))
      .map(([, text]) => TrialRecord.parse(JSON.parse(text)))
      .sort((a, b) => a.number - b.number);
  }

  /** As many, from number `first` on. */
  async trialsFrom(id: string, first: number, most: number): Promise<TrialRecord[]> {
    return this.trialsOf(
      id,
      Array.from({ length: most }, (_, i) => first + i),
    );
  }

  /** The first of the leaderboard, where it is kept ready; {@link MOST_RANKED} at most. */
  async ranked(id: string, most: number): Promise<TrialRecord[] | null> {
    const ranking = await this.redis.hget(this.keys.sweeps.state(id), "ranking");
    return ranking === null ? null : this.trialsOf(id, Ranking.parse(JSON.parse(ranking)).slice(0, most));
  }

  /** Those of them that there are. */
  private async trialsOf(id: string, numbers: readonly number[]): Promise<TrialRecord[]> {
    if (numbers.length === 0) return [];
    const fields = numbers.map((number) => `trial:${number}`);
    const found = await this.redis.hmget(this.keys.sweeps.state(id), ...fields);
    return found.flatMap((text) => (text === null ? [] : [TrialRecord.parse(JSON.parse(text))]));
  }

  /** The ids of sweeps, newest first, from before `cursor`. */
  async ids(filter: { cursor?: string; limit: number }): Promise<string[]> {
    const before = filter.cursor ? `(${filter.cursor}` : "+";
    return this.redis.zrevrangebylex(this.keys.sweeps.all, before, "-", "LIMIT", 0, filter.limit);
  }

  /** Those that a worker should steer. */
  async unfinished(limit: number): Promise<string[]> {
    const last = String(limit - 1);
    const { waiting, withStatus } = this.keys.sweeps;
    const [queued, running] = await Promise.all([
      this.redis.zrange(waiting, "0", last),
      this.redis.zrange(withStatus("running"), "0", last),
    ]);
    return [...queued, ...running];
  }

  /** Asks the worker that steers a sweep to end or pause it. Whether there is one to ask. */
  async request(id: string, what: "cancel" | "pause"): Promise<boolean> {
    return this.writer.request(id, what);
  }

  /** Removes a finished sweep from the log; its trials and what lies in the object store are the caller's. */
  async remove(id: string): Promise<"removed" | "unknown" | "unfinished"> {
    return isId("swp", id) ? this.writer.remove(id) : "unknown";
  }
}

export function readSweepEntry([entryId, fields]: [string, string[]]): LoggedSweepEvent {
  const type = fields[1];
  const json = fields[3];
  if (type === undefined || json === undefined || !isSweepEventType(type))
    throw new Error(`Entry ${entryId} of a sweep's stream is not an event: ${fields.join(" ")}`);
  return { seq: Number.parseInt(entryId, 10), type, json };
}

/** The log keeps the spec as its check completed it; of the base large parts may lie in the object store. */
export const specOf = ({ spec }: Pick<SweepState, "spec">): SweepSpec => CheckedSpec.parse(spec);
const CheckedSpec = z.custom<SweepSpec>((value) => typeof value === "object" && value !== null);

export const objectiveOf = (state: Pick<SweepState, "spec">): SweepSpec["objective"] => specOf(state).objective;

export function sweepView({ seq: _s, attempts: _a, queueReason: _q, ...shown }: SweepState): Sweep {
  return { ...shown, links: sweepLinks(shown.id) };
}

/** The sweep as the first answer to its request showed it. */
export function sweepAsCreated(state: SweepState): Sweep {
  const none = { started_at: null, finished_at: null, best: null, worker: null, error: null, epochs_trained: 0 };
  return sweepView({ ...state, ...none, status: "queued" satisfies JobStatus, trials: NO_TRIALS });
}

const NO_TRIALS = countTrials([]);

const Hash = z.object({
  id: z.string(),
  name: orNull(z.string()),
  metadata: json(Sweep.shape.metadata),
  status: Sweep.shape.status,
  created_at: z.string(),
  started_at: orNull(z.string()),
  finished_at: orNull(z.string()),
  spec: json(Sweep.shape.spec),
  trials: jsonOr(JSON.stringify(NO_TRIALS), Sweep.shape.trials),
  epochs_trained: z.coerce.number().default(0),
  best: orNull(json(Trial.nullable())),
  worker: orNull(z.string()),
  cancel_requested: flag,
  pause_requested: flag,
  error: orNull(json(Sweep.shape.error.unwrap())),
  seq: z.coerce.number(),
  attempt: z.coerce.number(),
  queue_reason: z.enum(["submitted", "worker_stopped", "requested"]).default("submitted"),
});
const Ranking = z.array(z.int());
const STATE_FIELDS = Object.keys(Hash.shape);
