/** Connects what streams to the job log in Redis. */
import { isId } from "../../jobs/ids.ts";
import type { JobParts } from "../../jobs/open-jobs.ts";
import { connectPatient } from "../../jobs/redis.ts";
import { EventHub, type HubOptions } from "./hub.ts";
import { JobFeed, type JobFeedOptions } from "./job-feed.ts";

export async function startEventHub(
  parts: Pick<JobParts, "redis" | "log" | "sweepLog">,
  brokerUrl: string,
  options?: HubOptions,
): Promise<EventHub> {
  const { redis, log, sweepLog } = parts;
  const streamOf = (id: string) => (isId("swp", id) ? sweepLog.streamOf(id) : log.keys.events(id));
  return new EventHub(
    {
      commands: redis,
      blocking: await connectPatient(brokerUrl),
      streamOf,
      wakeKey: (process) => `${log.keys.tag}:wake:${process}`,
      decode: (entryId, [, type = "", , json = ""]) => ({ seq: Number.parseInt(entryId, 10), type, json }),
      read: async (id, after, limit) => {
        const [entries, exists] = await Promise.all([
          (isId("swp", id) ? sweepLog : log).events(id, after, limit),
          redis.exists(streamOf(id)),
        ]);
        return { entries, exists: exists === 1 };
      },
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
