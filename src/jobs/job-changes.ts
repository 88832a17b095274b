/**
 * Which jobs have changed, in order: a stream that the log's scripts write to with each change, and that remembers the newest
 * ten thousand. What a job has become is in its state; whoever hears of a change late finds the newest.
 */
import type { Redis } from "ioredis";
import type { Keys } from "./keys.ts";

export interface JobChange {
  /** Where it stands in the stream, such as `1764240000000-0`. */
  readonly position: string;
  readonly jobId: string;
  /** The API key that owns the job; null for one that was made without. */
  readonly owner: string | null;
}

const REMEMBERED = 10_000;

export class JobChanges {
  private readonly redis: Redis;
  private readonly key: string;

  constructor(redis: Redis, keys: Keys) {
    this.redis = redis;
    this.key = keys.changes;
  }

  /** Of the newest change. */
  async position(): Promise<string> {
    const [last] = await this.redis.xrevrange(this.key, "+", "-", "COUNT", 1);
    return last?.[0] ?? "0-0";
  }

  /** What came behind a position; null if that is no longer known, or not known to this broker. */
  async since(position: string): Promise<JobChange[] | null> {
    const [first] = await this.redis.xrange(this.key, "-", "+", "COUNT", 1);
    if (!first || isBefore(position, first[0]) || isBefore(await this.position(), position)) return null;
    const entries = await this.redis.xrange(this.key, `(${position}`, "+", "COUNT", 2 * REMEMBERED);
    return entries.map(read);
  }

  /** Waits for what comes behind a position, on a connection that does nothing else. Empty if nothing came. */
  async next(blocking: Redis, position: string, blockMs: number): Promise<JobChange[]> {
    const found = await blocking.xread("COUNT", 1000, "BLOCK", blockMs, "STREAMS", this.key, position);
    return found?.[0]?.[1].map(read) ?? [];
  }
}

function read([position, fields]: [string, string[]]): JobChange {
  const [, jobId = "", , owner = ""] = fields;
  return { position, jobId, owner: owner === "" ? null : owner };
}

function isBefore(one: string, other: string): boolean {
  const [a = 0, i = 0] = one.split("-").map(Number);
  const [b = 0, j = 0] = other.split("-").map(Number);
  return a < b || (a === b && i < j);
}
