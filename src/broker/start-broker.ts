/** Chooses the broker and starts it: REDIS_URL, else a server on the PATH, else the embedded one. */
import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import type { Config } from "../config.ts";
import { type Broker, BrokerError, type Endpoint, type OwnBroker } from "./broker.ts";
import { endLeftOver, forgetBroker, recordBroker } from "./broker-record.ts";
import { lockDirectory } from "./directory-lock.ts";
import { SNAPSHOT, startEmbedded } from "./embedded-broker.ts";
import { newEndpoint } from "./free-port.ts";
import { keepAlive } from "./keep-alive.ts";
import { findServer, startServer } from "./server-broker.ts";

type BrokerConfig = Pick<Config, "redisUrl" | "broker" | "dataDir" | "snapshotMs">;
type Start = (endpoint: Endpoint) => Promise<OwnBroker>;

/**
 * `tell` hears of a broker that died and was started again. Throws BrokerError or DirectoryLockedError, both with a
 * message for people.
 */
export async function startBroker(config: BrokerConfig, tell: (news: string) => void = () => {}): Promise<Broker> {
  if (config.redisUrl !== undefined) return useExternal(config.redisUrl);
  const directory = join(config.dataDir, "broker");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const lock = await lockDirectory(config.dataDir);
  try {
    await endLeftOver(config.dataDir);
    const { start, notices } = await chooseOwn(config, directory);
    const recorded: Start = async (endpoint) => {
      const broker = await start(endpoint);
      await recordBroker(config.dataDir, broker);
      return broker;
    };
    const broker = await keepAlive(await startOnFreePort(recorded), recorded, tell);
    return {
      ...broker,
      notices: [...notices, ...broker.notices],
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

async function chooseOwn(config: BrokerConfig, directory: string): Promise<{ start: Start; notices: string[] }> {
  const program = config.broker === "embedded" ? null : await findServer();
  if (program) {
    return {
      start: (endpoint) => startServer(program, directory, endpoint),
      notices: await noticeOfTheOther(join(directory, SNAPSHOT), join(directory, "appendonlydir"), "BROKER=embedded"),
    };
  }
  if (config.broker === "server") {
    throw new BrokerError(
      "BROKER is server, but neither redis-server nor valkey-server is on the PATH: install one, or use BROKER=auto",
    );
  }
  return {
    start: (endpoint) => startEmbedded(directory, endpoint, config.snapshotMs),
    notices: await noticeOfTheOther(join(directory, "appendonlydir"), join(directory, SNAPSHOT), "BROKER=server"),
  };
}

/** Jobs don't move from one kind of broker to the other; whoever changes it should not think that they are lost. */
async function noticeOfTheOther(other: string, own: string, setting: string): Promise<string[]> {
  if (!(await exists(other)) || (await exists(own))) return [];
  return [`This data directory holds jobs of the other kind of broker (${other}): to see them, start with ${setting}.`];
}

/** Between the choice of a port and its use somebody else may take it: then another one. */
async function startOnFreePort(start: Start): Promise<{ broker: OwnBroker; endpoint: Endpoint }> {
  for (let tries = 1; ; tries++) {
    const endpoint = await newEndpoint();
    try {
      return { broker: await start(endpoint), endpoint };
    } catch (error) {
      const taken = error instanceof BrokerError && /in use|EADDRINUSE|bind/i.test(error.message);
      if (!taken || tries === 3) throw error;
    }
  }
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
  if (parsed.password !== "") parsed.password = "***";
  return parsed.href;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
