/** The weights after the best epoch so far, and whether none has been better for too long. */
import type { Module, Weights } from "../nn/module.ts";
import { type EpochValues, Monitor } from "./monitor.ts";
import type { Best, EarlyStoppingPlan } from "./plan.ts";
import { Snapshot } from "./snapshot.ts";

export interface BestState {
  readonly best: Best | null;
  readonly badEpochs: number;
  readonly weights: ReadonlyMap<string, Weights> | null;
}

export class BestWeights {
  readonly #hasValidation: boolean;
  #earlyStopping: EarlyStoppingPlan | null;
  #monitor: Monitor;
  /** On the host: training itself never reads them. */
  readonly #weights: Snapshot;
  #hasWeights = false;
  /** Whether they are newer than the last checkpoint; whoever makes one says so. */
  isUnsaved = false;

  constructor(model: Module, earlyStopping: EarlyStoppingPlan | null | undefined, hasValidation: boolean) {
    this.#weights = new Snapshot(model.namedState());
    this.#hasValidation = hasValidation;
    this.#earlyStopping = earlyStopping ?? null;
    this.#monitor = new Monitor(earlyStopping, hasValidation);
  }

  /** After an epoch: keeps the weights if it is the best. */
  observe(values: EpochValues): void {
    if (!this.#monitor.observe(values)) return;
    this.#weights.take();
    this.#hasWeights = true;
    this.isUnsaved = true;
  }

  /** The best epoch by what is watched now. */
  get best(): Best | null {
    return this.#monitor.best;
  }

  get shouldStop(): boolean {
    return this.#monitor.shouldStop;
  }

  /** From now on; the best so far counts only if the same is watched. */
  change(earlyStopping: EarlyStoppingPlan | null): void {
    this.#earlyStopping = earlyStopping;
    const monitor = new Monitor(earlyStopping, this.#hasValidation);
    if (!monitor.follow(this.#monitor)) this.#hasWeights = false;
    this.#monitor = monitor;
  }

  /** Whether the best weights are the ones that the run ends with. */
  get areRestored(): boolean {
    return this.#earlyStopping?.restoreBest ?? false;
  }

  /** At the end: puts them back, if that is wanted. */
  finish(): void {
    if (this.areRestored && this.#hasWeights) this.#weights.putBack();
  }

  get state(): BestState {
    const { best, badEpochs } = this.#monitor;
    return { best, badEpochs, weights: this.#hasWeights ? this.#weights.weights() : null };
  }
  set state({ best, badEpochs, weights }: BestState) {
    this.#monitor.best = best;
    this.#monitor.badEpochs = badEpochs;
    this.#hasWeights = weights !== null;
    if (weights) this.#weights.load(weights);
  }
}
