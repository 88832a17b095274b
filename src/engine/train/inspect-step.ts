/** Looks into the step whose loss was not finite: runs it again, layer by layer. */
import { noGrad } from "../autograd.ts";
import type { Device } from "../device.ts";
import type { Module } from "../nn/module.ts";
import type { Sequential } from "../nn/sequential.ts";
import type { Tensor } from "../tensor.ts";
import type { Batches } from "./batches.ts";

export interface StepFindings {
  /** The first layer that gave something else than finite numbers; null if all of them gave finite ones. */
  readonly layer: { readonly name: string; readonly type: string } | null;
  /** The batch, as rows of the training data. */
  readonly rows: readonly number[];
  /** L2 norm of all gradients of this batch, before clipping. */
  readonly gradientNorm: number;
}

/** `sizes`: the batches of the step, the last of which is looked at. The model stands before the step; it does not afterwards. */
export function inspectStep(
  device: Device,
  parts: { model: Sequential; criterion: Module; batches: Batches },
  sizes: readonly number[],
  types: readonly string[],
): StepFindings {
  const { model, criterion, batches } = parts;
  return device.scope(
    () => {
      // Dropout and running statistics have seen the batches before.
      for (const rows of sizes.slice(0, -1)) noGrad(() => model.forward(batches.next(rows).inputs));
      const count = sizes.at(-1) ?? 0;
      const rows = batches.rows(count);
      const { inputs, targets, weights } = batches.next(count);
      let layer: StepFindings["layer"] = null;
      let value = inputs;
      model.layers.forEach((module, i) => {
        value = module.forward(value);
        if (layer === null && !allFinite(value)) layer = { name: String(i), type: types[i] ?? "" };
      });
      criterion.forward(value, targets, ...(weights ? [weights] : [])).backward();
      const gradientNorm = normOf(device, model);
      model.zeroGrad();
      return { layer, rows, gradientNorm };
    },
    () => [],
  );
}

function allFinite(tensor: Tensor): boolean {
  return tensor.data().every(Number.isFinite);
}

function normOf(device: Device, model: Module): number {
  const total = device.store(new Float64Array(1));
  for (const { grad } of model.parameters()) {
    if (grad) device.run("sumSquares", [total.buffer, grad.storage.buffer], [grad.size]);
  }
  const [squared = 0] = device.backend.read(total.buffer, new Float64Array(1));
  device.free(total);
  return Math.sqrt(squared);
}
