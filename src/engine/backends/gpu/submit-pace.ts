/**
 * How many dispatches to put into a submit: enough that what a submit costs (some 50 µs) is lost among theirs, few enough
 * that what is under way is soon over, however slow the GPU and however large the kernels: a stop is to be felt at once.
 */

const FEWEST = 8;
const MOST = 512;
/** A submit is to take about so long. */
const SHORT_MS = 5;
const LONG_MS = 20;

export class SubmitPace {
  #dispatches = 64;
  #doneAt = 0;

  get dispatches(): number {
    return this.#dispatches;
  }

  /** A submit of `dispatches`, queued at one time, was over at the other, in milliseconds. */
  learn(dispatches: number, queuedAt: number, doneAt: number): void {
    // It began when it was queued, or when the one before it was over.
    const took = doneAt - Math.max(queuedAt, this.#doneAt);
    this.#doneAt = doneAt;
    if (took > LONG_MS) this.#dispatches = Math.max(FEWEST, this.#dispatches >> 1);
    else if (took < SHORT_MS && dispatches >= this.#dispatches) this.#dispatches = Math.min(MOST, 2 * this.#dispatches);
  }
}
