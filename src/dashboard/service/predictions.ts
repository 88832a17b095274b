/** The calls that ask a model. */
import { ask, ServiceError } from "./client.ts";
import { pathOf } from "./jobs.ts";

export type Label = string | number | null;
export type Cell = number | string | null;

/** Rows that the model is validated with, what it gives for them and what it should give. */
export interface Predictions {
  readonly rows_of: "validation" | "training";
  readonly rows: number;
  readonly features: readonly string[] | null;
  readonly input_shape: readonly number[];
  readonly inputs?: readonly (readonly Cell[])[];
  readonly outputs: readonly unknown[];
  readonly targets: readonly unknown[];
  readonly labels?: readonly Label[];
  readonly target_labels?: readonly Label[];
  readonly classes?: readonly string[];
  readonly checkpoint: { readonly epoch: number; readonly step: number };
}

export interface Prediction {
  readonly outputs: readonly unknown[];
  readonly labels?: readonly Label[];
  readonly probabilities?: readonly (readonly number[])[];
  readonly classes?: readonly string[];
  readonly checkpoint: { readonly epoch: number; readonly step: number };
}

/** Null while the job has stored none. */
export async function getPredictions(id: string): Promise<Predictions | null> {
  try {
    return await ask<Predictions>(`${pathOf(id)}/predictions`);
  } catch (error) {
    if (error instanceof ServiceError && error.status === 409) return null;
    throw error;
  }
}

export const predict = (id: string, inputs: readonly unknown[], signal: AbortSignal): Promise<Prediction> =>
  ask(`${pathOf(id)}/predict`, { method: "POST", body: { inputs }, signal });
