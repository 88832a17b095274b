/** When a run's next checkpoint is due: every so many epochs, or so many seconds after the one before. */
import type { TrainingPlan } from "./plan.ts";

export class CheckpointSchedule {
  readonly #every: TrainingPlan["checkpoint"];
  #last = performance.now();

  constructor(every: TrainingPlan["checkpoint"]) {
    this.#every = every;
  }

  /** Seconds count from now on: the run begins, or a checkpoint is made. */
  restart(): void {
    this.#last = performance.now();
  }

  /** After steps within an epoch. */
  isDueByTime(): boolean {
    const { everySeconds } = this.#every;
    return everySeconds != null && performance.now() - this.#last >= everySeconds * 1000;
  }

  isDueAfterEpoch(epoch: number): boolean {
    const { everyEpochs } = this.#every;
    return everyEpochs != null && epoch % everyEpochs === 0;
  }
}
