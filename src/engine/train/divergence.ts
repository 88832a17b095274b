/** Noticing that a run has diverged, and saying so. */
import type { Module } from "../nn/module.ts";
import type { StepFindings } from "./inspect-step.ts";

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

export const nameOfNonFinite = (loss: number): "nan" | "inf" | "-inf" =>
  Number.isNaN(loss) ? "nan" : loss > 0 ? "inf" : "-inf";

/** `epoch`: the whole epochs behind, whose weights are kept; `step`: the update at fault; `lr`: its rate. */
export function describeDivergence(about: {
  epoch: number;
  step: number;
  loss: number;
  lr: number;
  layer: StepFindings["layer"];
  action: "stop" | "rollback";
}): string {
  const { epoch, step, loss, lr, layer, action } = about;
  const kept = epoch === 0 ? "the initial ones" : `those after epoch ${epoch}`;
  const where = layer ? ` The output of layer ${layer.name} (${layer.type}) was the first that was not finite.` : "";
  const what = `The loss became ${nameOfNonFinite(loss)} in epoch ${epoch + 1} at step ${step}.${where}`;
  if (action === "rollback") return `${what} The run goes back to the weights before this epoch, at half the rate.`;
  return (
    `${what} The weights kept are ${kept}. ` +
    `A lower learning rate than ${lr}, gradient clipping (clip_grad_norm) or standardized inputs usually help.`
  );
}
