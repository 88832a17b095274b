/** What the HTTP side is built from. Tests hand in real parts; main.ts hands in those of the running service. */
import type { Logger } from "pino";
import type { Broker } from "../broker/broker.ts";
import type { JobParts } from "../jobs/open-jobs.ts";
import type { Quota } from "../jobs/quota.ts";
import type { Tracing } from "../tracing/tracing.ts";
import type { Inference } from "./inference/inference.ts";
import type { EventHub } from "./sse/hub.ts";
import type { JobFeed } from "./sse/job-feed.ts";

/** What the service gives. The API closes none of it. */
export interface ServiceParts extends Omit<JobParts, "close"> {
  readonly broker: Pick<Broker, "url" | "kind" | "promise">;
  readonly logger: Logger;
  /** Left out: nothing is traced. */
  readonly tracing?: Tracing;
}

/** The service's parts and those that the API adds for itself. */
export interface ApiParts extends ServiceParts {
  readonly tracing: Tracing;
  readonly hub: EventHub;
  readonly feed: JobFeed;
  readonly inference: Inference;
  readonly limits: ApiLimits;
  /** Whether calls need an API key, and each key sees its own alone. */
  readonly keysRequired: boolean;
  /** What a key may use, unless it says otherwise itself. */
  readonly quota: Quota;
}

export interface ApiLimits {
  /** The largest JSON body. */
  readonly bodyBytes: number;
  /** The largest dataset, after decompression. */
  readonly datasetBytes: number;
  /** The largest file of weights. */
  readonly modelBytes: number;
}

export const DEFAULT_LIMITS: ApiLimits = {
  bodyBytes: 16 * 2 ** 20,
  datasetBytes: 4 * 2 ** 30,
  modelBytes: 512 * 2 ** 20,
};
