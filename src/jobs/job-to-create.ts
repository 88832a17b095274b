/** A checked spec as the log takes it. */
import type { SpecCheck } from "../spec/check-spec.ts";
import type { JobToCreate } from "./job-log.ts";

export type CheckedSpec = Extract<SpecCheck, { ok: true }>;

export function jobToCreate(id: string, { spec, summary, estimate }: CheckedSpec): JobToCreate {
  const { name, metadata, epochs, priority, webhook } = spec;
  return {
    id,
    name,
    metadata,
    spec,
    modelSummary: summary,
    epochs,
    steps: estimate.steps,
    priority,
    ...(webhook && { webhookEvents: webhook.events }),
  };
}
