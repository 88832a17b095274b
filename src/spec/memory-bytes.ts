/**
 * The memory that a job will take on its device: counted by planning its training with the code that trains, of which
 * only sizes exist. For a model that would take long to plan it is a generous guess.
 */
import { type ExpectedExamples, elementCount, losses, optimizers, type TrainingPlan } from "../engine/definitions.ts";
import { Trainer } from "../engine/train/trainer.ts";
import { createPlan } from "./create-plan.ts";
import type { ResolvedModel } from "./follow-shape.ts";
import type { JobSpec } from "./job-spec.ts";
import type { DataSize } from "./model-costs.ts";

/**
 * Planning takes as long as there is to record: about 0.1 ms for a weight tensor, and less than that for a thousand values
 * of a sample (layers write tables of that size). So it holds up whoever asks for some 0.2 s at most.
 */
const MOST_WEIGHT_TENSORS = 1000;
const MOST_VALUES_OF_A_SAMPLE = 2 ** 22;

export function memoryBytes(model: ResolvedModel, spec: JobSpec, data: DataSize): number {
  const tensors = model.layers.reduce((sum, { parameters }) => sum + Object.keys(parameters).length, 0);
  const isQuick = tensors <= MOST_WEIGHT_TENSORS && valuesOfSample(model) <= MOST_VALUES_OF_A_SAMPLE;
  // Without weights there is nothing to train, which is told elsewhere.
  return isQuick && tensors > 0 ? plannedBytes(spec, data) : guessedBytes(model, spec, data);
}

function plannedBytes(spec: JobSpec, { inputShape, targetShape, trainRows, validationRows }: DataSize): number {
  const rows = (count: number): ExpectedExamples => ({
    count,
    inputs: "float32",
    inputShape,
    targets: losses.get(spec.loss.type)?.targets === "index" ? "int32" : "float32",
    targetShape,
    ...(hasWeights(spec.data) && { weights: "float32" as const }),
  });
  const data = { train: rows(trainRows), ...(validationRows > 0 && { validation: rows(validationRows) }) };
  const plan = createPlan({ ...spec, model: { ...spec.model, init: null } }, data);
  const key = JSON.stringify({ ...plan, ...UNHEEDED, optimizer: { ...plan.optimizer, lr: null } });
  const known = planned.get(key);
  if (known !== undefined) return known;
  const bytes = Trainer.plannedBytes(plan);
  for (const oldest of planned.keys()) if (planned.size >= MOST_REMEMBERED) planned.delete(oldest);
  planned.set(key, bytes);
  return bytes;
}

/** Services post the same model again and again, sweeps with other rates: what was planned last. */
const planned = new Map<string, number>();
const MOST_REMEMBERED = 256;
/** What takes no memory on the device, as the rate takes none. */
const UNHEEDED = { epochs: null, seed: null, changes: null, checkpoint: null, tellSteps: null } satisfies {
  [Key in keyof TrainingPlan]?: null;
};

/** Whether samples count differently. */
function hasWeights(data: JobSpec["data"]): boolean {
  return "inline" in data ? data.inline.weights !== undefined : "weight" in data && data.weight !== undefined;
}

const FLOAT_BYTES = 4;

/** As if every value of a batch lived as long as its gradient. */
function guessedBytes(model: ResolvedModel, spec: Pick<JobSpec, "batch_size" | "optimizer">, data: DataSize): number {
  const weights = model.layers.flatMap(({ parameters }) => Object.values(parameters));
  const parameters = weights.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const rowSize = elementCount(data.inputShape) + elementCount(data.targetShape);
  const rows = (data.trainRows + data.validationRows) * rowSize;
  const batch = Math.min(spec.batch_size, data.trainRows);
  const activations = 2 * batch * (rowSize + valuesOfSample(model));
  return FLOAT_BYTES * (parameters * weightCopies(spec.optimizer) + rows + activations);
}

const valuesOfSample = (model: ResolvedModel): number =>
  model.layers.reduce((sum, { output, innerValues }) => sum + elementCount(output) + innerValues, 0);

/** The weights themselves, their gradients and the optimizer's state. */
function weightCopies({ type, ...given }: JobSpec["optimizer"]): number {
  const definition = optimizers.get(type);
  return 2 + (definition?.stateTensors(definition.args.parse(given)) ?? 0);
}
