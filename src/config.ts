/** The configuration of every part of the service: the environment, checked once, with defaults. */
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { z } from "zod";
import type { Quota } from "./jobs/quota.ts";

/** Requests in a minute from a key, if nobody says: a hundred each second. */
const RATE_LIMIT = 6000;

const count = (max: number) => z.coerce.number().int().min(1).max(max);
/** Holds a password or a key: shown nowhere. */
const secret = { secret: true } as const;

const url = z.string().regex(/^https?:\/\/[^\s/]+\S*$/);

/** One line per variable: how it is read, and the sentence a person gets when it is wrong. */
export const Environment = z.object({
  PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(3000)
    .describe("a port number, 0 to 65535 (0: any free one)"),
  HOST: z.string().min(1).default("127.0.0.1").describe("an address or host name to listen on, such as 127.0.0.1"),
  DATA_DIR: z.string().min(1).default("./data").describe("a directory for datasets, models and the broker's files"),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\/\S+$/)
    .optional()
    .meta(secret)
    .describe("the URL of a Redis or Valkey server, such as redis://127.0.0.1:6379"),
  BROKER: z.enum(["auto", "server", "embedded"]).default("auto").describe("one of auto, server, embedded"),
  LOG_LEVEL: z
    .enum(["silent", "fatal", "error", "warn", "info", "debug", "trace"])
    .default("info")
    .describe("one of silent, fatal, error, warn, info, debug, trace"),
  CONCURRENCY: count(256)
    .default(Math.max(1, availableParallelism() - 1))
    .describe("how many jobs a worker trains at once, 1 to 256"),
  ENGINE_THREADS: count(64).optional().describe("how many threads share the work of one job, 1 to 64"),
  GPU_CONCURRENCY: z.coerce
    .number()
    .int()
    .min(0)
    .max(64)
    .default(2)
    .describe("how many jobs that ask for a GPU a worker with one trains at once, 0 (it looks for none) to 64"),
  LOCK_MS: count(600_000).default(4000).describe("milliseconds after which a silent worker counts as dead"),
  STALLED_MS: count(600_000).default(2000).describe("milliseconds between two looks for dead workers"),
  STOP_GRACE_MS: count(600_000)
    .default(150)
    .describe("milliseconds that a trainer may go on after it was asked to stop, before its thread is ended"),
  STEP_TIMEOUT_S: count(86_400)
    .default(600)
    .describe("seconds within which a training must finish a step, 1 to 86400; one that does not is ended as hung"),
  SNAPSHOT_MS: count(3_600_000).default(2000).describe("milliseconds between two snapshots of the embedded broker"),
  HEAP_MB: count(1_000_000)
    .default(2048)
    .describe("megabytes of JavaScript heap for each training thread, 1 to 1000000"),
  DATA_CACHE_MB: z.coerce
    .number()
    .int()
    .min(0)
    .max(1_000_000)
    .default(256)
    .describe("megabytes of data sets that each training thread keeps in memory for its next jobs, 0 to 1000000"),
  KEY_NAMESPACE: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/)
    .default("epochd")
    .describe("1 to 64 of a-z, 0-9 and -, the name that all Redis keys start with"),
  RETAIN_DAYS: z.coerce
    .number()
    .gt(0)
    .max(36_500)
    .optional()
    .describe("days after which a finished job is removed, above 0 and at most 36500; left out: never"),
  RETAIN_JOBS: count(10_000_000).optional().describe("how many finished jobs are kept, 1 to 10000000; left out: all"),
  WEBHOOK_SECRET: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]{32,128}={0,2}$/)
    .optional()
    .meta(secret)
    .describe("whsec_ and at least 24 bytes as base64, the secret that signs webhooks"),
  WEBHOOK_ALLOW_PRIVATE: z.enum(["0", "1"]).default("0").describe("1 to let webhooks reach private addresses, else 0"),
  API_KEYS_REQUIRED: z
    .enum(["0", "1"])
    .default("0")
    .describe("1 to ask for an API key, each of which sees its own jobs and data sets alone, else 0"),
  QUOTA_JOBS: count(1e9)
    .optional()
    .describe("how many unfinished jobs a key may have at the same time; left out: any number"),
  QUOTA_BYTES: count(1e15)
    .optional()
    .describe("bytes of data sets and imported models that a key may keep; left out: any number"),
  QUOTA_PARAMETERS: count(1e12)
    .optional()
    .describe("weights that a model of a key may have; left out: as many as the service takes"),
  QUOTA_FLOPS: z.coerce
    .number()
    .min(1)
    .optional()
    .describe("floating-point operations that a job of a key may take, such as 1e15; left out: any number"),
  RATE_LIMIT: z.coerce
    .number()
    .int()
    .min(0)
    .max(1e9)
    .optional()
    .describe(
      "requests in a minute that are taken from a key, and from an address without one, 0 for any number; left out: 6000 where API keys " +
        "are asked for, else any number",
    ),
  ALLOW_OPEN: z
    .enum(["0", "1"])
    .default("0")
    .describe("1 to listen on more than the loopback although no API key is configured, else 0"),
  S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/)
    .optional()
    .describe("a bucket for data sets and models, such as epochd; left out: they lie in DATA_DIR"),
  S3_ENDPOINT: url.optional().describe("the URL of the S3 server, such as http://minio:9000; left out: AWS"),
  S3_REGION: z.string().min(1).default("us-east-1").describe("the region of the bucket"),
  S3_ACCESS_KEY_ID: z
    .string()
    .optional()
    .describe("the name of a key of the S3 server; left out: what the AWS SDK finds by itself"),
  S3_SECRET_ACCESS_KEY: z.string().optional().meta(secret).describe("the secret of that key"),
  S3_PREFIX: z
    .string()
    .regex(/^([A-Za-z0-9_-][A-Za-z0-9._-]*\/)*$/)
    .default("")
    .describe("what the name of every object starts with, a folder such as epochd/"),
  S3_PATH_STYLE: z
    .enum(["0", "1"])
    .optional()
    .describe("1 to name the bucket in the path, 0 in the host name; left out: 1 with an S3_ENDPOINT, else 0"),
  OTEL_EXPORTER_OTLP_ENDPOINT: url
    .optional()
    .describe("the URL of an OpenTelemetry collector that takes OTLP over HTTP, such as http://127.0.0.1:4318"),
  OTEL_SERVICE_NAME: z.string().min(1).default("epochd").describe("the name of this service in traces"),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe("the share of requests that are traced, 0 to 1; who calls with a traceparent has decided already"),
});

