/** The names of everything in Redis. One hash tag for all, so that scripts work on a cluster, too. */
import type { JobStatus } from "./job.ts";

export interface Keys {
  /** Also BullMQ's prefix. */
  readonly tag: string;
  readonly jobs: string;
  readonly waiting: string;
  readonly counter: string;
  /** A stream that names each job that has changed, the newest ten thousand. */
  readonly changes: string;
  /** API keys by the hash of their secret, and the owner of each job and data set. */
  readonly apiKeys: string;
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
  state(id: string): string;
  events(id: string): string;
  withStatus(status: JobStatus): string;
  idempotency(key: string): string;
  deliveries(id: string): string;
  ownedBy(key: string): string;
  streamToken(hash: string): string;
}

export function createKeys(namespace: string): Keys {
  const tag = `{${namespace}}`;
  return {
    tag,
    jobs: `${tag}:jobs`,
    waiting: `${tag}:jobs:waiting`,
    counter: `${tag}:jobs:counter`,
    changes: `${tag}:jobs:changes`,
    apiKeys: `${tag}:keys`,
    owners: `${tag}:owners`,
    ownedBy: (key) => `${tag}:owned:${key}`,
    streamToken: (hash) => `${tag}:stream-token:${hash}`,
    workers: `${tag}:workers`,
    workersSeen: `${tag}:workers:seen`,
    workersLost: `${tag}:workers:lost`,
    webhooks: `${tag}:webhooks`,
    webhookAttempts: `${tag}:webhooks:attempts`,
    control: `${tag}:control`,
    state: (id) => `${tag}:job:${id}`,
    events: (id) => `${tag}:job:${id}:events`,
    withStatus: (status) => `${tag}:jobs:status:${status}`,
    deliveries: (id) => `${tag}:job:${id}:deliveries`,
    idempotency: (key) => `${tag}:idempotency:${key}`,
  };
}
