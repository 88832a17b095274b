/** A trained model as a file in one of the formats: what each is called, and how it comes about. */
import { z } from "zod";
import { nestNumbers } from "../data/nest-numbers.ts";
import { splitRows } from "../data/prepare-data.ts";
import { layers as definitions, losses, schedulers, type Typed } from "../engine/definitions.ts";
import { type Backend, type ContinuedPlan, continuationOf, encodeSafetensors, modelWeights } from "../engine/index.ts";
import type { Weights } from "../engine/nn/module.ts";
import { schedulerPlan } from "../spec/create-plan.ts";
import { VERSION } from "../version.ts";
import { exportKeras } from "./keras/export-keras.ts";
import { exportOnnx } from "./onnx/export-onnx.ts";
import { exportPyTorch } from "./pytorch/export-pytorch.ts";
import type { ModelFacts, TrainedFile, TrainingFacts, TrainingState } from "./trained-file.ts";

/** What a file is made from: a checkpoint, and what is known of its job. */
export interface FileSource {
  readonly checkpoint: Uint8Array;
  readonly facts: ModelFacts;
  /** Null for jobs of earlier versions, which did not keep it. */
  readonly rows: RowFacts | null;
}

/** How many rows a job trains on, and whether they have weights. */
export const RowFacts = z.object({ train: z.int(), validation: z.int(), weighted: z.boolean() });
export type RowFacts = z.infer<typeof RowFacts>;

interface ModelFormat {
  readonly mediaType: string;
  readonly extension: string;
  /** Throws NotExpressibleError where the format has no words for the model. */
  write(source: FileSource, backend: Backend): Uint8Array<ArrayBuffer>;
}

export const modelFormats = {
  safetensors: {
    mediaType: "application/octet-stream",
    extension: ".safetensors",
    write: ({ checkpoint, facts }) =>
      encodeSafetensors(modelWeights(checkpoint, facts.checkpoint.which), metadataOf(facts)),
  },
  onnx: {
    mediaType: "application/octet-stream",
    extension: ".onnx",
    write: (source) => exportOnnx(trainedFile(source)),
  },
  pytorch: {
    mediaType: "application/zip",
    extension: "-pytorch.zip",
    write: (source, backend) => exportPyTorch({ ...trainedFile(source), training: trainingOf(source, backend) }),
  },
  keras: {
    mediaType: "application/zip",
    extension: "-keras.zip",
    write: (source) => exportKeras(trainedFile(source)),
  },
  json: {
    mediaType: "application/json",
    extension: ".json",
    write: ({ checkpoint, facts }) => new TextEncoder().encode(JSON.stringify(asJson(checkpoint, facts))),
  },
} as const satisfies Record<string, ModelFormat>;

export type ModelFormatName = keyof typeof modelFormats;

/** safetensors holds strings alone; `format: "pt"` tells other readers that names and shapes are PyTorch's. */
function metadataOf({ checkpoint, spec, preprocess, classes, name, job_id }: ModelFacts): Record<string, string> {
  return {
    format: "pt",
    producer: `epochd ${VERSION}`,
    job_id,
    ...(name !== null && { name }),
    checkpoint: JSON.stringify(checkpoint),
    spec: JSON.stringify(spec),
    preprocess: JSON.stringify(preprocess),
    ...(classes && { classes: JSON.stringify(classes) }),
  };
}

/** The fewest that tell every 32-bit number from the next. */
const FLOAT32_DIGITS = 9;

function asJson(checkpoint: Uint8Array, { loss: _, ...facts }: ModelFacts): object {
  const weights = modelWeights(checkpoint, facts.checkpoint.which);
  const nested = [...weights].map(([name, { shape, data }]) => [name, nestNumbers(data, shape, FLOAT32_DIGITS)]);
  return { ...facts, weights: Object.fromEntries(nested) };
}

const SpecOfJob = z.looseObject({
  model: z.looseObject({ layers: z.array(z.looseObject({ type: z.string() })) }),
  loss: z.looseObject({ type: z.string() }),
  optimizer: z.looseObject({ type: z.string() }),
  scheduler: z.looseObject({ type: z.string() }).nullable(),
  epochs: z.int(),
  batch_size: z.int(),
  shuffle: z.boolean(),
  drop_last: z.boolean(),
  seed: z.int(),
  accumulate_steps: z.int(),
  clip_grad_norm: z.number().nullable(),
  clip_grad_value: z.number().nullable(),
  data: z.looseObject({ target: z.string().optional(), weight: z.string().optional() }),
  validation: z.looseObject({ split: z.number().optional() }).nullable(),
});

function trainedFile({ checkpoint, facts }: FileSource): TrainedFile {
  const { model } = SpecOfJob.parse(facts.spec);
  const weights: ReadonlyMap<string, Weights> = modelWeights(checkpoint, facts.checkpoint.which);
  return { about: facts, layers: model.layers, weights };
}

function trainingOf(source: FileSource, backend: Backend): NonNullable<TrainedFile["training"]> {
  const { checkpoint, facts, rows } = source;
  const spec = SpecOfJob.parse(facts.spec);
  const total = (rows?.train ?? 0) + (spec.validation?.split === undefined ? 0 : (rows?.validation ?? 0));
  const training: TrainingFacts = {
    loss: spec.loss,
    indexTargets: losses.get(spec.loss.type)?.targets === "index",
    optimizer: spec.optimizer,
    movesMomentum: spec.scheduler !== null && movesMomentum(spec.scheduler),
    batchSize: spec.batch_size,
    shuffle: spec.shuffle,
    dropLast: spec.drop_last,
    accumulateSteps: spec.accumulate_steps,
    clipGradNorm: spec.clip_grad_norm,
    clipGradValue: spec.clip_grad_value,
    target: spec.data.target ?? null,
    weight: spec.data.weight ?? null,
    weighted: rows?.weighted ?? false,
    rows: total,
    random: [...new Set(randomLayers(spec.model.layers))],
  };
  // The weights of the best epoch and the optimizer of the last would not go together.
  if (facts.checkpoint.which === "best" || rows === null) return { facts: training, state: null };
  const plan: ContinuedPlan = {
    layers: spec.model.layers,
    optimizer: spec.optimizer,
    scheduler: spec.scheduler && schedulerPlan(spec.scheduler),
    train: { count: rows.train },
    epochs: spec.epochs,
    batchSize: spec.batch_size,
    shuffle: spec.shuffle,
    dropLast: spec.drop_last,
    seed: spec.seed,
    accumulateSteps: spec.accumulate_steps,
  };
  const split = spec.validation?.split;
  const state: TrainingState = {
    continuation: continuationOf(checkpoint, plan, backend),
    rows: split === undefined ? null : splitRows(total, split, spec.seed).train,
  };
  return { facts: training, state };
}

function movesMomentum({ type, interval: _, warmup_steps: __, ...args }: Typed): boolean {
  const definition = schedulers.get(type);
  return definition?.movesMomentum(definition.args.parse(args)) ?? false;
}

/** Types of layers that draw random numbers while training. */
function randomLayers(layers: readonly Readonly<Record<string, unknown>>[]): string[] {
  return layers.flatMap(({ type, layers: inner, ...args }) => {
    const name = String(type);
    if (Array.isArray(inner)) return randomLayers(inner);
    const draws = /Dropout/.test(name)
      ? args["p"] !== 0
      : name === "RReLU"
        ? args["lower"] !== args["upper"]
        : [args, Object(args["encoder_layer"])].some(({ dropout }) => typeof dropout === "number" && dropout > 0);
    return draws && definitions.has(name) ? [name] : [];
  });
}
