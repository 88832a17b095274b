/** Which epoch was best, and whether to stop because none has been better for a while. */
import type { Best, EarlyStoppingPlan } from "./plan.ts";

export interface EpochValues {
  readonly epoch: number;
  readonly loss: number;
  readonly val_loss?: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly val_metrics?: Readonly<Record<string, number>>;
}

export class Monitor {
  best: Best | null = null;
  badEpochs = 0;
  readonly #metric: string;
  readonly #sign: 1 | -1;
  readonly #minDelta: number;
  readonly #patience: number;

  /** Without early stopping the validation loss is watched (else the training loss), for the best weights alone. */
  constructor(earlyStopping: EarlyStoppingPlan | null | undefined, hasValidation: boolean) {
    this.#metric = earlyStopping?.monitor ?? (hasValidation ? "val_loss" : "loss");
    this.#sign = earlyStopping?.mode === "max" ? -1 : 1;
    this.#minDelta = earlyStopping?.minDelta ?? 0;
    this.#patience = earlyStopping?.patience ?? Number.POSITIVE_INFINITY;
  }

  /** Goes on from what another has seen, if that has watched the same. Whether it has. */
  follow(other: Monitor): boolean {
    if (this.#metric !== other.#metric || this.#sign !== other.#sign) return false;
    this.best = other.best;
    this.badEpochs = other.badEpochs;
    return true;
  }

  /** Returns whether this epoch is the best so far. */
  observe(values: EpochValues): boolean {
    const value = this.#value(values);
    const improved = this.best === null || this.#sign * (this.best.value - value) > this.#minDelta;
    if (improved) {
      this.best = { epoch: values.epoch, metric: this.#metric, value };
      this.badEpochs = 0;
    } else {
      this.badEpochs++;
    }
    return improved;
  }

  /** PyTorch has no early stopping; this is Keras's: stop once `patience` epochs in a row were no better. */
  get shouldStop(): boolean {
    return this.badEpochs > 0 && this.badEpochs >= this.#patience;
  }

  #value(values: EpochValues): number {
    if (this.#metric === "loss") return values.loss;
    if (this.#metric === "val_loss") return values.val_loss ?? values.loss;
    const isValidation = this.#metric.startsWith("val_");
    const value = isValidation ? values.val_metrics?.[this.#metric.slice(4)] : values.metrics[this.#metric];
    if (value === undefined)
      throw new Error(`Early stopping watches ${this.#metric}, which this run does not compute.`);
    return value;
  }
}
