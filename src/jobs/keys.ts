/** The names of everything in Redis. One hash tag for all, so that scripts work on a cluster, too. */
import type { JobStatus } from "./job.ts";

/** Where logs of one kind, and what leads to them, are. */
export interface LogKeys {
  /** How events call the id of what they are about. */
  readonly idName: "job_id" | "sweep_id";
  /** All ids. */
  readonly all: string;
  readonly waiting: string;
  readonly counter: string;
  /** A stream that names each that has changed, the newest ten thousand. */
  readonly changes: string;
  state(id: string): string;
  events(id: string): string;
  /** Marks for a while what was removed. */
  removed(id: string): string;
  withStatus(status: JobStatus): string;
  idempotency(key: string): string;
  /** What became of its webhooks. */
  deliveries(id: string): string;
}

export interface Keys extends LogKeys {
  /** Also BullMQ's prefix. */
  readonly tag: string;
  /** The same of sweeps, whose logs are kept by the same scripts. */
  readonly sweeps: LogKeys;
  /** API keys by the hash of their secret, and the owner of each job, data set and sweep. */
  readonly apiKeys: string;
  /** When each key was last used. */
  readonly apiKeyUses: string;
  readonly owners: string;
  /** What each worker says of itself, and when it last did. */
  readonly workers: string;
  readonly workersSeen: string;
  /** How many went silent without taking leave. */
  readonly workersLost: string;
  /** Webhooks by the time at which they are due, and how often each was tried. */
  readonly webhooks: string;
  readonly webhookAttempts: string;
  /** The channel on which cancellations are told to the workers. */
  readonly control: string;
  /** What the counters of requests start with. */
  readonly requests: string;
  ownedBy(key: string): string;
  /** How many bytes each data set of a key has. */
  bytesOf(key: string): string;
  streamToken(hash: string): string;
}

export function createKeys(namespace: string): Keys {
  const tag = `{${namespace}}`;
  return {
    tag,
    ...logKeys(tag, "job"),
    sweeps: logKeys(tag, "sweep"),
    apiKeys: `${tag}:keys`,
    apiKeyUses: `${tag}:keys:uses`,
    requests: `${tag}:requests:`,
    owners: `${tag}:owners`,
    bytesOf: (key) => `${tag}:owned:${key}:bytes`,
    ownedBy: (key) => `${tag}:owned:${key}`,
    streamToken: (hash) => `${tag}:stream-token:${hash}`,
    workers: `${tag}:workers`,
    workersSeen: `${tag}:workers:seen`,
    workersLost: `${tag}:workers:lost`,
    webhooks: `${tag}:webhooks`,
    webhookAttempts: `${tag}:webhooks:attempts`,
    control: `${tag}:control`,
  };
}

function logKeys(tag: string, kind: "job" | "sweep"): LogKeys {
  const all = `${tag}:${kind}s`;
  return {
    idName: `${kind}_id`,
    all,
    waiting: `${all}:waiting`,
    counter: `${all}:counter`,
    changes: `${all}:changes`,
    state: (id) => `${tag}:${kind}:${id}`,
    events: (id) => `${tag}:${kind}:${id}:events`,
    removed: (id) => `${tag}:${kind}:${id}:removed`,
    deliveries: (id) => `${tag}:${kind}:${id}:deliveries`,
    withStatus: (status) => `${all}:status:${status}`,
    idempotency: (key) => (kind === "job" ? `${tag}:idempotency:${key}` : `${all}:idempotency:${key}`),
  };
}
