/** Which workers there are: each says every few seconds that it lives, and is forgotten when it no longer does. */
import type { Redis } from "ioredis";
import { z } from "zod";
import { WorkerGpu } from "./device-info.ts";
import type { Keys } from "./keys.ts";
import { brokerTime } from "./redis.ts";

export const WorkerInfo = z
  .object({
    id: z.string().describe("as jobs name it in `worker`"),
    host: z.string(),
    pid: z.int(),
    version: z.string(),
    cpu: z.object({ mode: z.string().describe("which WebAssembly kernels, such as `relaxed-simd`") }),
    gpu: WorkerGpu,
    concurrency: z.int().describe("how many jobs it trains at once, without those that ask for a GPU"),
    threads: z.int().describe("how many threads each job may use"),
    jobs: z.array(z.string()).describe("those that it trains now"),
    rss_bytes: z.int().optional().describe("its memory, that of its threads in it"),
    since: z.iso.datetime(),
    seen_at: z.iso.datetime().describe("its last sign of life"),
  })
  .meta({ id: "Worker" });
export type WorkerInfo = z.infer<typeof WorkerInfo>;

/** A worker that has said nothing for so long is gone. */
export const WORKER_TTL_MS = 8000;

export class WorkerRegistry {
  private readonly redis: Redis;
  private readonly keys: Keys;

  constructor(redis: Redis, keys: Keys) {
    this.redis = redis;
    this.keys = keys;
  }

  async beat(worker: Omit<WorkerInfo, "seen_at">): Promise<void> {
    const now = await brokerTime(this.redis);
    await this.redis
      .multi()
      .hset(this.keys.workers, worker.id, JSON.stringify({ ...worker, seen_at: new Date(now).toISOString() }))
      .zadd(this.keys.workersSeen, now, worker.id)
      .exec();
  }

  async leave(id: string): Promise<void> {
    await this.redis.multi().hdel(this.keys.workers, id).zrem(this.keys.workersSeen, id).exec();
  }

  /** How many workers have gone silent without taking leave, ever. */
  async lost(): Promise<number> {
    return Number(await this.redis.get(this.keys.workersLost));
  }

  /** Several processes may find it gone at once: the one that removes it counts it. */
  private async lose(id: string): Promise<void> {
    await this.redis.hdel(this.keys.workers, id);
    if ((await this.redis.zrem(this.keys.workersSeen, id)) === 1) await this.redis.incr(this.keys.workersLost);
  }

  /** Those that live, by id; forgets the others. */
  async list(): Promise<WorkerInfo[]> {
    const { workers, workersSeen } = this.keys;
    const limit = (await brokerTime(this.redis)) - WORKER_TTL_MS;
    const [gone, alive] = await Promise.all([
      this.redis.zrangebyscore(workersSeen, "-inf", `(${limit}`),
      this.redis.zrangebyscore(workersSeen, limit, "+inf"),
    ]);
    await Promise.all(gone.map((id) => this.lose(id)));
    if (alive.length === 0) return [];
    const found = await this.redis.hmget(workers, ...alive);
    return found
      .flatMap((text) => (text === null ? [] : [WorkerInfo.parse(JSON.parse(text))]))
      .sort((a, b) => a.id.localeCompare(b.id));
  }
}
