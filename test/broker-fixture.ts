/**
 * A real broker for tests, in a directory of its own: redis-server if it is there, else the embedded one.
 * EPOCHD_TEST_BROKER=server|embedded decides.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBroker } from "../src/broker/start-broker.ts";
import { type Config, readConfig } from "../src/config.ts";
import { type JobParts, openJobs } from "../src/jobs/open-jobs.ts";

export interface BrokerFixture {
  readonly url: string;
  readonly kind: "external" | "server" | "embedded";
  /** Removed by close(). */
  readonly directory: string;
  /** A configuration on this broker with a key space and a data directory that nobody else has. */
  config(environment?: Record<string, string>): Config;
  /** Log, queue and stores on a fresh configuration, or on the one given. Closed by close(). */
  parts(config?: Config): Promise<JobParts>;
  close(): Promise<void>;
}

/** `beforeAll(async () => { broker = await startTestBroker(); })` and `afterAll(() => broker.close())`. */
export async function startTestBroker(): Promise<BrokerFixture> {
  const directory = await mkdtemp(join(tmpdir(), "epochd-test-"));
  const kind = process.env["EPOCHD_TEST_BROKER"] ?? "auto";
  const broker = await startBroker(readConfig({ DATA_DIR: directory, BROKER: kind }));
  const opened: JobParts[] = [];
  const fixture: BrokerFixture = {
    url: broker.url,
    kind: broker.kind,
    directory,
    config: (environment = {}) => {
      const name = randomBytes(6).toString("hex");
      return readConfig({
        DATA_DIR: join(directory, name),
        REDIS_URL: broker.url,
        KEY_NAMESPACE: `test-${name}`,
        LOG_LEVEL: "silent",
        PORT: "0",
        CONCURRENCY: "1",
        // To look for one takes a second of a core, at every worker's start.
        GPU_CONCURRENCY: "0",
        // On a busy machine a trainer that listens may be late to hear.
        STOP_GRACE_MS: "10000",
        ...environment,
      });
    },
    parts: async (config = fixture.config()) => {
      const parts = await openJobs(config, broker.url);
      opened.push(parts);
      return parts;
    },
    close: async () => {
      await Promise.all(opened.map((parts) => parts.close()));
      await broker.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return fixture;
}
