/** Chooses the broker and starts it: REDIS_URL, else a server on the PATH, else the embedded one. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import type { Config } from "../config.ts";
import { type Broker, BrokerError } from "./broker.ts";
import { endLeftOver, forgetBroker, recordBroker } from "./broker-record.ts";
import { lockDirectory } from "./directory-lock.ts";
import { startEmbedded } from "./embedded-broker.ts";
import { findServer, startServer } from "./server-broker.ts";

type BrokerConfig = Pick<Config, "redisUrl" | "broker" | "dataDir" | "snapshotMs">;

/** Throws BrokerError or DirectoryLockedError, both with a message for people. */
export async function startBroker(config: BrokerConfig): Promise<Broker> {
  if (config.redisUrl !== undefined) return useExternal(config.redisUrl);
  const directory = join(config.dataDir, "broker");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const lock = await lockDirectory(config.dataDir);
  try {
    await endLeftOver(config.dataDir);
    const broker = await startOwn(config, directory);
    await recordBroker(config.dataDir, broker);
    return {
      ...broker,
      close: async () => {
        await broker.close();
        await forgetBroker(config.dataDir);
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function startOwn(config: BrokerConfig, directory: string): Promise<Broker & { readonly pid: number }> {
  const program = config.broker === "embedded" ? null : await findServer();
  if (program) return startServer(program, directory);
  if (config.broker === "server") {
    throw new BrokerError(
      "BROKER is server, but neither redis-server nor valkey-server is on the PATH: install one, or use BROKER=auto",
    );
  }
  return startEmbedded(directory, config.snapshotMs);
}

async function useExternal(url: string): Promise<Broker> {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  let reason = "no answer";
  redis.on("error", (error) => {
    reason = error.message;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    const last = error instanceof Error && error.message !== "Connection is closed." ? error.message : reason;
    throw new BrokerError(`The broker at REDIS_URL (${withoutPassword(url)}) can't be used: ${last}`);
  } finally {
    redis.disconnect();
  }
  return {
    url,
    kind: "external",
    promise: "keeps what its operator configured it to keep",
    notices: [],
    // The clients reconnect on their own; this service has no say in that server's life.
    lost: new Promise(() => {}),
    close: async () => {},
  };
}

export function withoutPassword(url: string): string {
  const parsed = new URL(url);
  if (parsed.password !== "") parsed.password = "…";
  return decodeURI(parsed.href);
}
