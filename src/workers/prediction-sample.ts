/**
 * Keeps what a training's model gives for some of its rows, for whoever wants to see where it errs: at a checkpoint when there is time
 * for it, and at the end.
 */
import { nestNumbers } from "../data/nest-numbers.ts";
import type { PreparedData } from "../data/prepare-data.ts";
import { elementCount, type Trainer } from "../engine/index.ts";
import { sampledRows } from "./sampled-rows.ts";

const DIGITS = 5;
/** Of the time that a training takes, so much goes into predictions. */
const SHARE = 0.05;

/** JSON of StoredPredictions, in two pieces. */
export type SampledPredictions = readonly [facts: Uint8Array<SharedArrayBuffer>, rest: Uint8Array];

export class PredictionSample {
  readonly #trainer: Trainer;
  readonly #data: PreparedData;
  readonly #share: number;
  #cost = 0;
  #lastAt = performance.now();

  /** `together`: how many trainings share the time, by turns. */
  constructor(trainer: Trainer, data: PreparedData, together = 1) {
    this.#trainer = trainer;
    this.#data = data;
    this.#share = SHARE / together;
  }

  /** Null when told to stop. */
  take(shouldStop: () => boolean): SampledPredictions | null {
    const began = performance.now();
    const predictions = this.#take(shouldStop);
    this.#lastAt = performance.now();
    this.#cost = this.#lastAt - began;
    return predictions;
  }

  #take(shouldStop: () => boolean): SampledPredictions | null {
    const { train, validation } = this.#data;
    const { count, inputs, facts } = sampledRows(this.#data, elementCount(this.#trainer.outputShape));
    const answers = this.#trainer.ask(inputs, shouldStop);
    if (!answers) return null;
    const rest = JSON.stringify({
      rows_of: validation ? "validation" : "training",
      rows: (validation ?? train).count,
      ...this.#trainer.position,
      outputs: nestNumbers(answers.outputs, [count, ...answers.outputShape], DIGITS),
    });
    return [facts, Buffer.from(rest.slice(1))];
  }

  /** Whether it would cost no more than its share of the time since the last one. */
  get isAffordable(): boolean {
    return this.#cost <= this.#share * (performance.now() - this.#lastAt);
  }
}
