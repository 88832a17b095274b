/** The two parts of the service, each as it runs alone: the API, and a worker. */
import { access, constants, mkdir } from "node:fs/promises";
import type { Logger } from "pino";
import type { Broker } from "../broker/broker.ts";
import { findBroker } from "../broker/broker-record.ts";
import { startBroker } from "../broker/start-broker.ts";
import { type Config, ConfigError, refuseOpenHost } from "../config.ts";
import { openJobs } from "../jobs/open-jobs.ts";
import { startTracing } from "../tracing/tracing.ts";
import { giveWay, NICENESS } from "../workers/niceness.ts";
import { createLogger } from "./logger.ts";
import { manageKeys } from "./manage-keys.ts";

export type Part = "api" | "worker";

export interface Running {
  /** Settles when it can't go on, with the reason. */
  readonly lost: Promise<string>;
  close(): Promise<void>;
}

/** Something outside of the program prevents the start; the message says what to do. */
export class ObstacleError extends Error {
  override readonly name = "ObstacleError";
}

export async function runPart(part: Part, config: Config): Promise<Running> {
  if (part === "worker") giveWay(NICENESS.worker);
  await prepareDataDirectory(config);
  const logger = createLogger(config, part);
  if (part === "api") refuseOpenHost(config);
  const broker = await existingBroker(part, config);
  if (part === "api") {
    const api = await openApi(config, broker, logger);
    console.log(`epochd API on ${api.url} (broker: ${broker.kind}, it ${broker.promise})`);
    return { lost: broker.lost, close: api.close };
  }
  // Each part loads its own half of the program alone, and starts the sooner for it.
  const { startWorker } = await import("../workers/start-worker.ts");
  const tracing = await startTracing(config.tracing, "worker");
  const worker = await startWorker(config, { url: broker.url, logger, tracing });
  process.send?.("ready");
  logger.info({ worker: worker.name, concurrency: config.concurrency }, "waiting for jobs");
  return {
    lost: broker.lost,
    close: async () => {
      await worker.close();
      await tracing.close();
    },
  };
}

/** Throws ObstacleError: better now than at the first upload. */
export async function prepareDataDirectory({ dataDir }: Config): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true });
    await access(dataDir, constants.W_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ObstacleError(`the data directory ${dataDir} can't be written (${reason}): set DATA_DIR to another one`);
  }
}

/** `npm start -- keys …`, on the broker that the service uses. Gives the lines to print. */
export async function runKeys(config: Config, args: readonly string[]): Promise<string[]> {
  const broker = await existingBroker("keys", config);
  const jobs = await openJobs(config, broker.url);
  try {
    return await manageKeys(jobs.keys, args);
  } finally {
    await jobs.close();
    await broker.close();
  }
}

/** A part alone starts no broker: it uses that of REDIS_URL, or of the service that runs on the same data directory. */
async function existingBroker(part: Part | "keys", config: Config): Promise<Broker> {
  if (config.redisUrl !== undefined) return startBroker(config);
  const found = await findBroker(config.dataDir);
  if (found) return { ...found, notices: [], lost: new Promise(() => {}), close: async () => {} };
  throw new ConfigError(
    `${part === "keys" ? part : `--${part}`} alone needs a broker: set REDIS_URL, or start the service (npm start) on ${config.dataDir} first`,
  );
}

/** Throws ObstacleError when the port can't be had. */
export async function openApi(
  config: Config,
  broker: Pick<Broker, "url" | "kind" | "promise">,
  logger: Logger,
): Promise<{ url: string; close(): Promise<void> }> {
  const [{ startApi }, jobs, tracing] = await Promise.all([
    import("../api/server.ts"),
    openJobs(config, broker.url),
    startTracing(config.tracing, "api"),
  ]);
  try {
    const api = await startApi(config, { ...jobs, broker, logger, tracing });
    return {
      url: api.url,
      close: async () => {
        await api.close();
        await Promise.all([jobs.close(), tracing.close()]);
      },
    };
  } catch (error) {
    await jobs.close();
    throw listenObstacle(error, config) ?? error;
  }
}

function listenObstacle(error: unknown, { host, port }: Config): ObstacleError | null {
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code === "EADDRINUSE")
    return new ObstacleError(`port ${port} on ${host} is in use: set PORT to another one (PORT=0 takes any free one)`);
  if (code === "EACCES")
    return new ObstacleError(`port ${port} is not allowed to this user: set PORT to one above 1023`);
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
    return new ObstacleError(`HOST ${host} is no address of this machine: use 127.0.0.1, or one that it has`);
  return null;
}