export interface Config {
  readonly port: number;
  readonly host: string;
  readonly dataDir: string;
  readonly redisUrl: string | undefined;
  readonly broker: "auto" | "server" | "embedded";
  readonly logLevel: "silent" | "fatal" | "error" | "warn" | "info" | "debug" | "trace";
  readonly concurrency: number;
  /** Threads that share the work of one job. */
  readonly engineThreads: number;
  /** Jobs that ask for a GPU, beside the others. */
  readonly gpuConcurrency: number;
  /** A worker that does not renew its lock for so long has lost its job. */
  readonly lockMs: number;
  readonly stalledMs: number;
  /** So long a trainer may go on after it was asked to stop, before its thread is ended. */
  readonly stopGraceMs: number;
  /** A training that finishes no step for so long hangs. */
  readonly stepTimeoutMs: number;
  readonly snapshotMs: number;
  /** JavaScript's heap of a training thread; tensors lie outside of it. */
  readonly heapMb: number;
  /** Data sets that a training thread keeps for its next jobs. */
  readonly dataCacheMb: number;
  readonly namespace: string;
  /** What is kept of finished jobs; null: all of it. */
  readonly retainDays: number | null;
  readonly retainJobs: number | null;
  /** Undefined: made once, and kept in the data directory. */
  readonly webhookSecret: string | undefined;
  readonly webhookAllowPrivate: boolean;
  readonly apiKeysRequired: boolean;
  /** What an API key may use, unless it says otherwise itself. */
  readonly quota: Quota;
  readonly allowOpen: boolean;
  /** Null: objects lie in the data directory. */
  readonly s3: S3Location | null;
  /** Null: nothing is traced. */
  readonly tracing: TracingTarget | null;
}

export interface S3Location {
  readonly bucket: string;
  /** What every key starts with, such as `epochd/`; may be empty. */
  readonly prefix: string;
  readonly region: string;
  /** Undefined: that of AWS in this region. */
  readonly endpoint: string | undefined;
  /** Undefined: what the SDK finds by itself, such as the role of a machine. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  /** The bucket as part of the path rather than of the host name. */
  readonly pathStyle: boolean;
}

export interface TracingTarget {
  /** Of a collector, without the path of its signals. */
  readonly endpoint: string;
  readonly service: string;
  /** Of the traces that begin here. */
  readonly share: number;
}

