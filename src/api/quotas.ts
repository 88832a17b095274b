/** What the key that asks may still use. */
import type { FastifyRequest } from "fastify";
import { grouped } from "../data/data-error.ts";
import type { JobOwner } from "../jobs/log-writer.ts";
import { type Quota, quotaOf, specLimits } from "../jobs/quota.ts";
import type { SpecLimits } from "../spec/index.ts";
import type { ApiParts } from "./parts.ts";
import { ProblemError } from "./problems.ts";

type Asker = Pick<FastifyRequest, "key">;

export const quotaFor = ({ quota }: Pick<ApiParts, "quota">, { key }: Asker): Quota => quotaOf(quota, key?.quota);

/** Who owns what a request makes. */
export function jobOwner(parts: ApiParts, asker: Asker): JobOwner | undefined {
  return asker.key ? { id: asker.key.id, jobs: quotaFor(parts, asker).jobs } : undefined;
}

export const limitsFor = (parts: ApiParts, asker: Asker): SpecLimits => specLimits(quotaFor(parts, asker));

const RETRY_AFTER_S = 10;

export const tooManyJobs = (most: number | null): ProblemError =>
  new ProblemError(
    "too-many-jobs",
    `This key may have ${most} unfinished jobs (or sweeps) at the same time, and has them. Wait for one to finish, or cancel one.`,
    { headers: { "retry-after": String(RETRY_AFTER_S) } },
  );

export interface Room {
  readonly bytes: number;
  /** What is more than that is refused with this. */
  readonly beyond: ProblemError;
}

/** How much an upload may hold that the service itself takes up to `most` bytes of. Throws ProblemError where nothing is left. */
export async function roomFor(parts: ApiParts, asker: Asker, what: string, most: number): Promise<Room> {
  const { bytes } = quotaFor(parts, asker);
  const left = bytes === null || asker.key === null ? most : bytes - (await parts.owners.bytesOf(asker.key.id));
  if (bytes === null || left >= most) {
    const detail = `The ${what} is larger than ${grouped(most)} bytes, the most that this service takes.`;
    return { bytes: most, beyond: new ProblemError("too-large", detail) };
  }
  const beyond = tooManyBytes(bytes);
  if (left <= 0) throw beyond;
  return { bytes: left, beyond };
}

/** Notes whose something is. Several uploads at the same time may each have fitted: then the last ones are taken back. */
export async function own(
  parts: ApiParts,
  asker: Asker,
  { id, bytes }: { readonly id: string; readonly bytes: number },
  remove: () => Promise<unknown>,
): Promise<void> {
  if (asker.key === null) return;
  await parts.owners.own(id, asker.key.id, bytes);
  const most = quotaFor(parts, asker).bytes;
  if (most === null || (await parts.owners.bytesOf(asker.key.id)) <= most) return;
  await Promise.all([remove(), parts.owners.disown(id)]);
  throw tooManyBytes(most);
}

const tooManyBytes = (most: number): ProblemError =>
  new ProblemError(
    "quota-exceeded",
    `This key may keep data sets and imported models of ${grouped(most)} bytes in all, and this one would be beyond that. DELETE /v1/datasets/{id} or /v1/models/{id} removes one that is not needed any more.`,
  );
