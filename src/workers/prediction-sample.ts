/**
 * Keeps what a training's model gives for some of its rows, for whoever wants to see where it errs: at a checkpoint when there is time
 * for it, and at the end.
 */
import { nestNumbers } from "../data/nest-numbers.ts";
import type { PreparedData } from "../data/prepare-data.ts";
import type { FittedPreprocess } from "../data/preprocess.ts";
import { undoPreprocess } from "../data/undo-preprocess.ts";
import { type Examples, elementCount, type Trainer } from "../engine/index.ts";
import type { StoredPredictions } from "../jobs/predictions.ts";

const MOST_ROWS = 1000;
/** Inputs, outputs and targets together. */
const MOST_NUMBERS = 131_072;
/** Rows with more values are not told. */
const MOST_VALUES = 1024;
const DIGITS = 5;
/** Of the time that a training takes, so much goes into predictions. */
const SHARE = 0.05;

export class PredictionSample {
  readonly #trainer: Trainer;
  readonly #rowsOf: StoredPredictions["rows_of"];
  readonly #examples: Examples;
  readonly #preprocess: FittedPreprocess;
  #inputs: Float32Array | null = null;
  #rows: number[] = [];
  #cost = 0;
  #lastAt = performance.now();

  constructor(trainer: Trainer, { train, validation, preprocess }: PreparedData) {
    this.#trainer = trainer;
    this.#rowsOf = validation ? "validation" : "training";
    this.#examples = validation ?? train;
    this.#preprocess = preprocess;
  }

  /** Null when told to stop. */
  take(shouldStop: () => boolean): StoredPredictions | null {
    const began = performance.now();
    this.#inputs ??= this.#choose(shouldStop);
    const inputs = this.#inputs;
    const answers = inputs && this.#trainer.ask(inputs, shouldStop);
    this.#lastAt = performance.now();
    this.#cost = this.#lastAt - began;
    if (!inputs || !answers) return null;
    const nested = (values: ArrayLike<number>, shape: readonly number[], digits = DIGITS): unknown[] => {
      const all = nestNumbers(values, [this.#rows.length, ...shape], digits);
      return Array.isArray(all) ? all : [all];
    };
    const { targetShape, count } = this.#examples;
    return {
      rows_of: this.#rowsOf,
      rows: count,
      ...this.#trainer.position,
      ...(this.#toldValues > 0 && { inputs: undoPreprocess(this.#preprocess, inputs) }),
      outputs: nested(answers.outputs, answers.outputShape),
      targets: nested(this.#targets(), targetShape, 9),
    };
  }

  /** Whether it would cost no more than its share of the time since the last one. */
  get isAffordable(): boolean {
    return this.#cost <= SHARE * (performance.now() - this.#lastAt);
  }

  /** The inputs of the rows that are asked for; how many is known once one has been answered. */
  #choose(shouldStop: () => boolean): Float32Array | null {
    const { count } = this.#examples;
    const one = this.#trainer.ask(this.#inputsOf([0]), shouldStop);
    if (!one) return null;
    const numbers = this.#toldValues + one.outputs.length + elementCount(this.#examples.targetShape);
    const rows = Math.max(1, Math.min(count, MOST_ROWS, Math.floor(MOST_NUMBERS / numbers)));
    this.#rows = Array.from({ length: rows }, (_, i) => Math.floor((i * count) / rows));
    return this.#inputsOf(this.#rows);
  }

  /** How many values of a row are told. */
  get #toldValues(): number {
    const values = elementCount(this.#preprocess.rawShape);
    return values > MOST_VALUES ? 0 : values;
  }

  #inputsOf(rows: readonly number[]): Float32Array {
    const { inputs, inputShape } = this.#examples;
    const width = elementCount(inputShape);
    const chosen = new Float32Array(rows.length * width);
    rows.forEach((row, i) => {
      chosen.set(inputs.subarray(row * width, (row + 1) * width), i * width);
    });
    return chosen;
  }

  #targets(): number[] {
    const { targets, targetShape } = this.#examples;
    const width = elementCount(targetShape);
    return this.#rows.flatMap((row) => Array.from(targets.subarray(row * width, (row + 1) * width)));
  }
}
