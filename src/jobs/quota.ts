/** How much of the service one API key may use: a default from the environment, and what its maker allows it instead. */
import { z } from "zod";
import { DEFAULT_LIMITS, type SpecLimits } from "../spec/check-spec.ts";

const atLeast = (least: number) => z.number().min(least).nullable();

/** Null: any number. */
export const Quota = z.strictObject({
  jobs: atLeast(1).describe("jobs that are not finished, at the same time"),
  bytes: atLeast(1).describe("bytes of data sets and imported models, all together"),
  parameters: atLeast(1).describe("weights of a model"),
  flops: atLeast(1).describe("floating-point operations of a job, all its epochs together"),
  requests: atLeast(1).describe("requests in a minute"),
});
export type Quota = z.infer<typeof Quota>;

/** What one key may use other than the default. */
export const OwnQuota = z.partialRecord(Quota.keyof(), atLeast(1));
export type OwnQuota = z.infer<typeof OwnQuota>;

export const UNLIMITED: Quota = { jobs: null, bytes: null, parameters: null, flops: null, requests: null };

export const QUOTA_NAMES = Quota.keyof().options;

/** How large the jobs may be of someone with this quota. */
export const specLimits = ({ parameters, flops }: Quota): SpecLimits => ({
  ...DEFAULT_LIMITS,
  maxParameters: Math.min(DEFAULT_LIMITS.maxParameters, parameters ?? Number.POSITIVE_INFINITY),
  maxFlops: flops ?? DEFAULT_LIMITS.maxFlops,
});
