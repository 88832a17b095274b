/** What a spec may hold, and what the service says of one before it trains. */
import type { Catalogue } from "../../spec/catalogue.ts";
import type { Mistake } from "../../spec/mistakes.ts";
import type { Estimate, ModelSummary } from "../../spec/model-costs.ts";
import { ask } from "./client.ts";
import { type Job, pathOf } from "./jobs.ts";

export type { Catalogue, Mistake };
export type CatalogueEntry = Catalogue["layers"][number];

/** The dry run's answer. */
export interface SpecReport {
  readonly valid: boolean;
  readonly model_summary: ModelSummary | null;
  readonly estimate: Estimate | null;
  readonly shapes: { readonly input: readonly number[] | null; readonly layers: ModelSummary["layers"] };
  readonly errors: readonly Mistake[];
}

let known: Promise<Catalogue> | null = null;

/** Asked for once: it is as it is as long as the service runs. */
export function getCatalogue(): Promise<Catalogue> {
  known ??= ask<Catalogue>("/v1/catalog").catch((error) => {
    known = null;
    throw error;
  });
  return known;
}

export const validateSpec = (spec: object, signal: AbortSignal): Promise<SpecReport> =>
  ask("/v1/jobs/validate", { method: "POST", body: spec, signal });

/** `key` makes a repeated click harmless. */
export const createJob = (spec: object, key: string): Promise<Job> =>
  ask("/v1/jobs", { method: "POST", body: spec, headers: { "idempotency-key": key } });

export const getSpec = (id: string): Promise<Record<string, unknown>> => ask(`${pathOf(id)}/spec`);
