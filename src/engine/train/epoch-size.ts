/** How many samples and updates an epoch has, and which batches. */
import type { TrainingPlan } from "./plan.ts";

type CountedPlan = Pick<
  TrainingPlan<{ readonly count: number }>,
  "train" | "batchSize" | "dropLast" | "accumulateSteps"
>;

/** Samples that an epoch uses. */
export function samplesPerEpoch({ train: { count }, batchSize, dropLast }: CountedPlan): number {
  return dropLast ? count - (count % batchSize) : count;
}

/** Updates in an epoch. */
export function stepsPerEpoch(plan: CountedPlan): number {
  return Math.ceil(Math.ceil(samplesPerEpoch(plan) / plan.batchSize) / plan.accumulateSteps);
}

/** 100 samples in batches of 32: [32, 32, 32, 4]. */
export function batchSizes(samples: number, batchSize: number): number[] {
  const sizes: number[] = [];
  for (let left = samples; left > 0; left -= batchSize) sizes.push(Math.min(left, batchSize));
  return sizes;
}
