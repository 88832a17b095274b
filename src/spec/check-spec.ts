/**
 * Checks a whole spec before anything trains, and tells every mistake at once: fields, layers and their shapes, data,
 * loss against last layer and targets, weights, metrics, sizes. After a mistake it goes on with the best guess.
 */
import { grouped } from "../data/data-error.ts";
import { describe } from "../data/inline.ts";
import { losses, optimizers } from "../engine/definitions.ts";
import { checkBatches } from "./check-batches.ts";
import { checkComponent, isRecord } from "./check-component.ts";
import { checkData, checkValidation, type FindDataset } from "./check-data.ts";
import type { SourcesOfWeights } from "./check-job-weights.ts";
import { checkLoss } from "./check-loss.ts";
import { checkModel } from "./check-model.ts";
import { checkNumbers } from "./check-numbers.ts";
import { checkOptimizer } from "./check-optimizer.ts";
import { checkProbes } from "./check-probes.ts";
import { checkSchedule, checkScheduler } from "./check-scheduler.ts";
import { checkSettings, checkTables, checkWatched, completeChanges, completeEarlyStopping } from "./check-settings.ts";
import { checkSplit, countRows } from "./check-split.ts";
import type { JobSpec } from "./job-spec.ts";
import { type Mistake, Mistakes } from "./mistakes.ts";
import {
  type Estimate,
  estimate,
  type ModelSummary,
  stepsOf,
  summarizeLayers,
  summarizeModel,
  tooManyFlops,
} from "./model-costs.ts";

export interface SpecLimits {
  readonly maxParameters: number;
  /** On the device: weights and their copies, activations, data. */
  readonly maxMemoryBytes: number;
  /** Of all epochs together. */
  readonly maxFlops: number;
}

export const DEFAULT_LIMITS: SpecLimits = {
  maxParameters: 100_000_000,
  maxMemoryBytes: 2 * 2 ** 30,
  maxFlops: Number.POSITIVE_INFINITY,
};

export interface CheckContext extends SourcesOfWeights {
  /** What is known of an uploaded data set; null where there is none of that id. */
  readonly dataset: FindDataset;
  /** Why no worker has a GPU, or null if one has; without it nobody asks. */
  readonly missingGpu?: () => Promise<string | null>;
  readonly limits?: SpecLimits;
}

export type SpecCheck =
  | {
      readonly ok: true;
      readonly spec: JobSpec;
      readonly summary: ModelSummary;
      readonly estimate: Estimate;
      readonly shapes: KnownShapes;
    }
  | { readonly ok: false; readonly errors: readonly Mistake[]; readonly shapes: KnownShapes };

/** What is known of the shapes, whatever is wrong. */
export interface KnownShapes {
  /** Of one sample as the first layer gets it. */
  readonly input: readonly number[] | null;
  readonly layers: ModelSummary["layers"];
}

