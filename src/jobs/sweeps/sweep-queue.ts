/** The queue that hands sweeps to the workers that steer them. Their trials wait in the queues of jobs. */
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import type { Keys } from "../keys.ts";

export const SWEEP_QUEUE = "sweeps";

export class SweepQueue {
  private readonly queue: Queue;
  private readonly redis: Redis;

  constructor(redis: Redis, keys: Keys) {
    this.redis = redis;
    this.queue = new Queue(SWEEP_QUEUE, {
      connection: redis,
      prefix: keys.tag,
      // As with jobs: the log alone remembers.
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
    });
    this.queue.on("error", () => {});
  }

  /** Adding a sweep that is in the queue already changes nothing. */
  async add(id: string): Promise<void> {
    await this.queue.add(SWEEP_QUEUE, {}, { jobId: id });
  }

  async has(id: string): Promise<boolean> {
    return (await this.redis.exists(this.queue.toKey(id))) === 1;
  }

  async close(): Promise<void> {
    await this.queue.close();
  }
}
