/** The job spec: its schema, its check, and what follows from it. */
export { Catalogue, catalogue } from "./catalogue.ts";
export { requireInputNumbers } from "./check-numbers.ts";
export { type CheckContext, checkSpec, DEFAULT_LIMITS, type SpecCheck, type SpecLimits } from "./check-spec.ts";
export { createPlan, prepareJobData } from "./create-plan.ts";
export type { DatasetInfo } from "./data-facts.ts";
export { JobSpec } from "./job-spec.ts";
export type { Mistake } from "./mistakes.ts";
export type { Estimate, ModelSummary } from "./model-costs.ts";