export async function checkSpec(input: unknown, context: CheckContext): Promise<SpecCheck> {
  const mistakes = new Mistakes();
  let shapes: KnownShapes = { input: null, layers: [] };
  const failed = (): SpecCheck => {
    if (mistakes.none) throw new Error("The check of a spec failed without a reason; this is a mistake of the check.");
    return { ok: false, errors: mistakes.list, shapes };
  };
  if (!isRecord(input)) {
    mistakes.add("", `expects a JSON object with model, loss, optimizer, epochs and data, got ${describe(input)}`);
    return failed();
  }
  const settings = checkSettings(input, mistakes);
  const missing = settings?.device === "gpu" ? await context.missingGpu?.() : null;
  if (missing) mistakes.add("device", missing);
  const loss = checkComponent(input["loss"], "loss", losses, "loss", mistakes, true);
  const optimizer = checkComponent(input["optimizer"], "optimizer", optimizers, "optimizer", mistakes, true);

  const scheduler = checkScheduler(input["scheduler"], mistakes);

  const encoding = loss?.definition.targets;
  const data = await checkData(input["data"], encoding, context.dataset, mistakes);
  const validation = await checkValidation(input["validation"], data, encoding, context.dataset, mistakes);
  checkSplit(data?.facts, validation?.spec, settings, mistakes);

  const model = await checkModel(input["model"], data?.facts?.inputShape, context, mistakes);
  shapes = { input: data?.facts?.inputShape ?? null, layers: summarizeLayers(model.followed) };
  if (loss?.args && model.resolved) {
    if (data?.facts) checkLoss(loss.definition, loss.args, model.resolved, data.facts, "data", mistakes);
    if (validation?.facts)
      checkLoss(loss.definition, loss.args, model.resolved, validation.facts, "validation", mistakes);
  }
  if (model.resolved) {
    if (data?.facts) checkNumbers(model.resolved.specs, data.facts, "data", mistakes);
    if (validation?.facts) checkNumbers(model.resolved.specs, validation.facts, "validation", mistakes);
  }
  if (optimizer && model.resolved) checkOptimizer(optimizer.definition, model.resolved, mistakes);
  checkWatched(settings, loss?.definition, input["validation"], mistakes);
  if (model.resolved) checkTables(settings, loss?.definition, model.resolved.output, mistakes);

  const facts = data?.facts;
  const probes = checkProbes(input["probes"], facts, model.resolved, settings, mistakes);
  if (model.resolved && settings && facts && validation) {
    checkBatches(model.resolved, settings, countRows(facts, validation.spec, validation.facts).trainRows, mistakes);
  }
  if (!mistakes.none || !settings || !loss?.args || !optimizer?.args || !validation || !model.resolved) return failed();
  if (!data || !facts?.inputShape || !facts.target || probes === undefined) return failed();

  const spec: JobSpec = {
    ...settings,
    model: { layers: model.resolved.specs, init: model.init },
    loss: { type: loss.definition.type, ...loss.args },
    optimizer: { type: optimizer.definition.type, ...optimizer.args },
    scheduler: scheduler ?? null,
    data: data.spec,
    validation: validation.spec,
    probes,
    early_stopping: completeEarlyStopping(settings.early_stopping),
    changes: completeChanges(settings.changes),
  };
  const size = {
    ...countRows(facts, validation.spec, validation.facts),
    inputShape: facts.inputShape,
    targetShape: facts.target.shape,
  };
  const summary = summarizeModel(model.resolved, spec, size);
  checkStream(spec, stepsOf(spec, size.trainRows), mistakes);
  checkSchedule(spec, size.trainRows, optimizer.definition, mistakes);
  const costs = estimate(summary, spec, size);
  checkLimits(summary, costs, context.limits ?? DEFAULT_LIMITS, mistakes);
  return mistakes.none ? { ok: true, spec, summary, shapes, estimate: costs } : failed();
}

/** So many losses of single steps are kept in a job's log, some ten bytes each. */
const MOST_STREAMED = 1_000_000;

function checkStream({ stream }: JobSpec, steps: number, mistakes: Mistakes): void {
  const streamed = Math.floor(steps / stream.every_steps);
  if (!stream.steps || streamed <= MOST_STREAMED) return;
  mistakes.add(
    "stream.every_steps",
    `the job would stream ${grouped(streamed)} losses, at most ${grouped(MOST_STREAMED)} are kept; ` +
      `use at least ${grouped(Math.ceil(steps / MOST_STREAMED))}`,
  );
}

function checkLimits(summary: ModelSummary, { flops }: Estimate, limits: SpecLimits, mistakes: Mistakes): void {
  const { parameters, memory_bytes } = summary;
  if (parameters === 0) mistakes.add("model.layers", "has no weights to train; add a layer such as Linear");
  if (parameters > limits.maxParameters) {
    mistakes.add(
      "model.layers",
      `has ${grouped(parameters)} parameters, at most ${grouped(limits.maxParameters)} are taken`,
    );
  }
  if (flops > limits.maxFlops) mistakes.add("epochs", tooManyFlops(flops, limits.maxFlops));
  if (memory_bytes > limits.maxMemoryBytes) {
    const [needed, most] = [memory_bytes, limits.maxMemoryBytes].map(
      (bytes) => `${grouped(Math.ceil(bytes / 2 ** 20))} MiB`,
    );
    mistakes.add(
      "",
      `needs about ${needed} of memory, at most ${most} are given; use fewer rows, a smaller model or a smaller batch_size`,
    );
  }
}
