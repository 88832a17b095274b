/** Connects what streams to the job log in Redis. */
import type { JobLog } from "../../jobs/job-log.ts";
import { readEntry } from "../../jobs/job-log.ts";
import type { JobParts } from "../../jobs/open-jobs.ts";
import { connectPatient } from "../../jobs/redis.ts";
import { EventHub, type HubOptions } from "./hub.ts";
import { JobFeed, type JobFeedOptions } from "./job-feed.ts";

export async function startEventHub(
  parts: Pick<JobParts, "redis" | "log">,
  brokerUrl: string,
  options?: HubOptions,
): Promise<EventHub> {
  const { redis, log } = parts;
  return new EventHub(
    {
      commands: redis,
      blocking: await connectPatient(brokerUrl),
      streamOf: (jobId) => log.keys.events(jobId),
      wakeKey: (process) => `${log.keys.tag}:wake:${process}`,
      decode: (id, fields) => readEntry([id, [...fields]]),
      read: (jobId, after, limit) => readPage(redis, log, jobId, after, limit),
    },
    options,
  );
}

export async function startJobFeed(
  { log, owners, changes }: Pick<JobParts, "log" | "owners" | "changes">,
  brokerUrl: string,
  options?: JobFeedOptions,
): Promise<JobFeed> {
  return new JobFeed({ log, owners, changes, blocking: await connectPatient(brokerUrl) }, options);
}

async function readPage(redis: JobParts["redis"], log: JobLog, jobId: string, after: number, limit: number) {
  const [entries, exists] = await Promise.all([log.events(jobId, after, limit), redis.exists(log.keys.events(jobId))]);
  return { entries, exists: exists === 1 };
}
