/** Connections to the broker: one kind that gives up at once (for requests) and one that waits (for workers). */
import { Redis } from "ioredis";

/** A broker that is there and says nothing for so long is as good as away. */
const PATIENCE_MS = 4000;

/** For a process that answers people: without a broker a command fails within milliseconds, and the answer is 503. */
export async function connectImpatient(url: string): Promise<Redis> {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: PATIENCE_MS,
    ...again,
  });
  redis.on("error", ignoreWhileReconnecting);
  await redis.connect();
  return redis;
}

/** For a worker: commands wait until the broker is back. BullMQ asks for this of its blocking connection. */
export async function connectPatient(url: string): Promise<Redis> {
  const redis = new GatheringRedis(url, { lazyConnect: true, maxRetriesPerRequest: null, ...again });
  redis.on("error", ignoreWhileReconnecting);
  await redis.connect();
  return redis;
}

/** Whether an error says that the broker can't be reached or can't write, rather than that a command was wrong. */
export function isBrokerAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === "MaxRetriesPerRequestError") return true;
  if ("code" in error && typeof error.code === "string" && /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_)/.test(error.code))
    return true;
  return (
    /^(Stream isn't writeable|Connection is closed|LOADING|Command timed out)/.test(error.message) ||
    isUnable(error) ||
    whyAborted(error).some(isBrokerAway)
  );
}

/** It answers, but takes nothing that is to be kept: its disk or memory is full, or another one leads now. */
export function isUnable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    /^-?(MISCONF|OOM|READONLY|MASTERDOWN|NOREPLICAS|CLUSTERDOWN)\b/.test(error.message) ||
    whyAborted(error).some(isUnable)
  );
}

/** Of a MULTI that was not done since one of its commands was refused: what was said of those. */
const whyAborted = (error: Error): readonly unknown[] =>
  "previousErrors" in error && Array.isArray(error.previousErrors) ? error.previousErrors : [];

/** Whether a command was never sent, so that it has surely changed nothing. */
export const isUnsent = (error: unknown): boolean =>
  error instanceof Error && /^Stream isn't writeable/.test(error.message);

/**
 * The broker's time in ms. What several machines compare with each other is told by this one clock: theirs may be wrong,
 * or be set while they run.
 */
export async function brokerTime(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
}

/** What is sent in one turn of the event loop goes out in one write: the system call costs more than most commands. */
class GatheringRedis extends Redis {
  #corked: { uncork(): void } | null = null;

  override sendCommand(...args: Parameters<Redis["sendCommand"]>): unknown {
    const { stream } = this;
    if (this.#corked === null && stream) {
      stream.cork();
      this.#corked = stream;
      setImmediate(() => {
        this.#corked = null;
        stream.uncork();
      });
    }
    return super.sendCommand(...args);
  }
}

const again = {
  retryStrategy: (attempt: number) => Math.min(50 * attempt, 1000),
  // One that loads says how long it will need, at first often far too much: who believed it would restore what was lost too late.
  maxLoadingRetryTime: 200,
};

// ioredis reconnects by itself and tells each failed attempt; the commands that suffer from it reject on their own.
function ignoreWhileReconnecting(): void {}
