/**
 * The steps of a run's epochs: the order of the samples, how far the run has come, and as many updates at a time as it
 * can do before it must look up.
 */
import type { Device } from "../device.ts";
import { RandomStream } from "../random.ts";
import type { Parts } from "./assemble.ts";
import type { Batches } from "./batches.ts";
import { batchSizes, samplesPerEpoch } from "./epoch-size.ts";
import { Pacer } from "./pacer.ts";
import type { TrainingPlan } from "./plan.ts";
import type { Standing } from "./restart-point.ts";
import type { Tally, TallyResult } from "./tally.ts";
import { LOSS_RING, TrainingStep } from "./training-step.ts";

/** Long enough to keep JavaScript out of the way, short enough that a cancel is felt at once. */
const CHUNK_MS = 10;

/** A loss that is not finite; `batches`: how many of the step's batches it took. */
export interface Anomaly {
  readonly step: number;
  readonly loss: number;
  readonly batches: number;
}

/** Steps done at once, all of the same batch sizes. */
export interface StepsDone {
  /** Updates that came before them. */
  readonly before: number;
  readonly sizes: readonly number[];
  /** Losses of their batches, as far as they were finite. */
  readonly batchLosses: Float32Array;
  readonly anomaly: Anomaly | null;
}

export class EpochSteps {
  readonly #plan: TrainingPlan<unknown>;
  readonly #batches: Batches;
  readonly #tally: Tally;
  readonly #update: TrainingStep;
  readonly #samples: number;
  readonly #shuffle: RandomStream;
  /** The shuffle stream as it was before the current epoch's order was drawn; null between epochs. */
  #shuffledFrom: Int32Array | null = null;
  readonly #pacer = new Pacer(CHUNK_MS, LOSS_RING);
  #step = 0;

  constructor(device: Device, plan: TrainingPlan<{ readonly count: number }>, parts: Parts) {
    this.#plan = plan;
    this.#batches = parts.batches;
    this.#tally = parts.tally;
    this.#update = new TrainingStep(device, plan, parts);
    this.#samples = samplesPerEpoch(plan);
    this.#shuffle = new RandomStream(plan.seed, "shuffle", device);
  }

  /** Updates behind the run. */
  get step(): number {
    return this.#step;
  }

  /** Samples of the current epoch behind the run. */
  get cursor(): number {
    return this.#batches.cursor;
  }

  /** Samples of the current epoch to come. */
  get left(): number {
    return this.#samples - this.#batches.cursor;
  }

  /** Begins an epoch, unless the run is within one. */
  begin(): void {
    if (this.#shuffledFrom !== null) return;
    this.#tally.reset();
    this.#drawOrder();
  }

  /** At most `most` steps of the current epoch, of which some must be left. */
  run(most: number): StepsDone {
    const { left } = this;
    const before = this.#step;
    const group = this.#plan.batchSize * this.#plan.accumulateSteps;
    const sizes = this.#sizesOfStep(left);
    let losses: Float32Array = new Float32Array(0);
    this.#step += this.#pacer.run(
      Math.min(Math.floor(left / group) || 1, Math.floor(LOSS_RING / sizes.length) || 1, most),
      (times) => {
        losses = this.#update.run(sizes, before, times);
      },
    );
    const bad = losses.findIndex((loss) => !Number.isFinite(loss));
    if (bad < 0) return { before, sizes, batchLosses: losses, anomaly: null };
    const anomaly = {
      step: before + Math.floor(bad / sizes.length) + 1,
      loss: losses[bad] ?? Number.NaN,
      batches: (bad % sizes.length) + 1,
    };
    return { before, sizes, batchLosses: losses.subarray(0, bad), anomaly };
  }

  /** The batches of the next step. */
  nextSizes(): readonly number[] {
    return this.#sizesOfStep(this.left);
  }

  /** Ends the epoch. Gives what it added up. */
  close(): TallyResult {
    const result = this.#tally.result(this.#samples);
    this.#batches.cursor = 0;
    this.#shuffledFrom = null;
    return result;
  }

  /** To another place in the order of this epoch. */
  goTo({ step, cursor, tally }: Standing): void {
    this.#step = step;
    this.#batches.cursor = cursor;
    if (tally) this.#tally.state = tally;
    else this.#tally.reset();
  }

  /** What the epoch has added up so far. */
  get sums(): Float64Array {
    return this.#tally.state;
  }

  /** The stream that the epoch's order is drawn from, as it was at the epoch's start. */
  get shuffledFrom(): Int32Array {
    return this.#shuffledFrom ?? this.#shuffle.state;
  }

  /** Goes on at this place, in the order that `shuffledFrom` gives. */
  restore(standing: Standing, shuffledFrom: Int32Array | undefined): void {
    if (shuffledFrom) this.#shuffle.state = shuffledFrom;
    if (standing.cursor > 0) this.#drawOrder();
    this.goTo(standing);
  }

  /** Each kind of step once; of many equal batches before an update, as many as can be told apart. */
  rehearse(): void {
    const { batchSize, accumulateSteps } = this.#plan;
    const group = batchSize * accumulateSteps;
    for (const samples of [this.#samples >= group ? group : 0, this.#samples % group]) {
      const sizes = batchSizes(samples, batchSize);
      if (sizes.length > 0)
        this.#update.run(sizes.length > 3 ? [...sizes.slice(0, 2), ...sizes.slice(-1)] : sizes, 0, 1);
    }
  }

  dispose(): void {
    this.#update.dispose();
  }

  /** The batches of the next step, where so many samples of the epoch are left. */
  #sizesOfStep(left: number): number[] {
    const { batchSize, accumulateSteps } = this.#plan;
    return batchSizes(Math.min(left, batchSize * accumulateSteps), batchSize);
  }

  #drawOrder(): void {
    this.#shuffledFrom = this.#shuffle.state;
    if (this.#plan.shuffle) this.#batches.shuffle(this.#shuffle);
  }
}
