/** The queue that hands jobs to workers. BullMQ carries ids; everything else about a job is in its log. */
import { FlowProducer, Queue } from "bullmq";
import type { Redis } from "ioredis";
import type { Keys } from "./keys.ts";
import { rankOf } from "./log-writer.ts";

/** Jobs that ask for a GPU have a queue of their own, in which only workers look that have one. */
export const QUEUE_NAMES = { any: "train", gpu: "train-gpu" } as const;
export type QueueKind = keyof typeof QUEUE_NAMES;

/** In which queue a job waits, by its spec. */
export const queueOf = (spec: object): QueueKind => ("device" in spec && spec.device === "gpu" ? "gpu" : "any");

/** What of a job says where it waits. */
export interface QueuedJob {
  readonly id: string;
  readonly priority: number;
  readonly spec: object;
  /** The jobs that are to train together with it. */
  readonly batch?: readonly string[];
}

/** What the queue itself says of a job. */
export interface QueueData {
  /** Whether it is one of a batch: of others nobody need ask. */
  readonly batch?: true;
}

export class JobQueue {
  private readonly queues: Readonly<Record<QueueKind, Queue<QueueData>>>;
  /** Of the library's ways to add many it is the one that is atomic. */
  private readonly together: FlowProducer;
  private readonly redis: Redis;

  constructor(redis: Redis, keys: Keys) {
    this.redis = redis;
    const options = { connection: redis, prefix: keys.tag };
    const open = (kind: QueueKind): Queue<QueueData> => {
      const queue = new Queue<QueueData>(QUEUE_NAMES[kind], options);
      // Each command rejects on its own; without a listener the same error would end the process.
      queue.on("error", () => {});
      return queue;
    };
    this.queues = { any: open("any"), gpu: open("gpu") };
    this.together = new FlowProducer(options);
    this.together.on("error", () => {});
  }

  /** Adding a job that is in the queue already changes nothing. */
  async add(job: QueuedJob): Promise<void> {
    const { name, data, opts } = entryOf(job);
    await this.queues[queueOf(job.spec)].add(name, data, opts);
  }

  /** All in one step, one behind the other: who takes the first finds the others there. */
  async addAll(jobs: readonly QueuedJob[]): Promise<void> {
    if (jobs.length === 0) return;
    // What a connection that breaks makes of it shows below. Of what the broker refuses, as when it has forgotten a script, nothing is said.
    await this.together.addBulk(jobs.map(entryOf)).catch(() => {});
    const missing = new Set(await this.missing(jobs.map(({ id }) => id)));
    for (const job of jobs) if (missing.has(job.id)) await this.add(job);
  }

  /** The ids of those that come next. */
  async next(kind: QueueKind, most: number): Promise<string[]> {
    const { queues, redis } = this;
    // Those that a dead worker had come before all others, the last of this list first.
    const [lost, waiting] = await Promise.all([
      redis.lrange(queues[kind].toKey("wait"), -most, -1),
      redis.zrange(queues[kind].toKey("prioritized"), "0", String(most - 1)),
    ]);
    return [...lost.reverse(), ...waiting].slice(0, most);
  }

  /** Takes a waiting job out; one that a worker holds stays. */
  async remove(id: string): Promise<void> {
    for (const queue of Object.values(this.queues)) {
      await queue.remove(id).catch((error: unknown) => {
        if (!(error instanceof Error && /locked/.test(error.message))) throw error;
      });
    }
  }

  /** Those of the ids that no queue knows, in one round trip. */
  async missing(ids: readonly string[]): Promise<string[]> {
    const found = await Promise.all(
      ids.map((id) => this.redis.exists(this.queues.any.toKey(id), this.queues.gpu.toKey(id))),
    );
    return ids.filter((_, i) => found[i] === 0);
  }

  async close(): Promise<void> {
    await Promise.all([...Object.values(this.queues), this.together].map((each) => each.close()));
  }
}

function entryOf({ id, priority, spec, batch = [] }: QueuedJob) {
  const name = QUEUE_NAMES[queueOf(spec)];
  const data: QueueData = batch.length > 0 ? { batch: true } : {};
  // A finished job leaves the queue at once: so the same id can wait again, and the log alone remembers.
  const leaves = { removeOnComplete: true, removeOnFail: true };
  return { name, queueName: name, data, opts: { jobId: id, priority: rankOf(priority), ...leaves } };
}
