/** What a model costs: its summary for the job, and estimates of memory and time before anything has run. */
import { elementCount, type Shape } from "../engine/definitions.ts";
import type { ResolvedLayer, ResolvedModel } from "./follow-shape.ts";
import type { JobSpec } from "./job-spec.ts";
import { memoryBytes } from "./memory-bytes.ts";

export interface ModelSummary {
  parameters: number;
  /** Of the forward pass. */
  flops_per_sample: number;
  /** The most held on the device while training: weights, gradients, optimizer state, activations of a batch, the data. */
  memory_bytes: number;
  layers: { name: string; type: string; output_shape: number[]; parameters: number }[];
}

export interface Estimate {
  /** Rough: for deciding whether to wait, not for planning by the second. */
  seconds: number;
  /** Of memory on the device, at most. */
  bytes: number;
  /** Updates of the weights in all. */
  steps: number;
  /** Floating-point operations of all epochs. */
  flops: number;
}

/** How many rows there are, and of what sizes. */
export interface DataSize {
  readonly trainRows: number;
  readonly validationRows: number;
  readonly inputShape: Shape;
  readonly targetShape: Shape;
}

/** Forward, gradient of the inputs, gradient of the weights. */
export const TRAINING_PASSES = 3;
/**
 * Measured on the WebAssembly backend, one core, batches of 32: 33 GFLOP/s in layers of 512 units, 12 µs for a step of a
 * model that has next to nothing to compute. A little less is promised.
 */
const FLOPS_PER_SECOND = 20e9;
const SECONDS_PER_STEP = 15e-6;

export function summarizeModel(model: ResolvedModel, spec: JobSpec, data: DataSize): ModelSummary {
  const layers = summarizeLayers(model.layers);
  const parameters = layers.reduce((sum, layer) => sum + layer.parameters, 0);
  return {
    parameters,
    flops_per_sample: model.layers.reduce((sum, { flops }) => sum + flops, 0),
    memory_bytes: memoryBytes(model, spec, data),
    layers,
  };
}

export function summarizeLayers(layers: readonly ResolvedLayer[]): ModelSummary["layers"] {
  return layers.map(({ name, spec: { type }, output, parameters }) => ({
    name,
    type,
    output_shape: [...output],
    parameters: Object.values(parameters).reduce((sum, { shape }) => sum + elementCount(shape), 0),
  }));
}

export function estimate(summary: ModelSummary, spec: JobSpec, data: DataSize): Estimate {
  const { trainRows, validationRows } = data;
  const batches = batchesOf(spec, trainRows);
  const flops = (TRAINING_PASSES * trainRows + validationRows) * summary.flops_per_sample;
  const epoch = flops / FLOPS_PER_SECOND + batches * SECONDS_PER_STEP;
  return {
    seconds: Number((spec.epochs * epoch).toPrecision(2)),
    bytes: summary.memory_bytes,
    steps: stepsOf(spec, trainRows),
    flops: mostEpochs(spec) * flops,
  };
}

const batchesOf = ({ drop_last, batch_size }: JobSpec, trainRows: number): number =>
  drop_last ? Math.floor(trainRows / batch_size) : Math.ceil(trainRows / batch_size);

/** Updates of the weights in the whole run. */
export const stepsOf = (spec: JobSpec, trainRows: number): number =>
  spec.epochs * Math.ceil(batchesOf(spec, trainRows) / spec.accumulate_steps);

/** Changes that a spec plans may make it longer. */
const mostEpochs = ({ epochs, changes }: JobSpec): number =>
  changes.reduce((most, change) => Math.max(most, change.epochs ?? 0), epochs);

/** Of the whole job, as its estimate has them. */
export const tooManyFlops = (flops: number, most: number): string =>
  `the job takes about ${flops.toExponential(1)} floating-point operations, at most ${most.toExponential(1)} are given; ` +
  "use fewer epochs, fewer rows or a smaller model";
