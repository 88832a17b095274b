/** How many steps to run before looking up: about `targetMs` worth, measured as it goes. */

export class Pacer {
  readonly #targetMs: number;
  readonly #limit: number;
  #next = 1;

  constructor(targetMs: number, limit: number) {
    this.#targetMs = targetMs;
    this.#limit = limit;
  }

  /** Runs `body(n)` for a suitable n ≤ `most`, and learns from how long it took. */
  run(most: number, body: (times: number) => void): number {
    const times = Math.max(1, Math.min(most, this.#next, this.#limit));
    const start = performance.now();
    body(times);
    const perStep = (performance.now() - start) / times;
    const wanted = Math.floor(this.#targetMs / Math.max(perStep, 1e-6));
    // At most doubling, so that one lucky measurement doesn't make the next run long.
    this.#next = Math.max(1, Math.min(wanted, this.#next * 2));
    return times;
  }
}
