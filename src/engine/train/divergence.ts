/** Noticing that a run has diverged, and saying so. */
import type { Device, Storage } from "../device.ts";
import type { Tensor } from "../tensor.ts";
import type { StepFindings } from "./inspect-step.ts";

/** Infinite weights have no finite loss; this notices them before the next epoch would. */
export class WeightCheck {
  readonly #device: Device;
  readonly #parameters: readonly Tensor[];
  readonly #total: Storage;

  constructor(device: Device, parameters: readonly Tensor[]) {
    this.#device = device;
    this.#parameters = parameters;
    this.#total = device.store(new Float64Array(1));
  }

  /** The sum of squares of the first parameter where it is not finite. */
  nonFinite(): number | undefined {
    if (Number.isFinite(this.#sumOfSquares(this.#parameters))) return undefined;
    return this.#parameters.map((one) => this.#sumOfSquares([one])).find((sum) => !Number.isFinite(sum));
  }

  #sumOfSquares(parameters: readonly Tensor[]): number {
    const { backend } = this.#device;
    const { buffer } = this.#total;
    backend.write(buffer, new Float64Array(1));
    for (const { storage, size } of parameters) this.#device.run("sumSquares", [buffer, storage.buffer], [size]);
    return backend.read(buffer, new Float64Array(1))[0] ?? 0;
  }
}

export const nameOfNonFinite = (loss: number): "nan" | "inf" | "-inf" =>
  Number.isNaN(loss) ? "nan" : loss > 0 ? "inf" : "-inf";

/** `epoch`: the whole epochs behind; `step`: the update at fault; `lr`: its rate; `wentOnFrom`: the update within the epoch that is kept, if not its start. */
export function describeDivergence(about: {
  epoch: number;
  step: number;
  loss: number;
  lr: number;
  wentOnFrom: number | null;
  layer: StepFindings["layer"];
  action: "stop" | "rollback";
}): string {
  const { epoch, step, loss, lr, wentOnFrom, layer, action } = about;
  const before = epoch === 0 ? "the initial ones" : `those after epoch ${epoch}`;
  const kept = wentOnFrom === null ? before : `those after step ${wentOnFrom}, from which the run went on`;
  const where = layer ? ` The output of layer ${layer.name} (${layer.type}) was the first that was not finite.` : "";
  const what = `The loss became ${nameOfNonFinite(loss)} in epoch ${epoch + 1} at step ${step}.${where}`;
  if (action === "rollback") return `${what} The run goes back to the weights before this epoch, at half the rate.`;
  return (
    `${what} The weights kept are ${kept}. ` +
    `A lower learning rate than ${lr}, gradient clipping (clip_grad_norm) or standardized inputs usually help.`
  );
}
