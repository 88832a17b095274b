/** The queue that hands jobs to workers. BullMQ carries ids; everything else about a job is in its log. */
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { rankOf } from "./job-log.ts";
import type { Keys } from "./keys.ts";

export const QUEUE_NAME = "train";

export class JobQueue {
  private readonly queue: Queue;
  private readonly redis: Redis;

  constructor(redis: Redis, keys: Keys) {
    this.redis = redis;
    this.queue = new Queue(QUEUE_NAME, {
      connection: redis,
      prefix: keys.tag,
      // A finished job leaves the queue at once: so the same id can wait again, and the log alone remembers.
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
    });
    // Each command rejects on its own; without a listener the same error would end the process.
    this.queue.on("error", () => {});
  }

  /** Adding a job that is in the queue already changes nothing. */
  async add(id: string, priority: number): Promise<void> {
    await this.queue.add(QUEUE_NAME, {}, { jobId: id, priority: rankOf(priority) });
  }

  /** Takes a waiting job out; one that a worker holds stays. */
  async remove(id: string): Promise<void> {
    await this.queue.remove(id).catch((error: unknown) => {
      if (!(error instanceof Error && /locked/.test(error.message))) throw error;
    });
  }

  /** Those of the ids that the queue does not know, in one round trip. */
  async missing(ids: readonly string[]): Promise<string[]> {
    const found = await Promise.all(ids.map((id) => this.redis.exists(this.queue.toKey(id))));
    return ids.filter((_, i) => found[i] === 0);
  }

  async close(): Promise<void> {
    await this.queue.close();
  }
}
