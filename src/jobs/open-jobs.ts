/** Everything about jobs on one broker, opened together: what the API and the tests work with. */
import type { Redis } from "ioredis";
import type { Config } from "../config.ts";
import { ApiKeys } from "./api-keys.ts";
import { DatasetStore } from "./dataset-store.ts";
import { uploadReader } from "./ingest/read-upload.ts";
import { ReadingProcesses } from "./ingest/reading-processes.ts";
import { InitialWeights } from "./initial-weights.ts";
import { JobChanges } from "./job-changes.ts";
import { JobLog } from "./job-log.ts";
import { JobQueue } from "./job-queue.ts";
import { Jobs } from "./jobs.ts";
import { createKeys } from "./keys.ts";
import { ModelStore } from "./model-store.ts";
import type { ObjectStore } from "./object-store.ts";
import { openObjectStore, storePlace } from "./open-object-store.ts";
import { Owners } from "./owners.ts";
import { RecentWrites } from "./recent-writes.ts";
import { connectImpatient } from "./redis.ts";
import { SweepLog } from "./sweeps/sweep-log.ts";
import { SweepQueue } from "./sweeps/sweep-queue.ts";
import { Sweeps } from "./sweeps/sweeps.ts";
import { Webhooks } from "./webhooks.ts";
import { WorkerRegistry } from "./worker-registry.ts";

export interface JobParts {
  readonly jobs: Jobs;
  readonly log: JobLog;
  readonly changes: JobChanges;
  readonly queue: JobQueue;
  readonly store: ObjectStore;
  readonly datasets: DatasetStore;
  readonly initialWeights: InitialWeights;
  readonly models: ModelStore;
  readonly webhooks: Webhooks;
  readonly workers: WorkerRegistry;
  readonly keys: ApiKeys;
  readonly owners: Owners;
  readonly sweeps: Sweeps;
  readonly sweepLog: SweepLog;
  /** Fails fast when the broker is away. */
  readonly redis: Redis;
  close(): Promise<void>;
}

export async function openJobs(config: Pick<Config, "namespace" | "dataDir" | "s3">, url: string): Promise<JobParts> {
  const place = storePlace(config);
  const [store, redis] = await Promise.all([openObjectStore(place), connectImpatient(url)]);
  const keys = createKeys(config.namespace);
  const recent = new RecentWrites(redis);
  const owners = new Owners(redis, keys, recent);
  const log = new JobLog(redis, keys, recent);
  const queue = new JobQueue(redis, keys);
  const jobs = new Jobs({ redis, log, queue, store, owners });
  const sweepLog = new SweepLog(redis, keys, recent);
  const sweepQueue = new SweepQueue(redis, keys);
  const readers = new ReadingProcesses(place, uploadReader(store));
  return {
    jobs,
    sweeps: new Sweeps({ redis, keys, log: sweepLog, queue: sweepQueue, jobs, store, owners }),
    sweepLog,
    log,
    changes: new JobChanges(redis, keys),
    queue,
    store,
    datasets: new DatasetStore(store, readers.read),
    initialWeights: new InitialWeights(log, store),
    models: new ModelStore(store),
    webhooks: new Webhooks(redis, keys),
    workers: new WorkerRegistry(redis, keys),
    keys: new ApiKeys(redis, keys),
    owners,
    redis,
    close: async () => {
      readers.close();
      await Promise.all([queue.close(), sweepQueue.close()]);
      redis.disconnect();
    },
  };
}
