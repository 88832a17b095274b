/** What training by backpropagation is made of: weights, gradients, optimizer state, and the values of a batch. */
import type { PreparedData } from "../src/data/prepare-data.ts";
import { elementCount, losses, optimizers } from "../src/engine/definitions.ts";
import { Device, withDevice } from "../src/engine/device.ts";
import { buildModel } from "../src/engine/nn/build.ts";
import { PlanningBackend } from "../src/engine/planning-backend.ts";
import { zeros } from "../src/engine/tensor.ts";
import type { JobSpec, ModelSummary } from "../src/spec/index.ts";

/** In bytes; `data` are the samples themselves, which are no part of the sum. */
export function sumOfParts(
  { spec, summary }: { readonly spec: JobSpec; readonly summary: ModelSummary },
  { train, validation }: PreparedData,
): { readonly sum: number; readonly data: number } {
  const { type, ...given } = spec.optimizer;
  const optimizer = optimizers.get(type);
  const copies = 2 + (optimizer?.stateTensors(optimizer.args.parse(given)) ?? 0);
  const rowSize = elementCount(train.inputShape) + elementCount(train.targetShape);
  const rows = train.count + (validation?.count ?? 0);
  return { sum: 4 * copies * summary.parameters + forwardBytes(spec, train), data: 4 * rows * rowSize };
}

/** Everything that the forward pass of a batch computes, and the batch. */
function forwardBytes({ model, loss, batch_size }: JobSpec, train: PreparedData["train"]): number {
  const backend = new PlanningBackend();
  return withDevice(new Device(backend), () => {
    const { type, ...given } = loss;
    const definition = losses.get(type);
    const criterion = definition?.create(definition.args.parse(given));
    const network = buildModel(model.layers);
    const before = backend.memory.live;
    const rows = Math.min(batch_size, train.count);
    const targets = zeros([rows, ...train.targetShape], {
      dtype: definition?.targets === "index" ? "int32" : "float32",
    });
    criterion?.forward(network.forward(zeros([rows, ...train.inputShape])), targets);
    return backend.memory.live - before;
  });
}
