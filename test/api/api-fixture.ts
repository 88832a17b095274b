/** The HTTP API on a real broker, for tests: by `inject`, or listening on a free port. */
import type { FastifyInstance } from "fastify";
import { pino } from "pino";
import { buildApp } from "../../src/api/app.ts";
import { Inference } from "../../src/api/inference/inference.ts";
import { type ApiLimits, DEFAULT_LIMITS } from "../../src/api/parts.ts";
import type { EventHub, HubOptions } from "../../src/api/sse/hub.ts";
import type { JobFeedOptions } from "../../src/api/sse/job-feed.ts";
import { startEventHub, startJobFeed } from "../../src/api/sse/log-source.ts";
import type { Config } from "../../src/config.ts";
import type { JobParts } from "../../src/jobs/open-jobs.ts";
import { type Quota, UNLIMITED } from "../../src/jobs/quota.ts";
import { NO_TRACING } from "../../src/tracing/tracing.ts";
import { type BrokerFixture, startTestBroker } from "../broker-fixture.ts";

export interface ApiFixture {
  readonly app: FastifyInstance;
  readonly parts: JobParts;
  readonly config: Config;
  readonly broker: BrokerFixture;
  readonly hub: EventHub;
  /** Listens, and gives the address. */
  listen(): Promise<string>;
  close(): Promise<void>;
}

export async function startTestApi(
  options: {
    limits?: Partial<ApiLimits>;
    hub?: HubOptions;
    feed?: JobFeedOptions;
    keysRequired?: boolean;
    quota?: Partial<Quota>;
  } = {},
): Promise<ApiFixture> {
  const broker = await startTestBroker();
  const config = broker.config();
  const parts = await broker.parts(config);
  const hub = await startEventHub(parts, broker.url, options.hub);
  const feed = await startJobFeed(parts, broker.url, options.feed);
  const inference = new Inference();
  const app = await buildApp({
    ...parts,
    broker: { url: broker.url, kind: broker.kind, promise: "what the test broker promises" },
    tracing: NO_TRACING,
    logger: pino({ level: process.env["TEST_LOG"] ?? "silent" }),
    hub,
    feed,
    inference,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    keysRequired: options.keysRequired ?? false,
    quota: { ...UNLIMITED, ...options.quota },
  });
  return {
    app,
    parts,
    config,
    broker,
    hub,
    listen: () => app.listen({ host: "127.0.0.1", port: 0 }),
    close: async () => {
      await app.close();
      await inference.close();
      await broker.close();
    },
  };
}

/** A spec that any service trains in a moment. */
export const smallSpec = {
  name: "small",
  model: { layers: [{ type: "Linear", out_features: 8 }, { type: "Tanh" }, { type: "Linear", out_features: 2 }] },
  loss: "CrossEntropyLoss",
  optimizer: { type: "Adam", lr: 0.05 },
  epochs: 3,
  data: { builtin: "xor", samples: 64 },
  metrics: ["accuracy"],
};
