/** Parts of a trainer made from a plan's plain data. */
import { noGrad } from "../autograd.ts";
import type { Module } from "../nn/module.ts";
import type { Shape } from "../shape.ts";
import { zeros } from "../tensor.ts";
import type { Typed } from "./plan.ts";

/** 100 samples in batches of 32: [32, 32, 32, 4]. */
export function batchSizes(samples: number, batchSize: number): number[] {
  const sizes: number[] = [];
  for (let left = samples; left > 0; left -= batchSize) sizes.push(Math.min(left, batchSize));
  return sizes;
}

/** One sample's output shape, found by running one. */
export function outputShape(model: Module, inputShape: Shape): readonly number[] {
  const [device] = model.parameters().map((parameter) => parameter.device);
  if (!device) throw new Error("The model has no weights to train. Add a layer with weights, such as Linear.");
  model.eval();
  const shape = device.scope(
    () => noGrad(() => model.forward(zeros([1, ...inputShape])).shape.slice(1)),
    () => [],
  );
  model.train();
  return shape;
}

export function definitionOf<D>(kind: string, known: ReadonlyMap<string, D>, { type }: Typed): D {
  const definition = known.get(type);
  if (definition) return definition;
  throw new Error(`Unknown ${kind} ${JSON.stringify(type)}; known are ${[...known.keys()].join(", ")}.`);
}

/** Optimizers that keep momentum only when it is above 0 must know that a schedule will move it. */
export function withMomentum(optimizer: Typed, momentum: number): Typed {
  const keeps = ["SGD", "RMSprop"].includes(optimizer.type);
  return keeps && !optimizer["momentum"] ? { ...optimizer, momentum } : optimizer;
}

/** Parses the arguments by the definition's own schema and hands both on. */
export function build<D extends { args: { parse(given: unknown): Record<string, unknown> } }, Made>(
  definition: D,
  { type: _, ...given }: Typed,
  make: (definition: D, args: Record<string, unknown>) => Made,
): Made {
  return make(definition, definition.args.parse(given));
}
