/** A file in the data directory tells which broker the service there runs: parts started apart find it by that. */
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { z } from "zod";
import { type Broker, BrokerError, type OwnBroker } from "./broker.ts";
import { isRunning } from "./is-running.ts";

const BrokerRecord = z.object({
  url: z.string(),
  kind: z.enum(["external", "server", "embedded"]),
  promise: z.string(),
  pid: z.int(),
});

const pathOf = (dataDir: string) => join(dataDir, "broker", "broker.json");

/** The file holds the password, so only its owner may read it. */
export async function recordBroker(dataDir: string, broker: OwnBroker): Promise<void> {
  const { url, kind, promise, pid } = broker;
  const beside = `${pathOf(dataDir)}.tmp`;
  await writeFile(beside, JSON.stringify({ url, kind, promise, pid }), { mode: 0o600 });
  await rename(beside, pathOf(dataDir));
}

export async function forgetBroker(dataDir: string): Promise<void> {
  await rm(pathOf(dataDir), { force: true });
}

/** The broker that a running service started on this data directory; null if there is none. */
export async function findBroker(dataDir: string): Promise<Pick<Broker, "url" | "kind" | "promise"> | null> {
  const record = await readRecord(dataDir);
  return record && isRunning(record.pid) ? record : null;
}

/** Ends a broker whose service died without a word, so that it can't write to the same files as the next one. */
export async function endLeftOver(dataDir: string): Promise<void> {
  const record = await readRecord(dataDir);
  if (record && isRunning(record.pid)) {
    // Its password proves that it is ours, whoever uses that process number by now.
    const ours = await answers(record.url);
    if (ours) process.kill(record.pid, "SIGTERM");
    for (let waited = 0; ours && isRunning(record.pid); waited += 50) {
      if (waited > 30_000) {
        throw new BrokerError(
          `A broker left over from an earlier run (process ${record.pid}) does not end: end it by hand.`,
        );
      }
      await sleep(50);
    }
  }
  await forgetBroker(dataDir);
}

async function readRecord(dataDir: string): Promise<z.infer<typeof BrokerRecord> | null> {
  const text = await readFile(pathOf(dataDir), "utf8").catch(() => null);
  if (text === null) return null;
  try {
    return BrokerRecord.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

async function answers(url: string): Promise<boolean> {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  redis.on("error", () => {});
  try {
    await redis.connect();
    return (await redis.ping()) === "PONG";
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}
