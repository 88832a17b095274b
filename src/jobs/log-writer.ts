/**
 * Writes logs of one kind, be it of jobs or of sweeps: each step changes stream, state and indexes at once, and is done again should the
 * broker have lost it.
 */
import type { Redis } from "ioredis";
import { z } from "zod";
import { type AppendOutcome, EventAppender } from "./event-appender.ts";
import { encodeFields } from "./hash-fields.ts";
import { JOB_STATUSES } from "./job.ts";
import { loadScripts, type RunScript } from "./job-scripts.ts";
import type { Keys, LogKeys } from "./keys.ts";
import { stringifyFigures } from "./nonfinite-json.ts";
import type { RecentWrites } from "./recent-writes.ts";

/** How long the first answer to an idempotency key is remembered. */
const IDEMPOTENCY_S = 24 * 3600;
/** So long it is known of a job that it was removed, and not lost: nobody restores it, also after a broker was away for long. */
const REMEMBERED_S = 3600;
/** Rank 0 runs first; BullMQ takes the same numbers. */
const MIDDLE_RANK = 1 << 20;

/** Below, what is said of jobs holds for sweeps as well. */
export type CreateOutcome =
  | {
      readonly outcome: "created";
      readonly id: string;
      /** When, as its state says. */
      readonly time: string;
      /** 1 for the one that runs next. */
      readonly position: number;
    }
  /** The key came with the same body before: this is the job it made. */
  | { readonly outcome: "same"; readonly id: string }
  /** The key came with another body before. */
  | { readonly outcome: "conflict"; readonly id: string }
  /** Its owner has as many unfinished jobs as they may. */
  | { readonly outcome: "full"; readonly id: string };

/** The API key that makes a job. */
export interface JobOwner {
  readonly id: string;
  /** How many unfinished jobs it may have; null: any number. */
  readonly jobs: number | null;
}

export interface Idempotency {
  readonly key: string;
  readonly bodyHash: string;
}

interface ToCreate {
  readonly id: string;
  readonly priority: number;
  /** Of the state. */
  readonly fields: object;
  /** Of the first event. */
  readonly queued: object;
  readonly time: string;
}

interface ToAppend {
  readonly type: string;
  readonly data: object;
  /** Fields of the state that change with it. */
  readonly state?: object;
  /** When it came about, in ms, if that was not just now. */
  readonly at?: number;
  /** How many epochs the log must hold for it to be true. */
  readonly epochsBefore?: number;
}

const Created = z.union([
  z.tuple([z.literal("created"), z.string(), z.number()]),
  z.tuple([z.enum(["same", "conflict", "full"]), z.string()]),
]);
const Removed = z.tuple([z.enum(["removed", "unknown", "unfinished"]), z.string()]);

export class LogWriter {
  readonly script: RunScript;
  private readonly redis: Redis;
  private readonly shared: Keys;
  private readonly keys: LogKeys;
  private readonly recent: RecentWrites;
  private readonly appender: EventAppender;

  constructor(redis: Redis, shared: Keys, keys: LogKeys, recent: RecentWrites) {
    this.redis = redis;
    this.shared = shared;
    this.keys = keys;
    this.script = loadScripts(redis);
    this.recent = recent;
    this.appender = new EventAppender(this.script, recent);
  }

  /** Creates a queued job with its first event, or finds the one that the idempotency key made before. */
  async create(
    { id, priority, fields, queued, time }: ToCreate,
    idempotency?: Idempotency,
    owner?: JobOwner,
  ): Promise<CreateOutcome> {
    const { keys, shared } = this;
    const names = [
      keys.state(id),
      keys.events(id),
      keys.all,
      keys.withStatus("queued"),
      keys.waiting,
      keys.counter,
      keys.idempotency(idempotency?.key ?? ""),
      keys.changes,
      shared.owners,
      shared.ownedBy(owner?.id ?? ""),
      keys.withStatus("running"),
      keys.withStatus("paused"),
      keys.removed(id),
    ];
    const what = [id, idempotency?.bodyHash ?? "", IDEMPOTENCY_S, rankOf(priority), this.eventBody(id, queued, time)];
    const create = createJob(this.script, names, what, encodeFields(fields));
    const made = Created.parse(await create(owner?.jobs ?? null));
    if (made[0] !== "created") return { outcome: made[0], id: made[1] };
    // What was accepted once is not held to the quota again.
    this.recent.remember(() => create(null));
    return { outcome: made[0], id: made[1], time, position: made[2] };
  }

  /** What an idempotency key made before: the id of its job and the hash of the body that it came with. */
  async madeWith(key: string): Promise<{ id: string; bodyHash: string } | null> {
    const [id, bodyHash] = await this.redis.hmget(this.keys.idempotency(key), "id", "hash");
    return id && bodyHash ? { id, bodyHash } : null;
  }

  /** Appends in one round trip. `attempt` is the fencing token of the worker that writes; without it, no worker does. */
  async append(id: string, events: readonly ToAppend[], attempt?: number): Promise<AppendOutcome> {
    const { keys, shared } = this;
    const now = new Date().toISOString();
    const args: (string | number)[] = [];
    for (const { type, data, state = {}, at, epochsBefore = 0 } of events) {
      const fields = encodeFields(state);
      const time = at === undefined ? now : new Date(at).toISOString();
      args.push(type, epochsBefore, this.eventBody(id, data, time), fields.length, ...fields);
    }
    const names = [
      keys.state(id),
      keys.events(id),
      keys.waiting,
      keys.counter,
      shared.webhooks,
      ...JOB_STATUSES.map((status) => keys.withStatus(status)),
      keys.changes,
      shared.owners,
      keys.removed(id),
    ];
    return this.appender.append({ id, types: events.map(({ type }) => type), keys: names, args }, attempt);
  }

  /** Asks the worker that has it now, or takes it next, to end or pause it. Whether there is one to ask. */
  async request(id: string, what: "cancel" | "pause"): Promise<boolean> {
    const names = [this.keys.state(id), this.keys.changes, this.shared.owners];
    return (await this.script("requestOfWorker", names, [`${what}_requested`, "1", id])) === "running";
  }

  /** Removes what is finished from the log; what lies in the object store is the caller's. */
  async remove(id: string): Promise<"removed" | "unknown" | "unfinished"> {
    const { keys, shared } = this;
    const finished = (["completed", "failed", "cancelled"] as const).map((status) => keys.withStatus(status));
    const names = [keys.state(id), keys.events(id), keys.all, ...finished];
    names.push(keys.deliveries(id), keys.changes, shared.owners, keys.removed(id));
    const remove = () => this.script("removeJob", names, [id, REMEMBERED_S]);
    const outcome = Removed.parse(await remove())[0];
    if (outcome === "removed") this.recent.remember(remove);
    return outcome;
  }

  /** All of the event's JSON but `{"seq":1,`, which only the log can know. */
  private eventBody(id: string, data: object, time: string): string {
    return stringifyFigures({ [this.keys.idName]: id, time, ...data }).slice(1);
  }
}

/** Not within `create`: what is remembered for seconds is to hold the text alone, not the spec and all that hangs on it. */
const createJob =
  (script: RunScript, names: string[], what: readonly (string | number)[], fields: readonly string[]) =>
  (most: number | null): Promise<unknown> =>
    script("createJob", names, [...what, most ?? "", ...fields]);

/** BullMQ runs small numbers first, from 1 on; people expect the higher priority first. */
export function rankOf(priority: number): number {
  return MIDDLE_RANK - priority;
}
