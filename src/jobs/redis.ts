/** Connections to the broker: one kind that gives up at once (for requests) and one that waits (for workers). */
import { Redis } from "ioredis";

/** For a process that answers people: without a broker a command fails within milliseconds, and the answer is 503. */
export async function connectImpatient(url: string): Promise<Redis> {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    retryStrategy,
  });
  redis.on("error", ignoreWhileReconnecting);
  await redis.connect();
  return redis;
}

/** For a worker: commands wait until the broker is back. BullMQ asks for this of its blocking connection. */
export async function connectPatient(url: string): Promise<Redis> {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: null, retryStrategy });
  redis.on("error", ignoreWhileReconnecting);
  await redis.connect();
  return redis;
}

/** Whether an error says that the broker can't be reached, rather than that a command was wrong. */
export function isBrokerAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === "MaxRetriesPerRequestError") return true;
  if ("code" in error && typeof error.code === "string" && /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_)/.test(error.code))
    return true;
  return /^(Stream isn't writeable|Connection is closed|LOADING|Command timed out)/.test(error.message);
}

const retryStrategy = (attempt: number) => Math.min(50 * attempt, 1000);

// ioredis reconnects by itself and tells each failed attempt; the commands that suffer from it reject on their own.
function ignoreWhileReconnecting(): void {}
