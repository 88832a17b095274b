/** Parts of a trainer made from a plan's plain data. */
import { noGrad } from "../autograd.ts";
import type { Device } from "../device.ts";
import { losses } from "../losses/index.ts";
import { buildModel } from "../nn/build.ts";
import type { Module } from "../nn/module.ts";
import type { Sequential } from "../nn/sequential.ts";
import { type Optimizer, optimizers } from "../optim/index.ts";
import type { Shape } from "../shape.ts";
import { zeros } from "../tensor.ts";
import { Batches } from "./batches.ts";
import { stepsPerEpoch } from "./epoch-size.ts";
import { Evaluator } from "./evaluator.ts";
import type { Examples, ExpectedExamples, TrainingPlan, Typed } from "./plan.ts";
import { Rates, type RunLength, startingMomentum } from "./rates.ts";
import { Tally } from "./tally.ts";
import { LOSS_RING } from "./training-step.ts";

export interface Parts {
  readonly model: Sequential;
  readonly criterion: Module;
  readonly optimizer: Optimizer;
  readonly rates: Rates;
  readonly batches: Batches;
  readonly tally: Tally;
  /** Null without validation data. */
  readonly evaluator: Evaluator | null;
  /** Of one sample. */
  readonly outputShape: Shape;
}

export function assemble(plan: TrainingPlan<Examples | ExpectedExamples>, device: Device): Parts {
  const { train, validation, metrics, batchSize } = plan;
  const lossDefinition = definitionOf("loss", losses, plan.loss);
  const model = buildModel(plan.layers).seed(plan.seed);
  if (plan.initialWeights) model.loadStateDict(new Map(Object.entries(plan.initialWeights)), { strict: false });
  const batches = new Batches(device, train);
  const { optimizer, rates } = assembleOptimizer(plan, device, model);
  const criterion = build(lossDefinition, plan.loss, (definition, args) => definition.create(args));
  const outputShape = outputShapeOf(device, model, train.inputShape);
  const tallyOf = ({ count }: Examples | ExpectedExamples) =>
    new Tally(device, lossDefinition, outputShape, metrics, count);
  const tally = tallyOf(train);
  const compiled = plan.mode === "compiled";
  const evaluator = validation
    ? new Evaluator(device, {
        model,
        criterion,
        examples: validation,
        tally: tallyOf(validation),
        batchSize,
        compiled,
      })
    : null;
  return { model, criterion, optimizer, rates, batches, tally, evaluator, outputShape };
}

export function assembleOptimizer(
  plan: Pick<
    TrainingPlan<{ readonly count: number }>,
    "optimizer" | "scheduler" | "epochs" | "train" | "batchSize" | "dropLast" | "accumulateSteps"
  >,
  device: Device,
  model: Module,
): { optimizer: Optimizer; rates: Rates } {
  const length: RunLength = { epochs: plan.epochs, stepsPerEpoch: stepsPerEpoch(plan) };
  const momentum = startingMomentum(plan.scheduler, length);
  const typed = momentum === undefined ? plan.optimizer : withMomentum(plan.optimizer, momentum);
  const definition = definitionOf("optimizer", optimizers, typed);
  const optimizer = build(definition, typed, (known, args) => known.create(model.parameters(), args));
  const rates = new Rates(device, optimizer, plan.scheduler, definition.momentumAt, length, LOSS_RING);
  return { optimizer, rates };
}

/** One sample's output shape, found by running one. */
function outputShapeOf(device: Device, model: Module, inputShape: Shape): Shape {
  model.eval();
  const shape = device.scope(
    () => noGrad(() => model.forward(zeros([1, ...inputShape], { device })).shape.slice(1)),
    () => [],
  );
  model.train();
  return shape;
}

function definitionOf<D>(kind: string, known: ReadonlyMap<string, D>, { type }: Typed): D {
  const definition = known.get(type);
  if (definition) return definition;
  throw new Error(`Unknown ${kind} ${JSON.stringify(type)}; known are ${[...known.keys()].join(", ")}.`);
}

/** Optimizers that keep momentum only when it is above 0 must know that a schedule will move it. */
function withMomentum(optimizer: Typed, momentum: number): Typed {
  const keeps = ["SGD", "RMSprop"].includes(optimizer.type);
  return keeps && !optimizer["momentum"] ? { ...optimizer, momentum } : optimizer;
}

/** Parses the arguments by the definition's own schema and hands both on. */
function build<D extends { args: { parse(given: unknown): Record<string, unknown> } }, Made>(
  definition: D,
  { type: _, ...given }: Typed,
  make: (definition: D, args: Record<string, unknown>) => Made,
): Made {
  return make(definition, definition.args.parse(given));
}
