/** From a checked spec and its prepared data to what the trainer is given. */
import type { PreparedData } from "../data/prepare-data.ts";
import { type DataSource, prepareData } from "../data/prepare-data.ts";
import { type Examples, losses, type SchedulerPlan, type TrainingPlan } from "../engine/definitions.ts";
import type { Weights } from "../engine/nn/module.ts";
import { earlyStoppingPlan, plannedChange } from "./change.ts";
import { renamed, takenWeights } from "./check-job-weights.ts";
import { requireNumbers } from "./check-numbers.ts";
import { weightsOf } from "./check-weights.ts";
import type { Component, JobSpec, ModelInit, SpecChange } from "./job-spec.ts";

/** Loads the data that a checked spec names, encoded as its loss takes it. Throws DataError. */
export async function prepareJobData(spec: JobSpec, source: DataSource): Promise<PreparedData> {
  const { data, validation, seed } = spec;
  const encoding = losses.get(spec.loss.type)?.targets ?? "values";
  const prepared = await prepareData({ data, validation, seed, encoding }, source);
  requireNumbers(spec.model.layers, prepared);
  return prepared;
}

/** How often to save when the spec does not say. */
const DEFAULT_CHECKPOINT_SECONDS = 2;

export interface PlanExtras {
  /** The weights that `model.init` names. */
  readonly trained?: ReadonlyMap<string, Weights> | undefined;
  /** What changed in earlier attempts, and how many of those changes stand in the spec. */
  readonly changed?: readonly SpecChange[];
  readonly plannedChanges?: number;
}

export function createPlan<Data = Examples>(
  spec: JobSpec,
  prepared: { readonly train: Data; readonly validation?: Data },
  extras: PlanExtras = {},
): TrainingPlan<Data> {
  const { trained, changed = [], plannedChanges = 0 } = extras;
  const initialWeights = weightsToStartFrom(spec.model.init, trained);
  return {
    layers: spec.model.layers,
    loss: spec.loss,
    optimizer: spec.optimizer,
    scheduler: spec.scheduler && schedulerPlan(spec.scheduler),
    train: prepared.train,
    ...(prepared.validation && { validation: prepared.validation }),
    ...(initialWeights && { initialWeights }),
    epochs: spec.epochs,
    batchSize: spec.batch_size,
    shuffle: spec.shuffle,
    dropLast: spec.drop_last,
    seed: spec.seed,
    metrics: spec.metrics,
    clipGradNorm: spec.clip_grad_norm,
    clipGradValue: spec.clip_grad_value,
    accumulateSteps: spec.accumulate_steps,
    earlyStopping: spec.early_stopping && earlyStoppingPlan(spec.early_stopping),
    mode: spec.mode,
    changes: [...changed, ...spec.changes.slice(plannedChanges)].map(plannedChange),
    repeatedChanges: changed.length,
    onNonfinite: spec.on_nonfinite,
    tellSteps: spec.stream.steps ? spec.stream.every_steps : null,
    checkpoint:
      spec.checkpoint?.every_epochs != null
        ? { everyEpochs: spec.checkpoint.every_epochs }
        : { everySeconds: DEFAULT_CHECKPOINT_SECONDS },
  };
}

function weightsToStartFrom(
  init: ModelInit | null,
  trained: ReadonlyMap<string, Weights> | undefined,
): Record<string, Weights> | undefined {
  if (init === null) return undefined;
  if ("weights" in init) return weightsOf(init.weights);
  const source = "job_id" in init ? init.job_id : init.model_id;
  if (trained === undefined) throw new Error(`The weights of ${source} are missing.`);
  return takenWeights("rename" in init ? renamed(trained, init.rename) : trained, init.only);
}

export function schedulerPlan({ interval, warmup_steps, ...scheduler }: Component): SchedulerPlan {
  return {
    scheduler,
    interval: interval === "step" ? "step" : "epoch",
    warmupSteps: typeof warmup_steps === "number" ? warmup_steps : 0,
  };
}
