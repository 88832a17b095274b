/** Noticing that a run has diverged, and saying so. */
import type { Module } from "../nn/module.ts";
import type { TrainerOutcome } from "./plan.ts";

/**
 * The sum of squares of the first parameter where it is not finite. Infinite weights have no finite loss; this notices
 * them before the next epoch would.
 */
export function firstNonFiniteWeight(model: Module): number | undefined {
  for (const { device, storage, size } of model.parameters()) {
    const total = device.store(new Float64Array(1));
    device.run("sumSquares", [total.buffer, storage.buffer], [size]);
    const [value = 0] = device.backend.read(total.buffer, new Float64Array(1));
    device.free(total);
    if (!Number.isFinite(value)) return value;
  }
  return undefined;
}

/** `epoch`: the whole epochs behind, whose weights are kept; `step`: the update at fault; `lr`: its rate. */
export function divergence({
  epoch,
  step,
  loss,
  lr,
}: {
  epoch: number;
  step: number;
  loss: number;
  lr: number;
}): TrainerOutcome {
  const shown = Number.isNaN(loss) ? "nan" : loss > 0 ? "inf" : "-inf";
  const kept = epoch === 0 ? "the initial ones" : `those after epoch ${epoch}`;
  return {
    status: "diverged",
    epoch: epoch + 1,
    step,
    loss: shown,
    message:
      `The loss became ${shown} in epoch ${epoch + 1} at step ${step}. The weights kept are ${kept}. ` +
      `A lower learning rate than ${lr}, gradient clipping (clip_grad_norm) or standardized inputs usually help.`,
  };
}