/** A wrong start: its message is the one line that a person sees. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Reads the environment. An empty variable counts as one that is not set. Throws ConfigError. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ""));
  const read = Environment.safeParse(given);
  if (!read.success)
    throw new ConfigError(read.error.issues.map((issue) => wrongValue(issue.path[0], given)).join("; "));
  const value = read.data;
  return {
    port: value.PORT,
    host: value.HOST,
    dataDir: resolve(value.DATA_DIR),
    redisUrl: value.REDIS_URL,
    broker: value.BROKER,
    logLevel: value.LOG_LEVEL,
    concurrency: value.CONCURRENCY,
    engineThreads: value.ENGINE_THREADS ?? coresForEach(value.CONCURRENCY),
    gpuConcurrency: value.GPU_CONCURRENCY,
    lockMs: value.LOCK_MS,
    stalledMs: value.STALLED_MS,
    stopGraceMs: value.STOP_GRACE_MS,
    stepTimeoutMs: value.STEP_TIMEOUT_S * 1000,
    snapshotMs: value.SNAPSHOT_MS,
    heapMb: value.HEAP_MB,
    dataCacheMb: value.DATA_CACHE_MB,
    namespace: value.KEY_NAMESPACE,
    retainDays: value.RETAIN_DAYS ?? null,
    retainJobs: value.RETAIN_JOBS ?? null,
    webhookSecret: value.WEBHOOK_SECRET,
    webhookAllowPrivate: value.WEBHOOK_ALLOW_PRIVATE === "1",
    apiKeysRequired: value.API_KEYS_REQUIRED === "1",
    quota: {
      jobs: value.QUOTA_JOBS ?? null,
      bytes: value.QUOTA_BYTES ?? null,
      parameters: value.QUOTA_PARAMETERS ?? null,
      flops: value.QUOTA_FLOPS ?? null,
      requests: (value.RATE_LIMIT ?? (value.API_KEYS_REQUIRED === "1" ? RATE_LIMIT : 0)) || null,
    },
    allowOpen: value.ALLOW_OPEN === "1",
    s3: s3Location(value),
    tracing:
      value.OTEL_EXPORTER_OTLP_ENDPOINT === undefined
        ? null
        : {
            endpoint: value.OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/+$/, ""),
            service: value.OTEL_SERVICE_NAME,
            share: value.OTEL_TRACES_SAMPLER_ARG,
          },
  };
}

function s3Location(value: z.infer<typeof Environment>): S3Location | null {
  const { S3_BUCKET: bucket, S3_ENDPOINT: endpoint } = value;
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = value;
  if (bucket === undefined) {
    const lonely = endpoint !== undefined ? "S3_ENDPOINT" : accessKeyId !== undefined ? "S3_ACCESS_KEY_ID" : null;
    if (lonely === null) return null;
    throw new ConfigError(`${lonely} is set, but S3_BUCKET is not: name the bucket that objects are to lie in`);
  }
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw new ConfigError("S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY belong together: set both or neither");
  }
  return {
    bucket,
    prefix: value.S3_PREFIX,
    region: value.S3_REGION,
    endpoint,
    credentials:
      accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId, secretAccessKey },
    pathStyle: value.S3_PATH_STYLE === undefined ? endpoint !== undefined : value.S3_PATH_STYLE === "1",
  };
}

/** Jobs that train at the same time share the cores evenly. */
function coresForEach(jobs: number): number {
  return Math.min(64, Math.max(1, Math.floor(availableParallelism() / jobs)));
}

/** With no API keys the service must not be reachable from outside unless someone says that it may. */
export function refuseOpenHost(config: Config): void {
  if (isLoopback(config.host) || config.allowOpen || config.apiKeysRequired) return;
  throw new ConfigError(
    `HOST is "${config.host}", but no API keys are asked for, so the service listens on the loopback only: ` +
      "use HOST=127.0.0.1, set API_KEYS_REQUIRED=1, or set ALLOW_OPEN=1 if the network around it is trusted",
  );
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

export function isSecret(field: z.ZodType | undefined): boolean {
  return field?.meta()?.["secret"] === true;
}

function wrongValue(name: PropertyKey | undefined, given: Record<string, string | undefined>): string {
  const key = String(name);
  const field = Object.entries(Environment.shape).find(([field]) => field === key)?.[1];
  // A URL may hold a password, which has no place in a terminal or a log.
  const found = isSecret(field) ? "something else" : `"${given[key]}"`;
  return `${key} must be ${field?.description ?? "different"}, got ${found}`;
}
