/** How much of the service one API key may use: a default from the environment, and what its maker allows it instead. */
import { z } from "zod";
import { DEFAULT_LIMITS, type SpecLimits } from "../spec/check-spec.ts";

const count = z.int("expects a whole number").min(1).nullable();

/** Null: any number. */
export const Quota = z.strictObject({
  jobs: count.describe("jobs that are not finished, at the same time"),
  bytes: count.describe("bytes of data sets and imported models, all together"),
  parameters: count.describe("weights of a model"),
  flops: z.number().min(1).nullable().describe("floating-point operations of a job, all its epochs together"),
  requests: count.describe("requests in a minute"),
});
export type Quota = z.infer<typeof Quota>;

/** What one key may use other than the default. */
export const OwnQuota = z.strictObject({
  jobs: Quota.shape.jobs.exactOptional(),
  bytes: Quota.shape.bytes.exactOptional(),
  parameters: Quota.shape.parameters.exactOptional(),
  flops: Quota.shape.flops.exactOptional(),
  requests: Quota.shape.requests.exactOptional(),
});
export type OwnQuota = z.infer<typeof OwnQuota>;

export const UNLIMITED: Quota = { jobs: null, bytes: null, parameters: null, flops: null, requests: null };

export const QUOTA_NAMES = Quota.keyof().options;

/** What holds for a key: the default, but where its maker says otherwise. */
export const quotaOf = (byDefault: Quota, own: OwnQuota | undefined): Quota => ({ ...byDefault, ...own });

/** How large the jobs may be of someone with this quota. */
export const specLimits = ({ parameters, flops }: Quota): SpecLimits => ({
  ...DEFAULT_LIMITS,
  maxParameters: Math.min(DEFAULT_LIMITS.maxParameters, parameters ?? Number.POSITIVE_INFINITY),
  maxFlops: flops ?? DEFAULT_LIMITS.maxFlops,
});
