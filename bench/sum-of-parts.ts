/** The least that training by backpropagation holds: weights, gradients, optimizer state, and the values of a batch. */
import type { PreparedData } from "../src/data/prepare-data.ts";
import { elementCount, layers, optimizers } from "../src/engine/definitions.ts";
import type { JobSpec, ModelSummary } from "../src/spec/index.ts";

/** Bytes, as the definitions of layers and optimizer say them. */
export function sumOfParts(
  { spec, summary }: { readonly spec: JobSpec; readonly summary: ModelSummary },
  { train, validation }: PreparedData,
): { readonly sum: number; readonly data: number } {
  const { type, ...given } = spec.optimizer;
  const optimizer = optimizers.get(type);
  const copies = 2 + (optimizer?.stateTensors(optimizer.args.parse(given)) ?? 0);
  const rowSize = elementCount(train.inputShape) + elementCount(train.targetShape);
  const rows = train.count + (validation?.count ?? 0);
  let values = rowSize;
  let shape = train.inputShape;
  for (const layer of spec.model.layers) {
    const definition = layers.get(layer.type);
    if (!definition) throw new Error(layer.type);
    const { type: _, ...args } = layer;
    const { output, innerValues = 0 } = definition.resolve(definition.args.parse(args), shape);
    values += elementCount(output) + innerValues;
    shape = output;
  }
  const batch = Math.min(spec.batch_size, train.count);
  return { sum: 4 * (copies * summary.parameters + batch * values), data: 4 * rows * rowSize };
}
