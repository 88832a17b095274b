/** What the key that asks may still use. */
import type { FastifyRequest } from "fastify";
import { grouped } from "../data/data-error.ts";
import type { JobOwner } from "../jobs/job-log.ts";
import { type Quota, specLimits } from "../jobs/quota.ts";
import type { SpecLimits } from "../spec/index.ts";
import type { ApiParts } from "./parts.ts";
import { ProblemError } from "./problems.ts";

type Asker = Pick<FastifyRequest, "key">;

export const quotaOf = ({ quota }: Pick<ApiParts, "quota">, { key }: Asker): Quota => ({ ...quota, ...key?.quota });

/** Who owns what a request makes. */
export function jobOwner(parts: ApiParts, asker: Asker): JobOwner | undefined {
  return asker.key ? { id: asker.key.id, jobs: quotaOf(parts, asker).jobs } : undefined;
}

export const limitsFor = (parts: ApiParts, asker: Asker): SpecLimits => specLimits(quotaOf(parts, asker));

const RETRY_AFTER_S = 10;

export const tooManyJobs = (most: number | null): ProblemError =>
  new ProblemError(
    "too-many-jobs",
    `This key may have ${most} unfinished jobs (or sweeps) at the same time, and has them. Wait for one to finish, or cancel one.`,
    { headers: { "retry-after": String(RETRY_AFTER_S) } },
  );

/** Bytes that an upload may have. Throws ProblemError where there are none left. */
export async function bytesLeft(parts: ApiParts, asker: Asker): Promise<number> {
  const most = parts.limits.datasetBytes;
  const { bytes } = quotaOf(parts, asker);
  if (bytes === null || asker.key === null) return most;
  const left = bytes - (await parts.owners.bytesOf(asker.key.id));
  if (left <= 0) throw tooManyBytes(bytes);
  return Math.min(most, left);
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
  const most = quotaOf(parts, asker).bytes;
  if (most === null || (await parts.owners.bytesOf(asker.key.id)) <= most) return;
  await Promise.all([remove(), parts.owners.disown(id)]);
  throw tooManyBytes(most);
}

export const tooManyBytes = (most: number): ProblemError =>
  new ProblemError(
    "quota-exceeded",
    `This key may keep data sets and imported models of ${grouped(most)} bytes in all, and this one would be beyond that. DELETE /v1/datasets/{id} or /v1/models/{id} removes one that is not needed any more.`,
  );
