/** Where the samples get their numbers. */

/** Numbers from a seed that fast-check chooses: large arrays without large counterexamples. */
export class Source {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** In [0, 1), by mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer in [low, high]. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** In [−2, 2], as PyTorch's own op tests use. */
  floats(n: number): Float32Array {
    return Float32Array.from({ length: n }, () => this.next() * 4 - 2);
  }

  positive(n: number): Float32Array {
    return Float32Array.from({ length: n }, () => this.next() * 4);
  }

  /** Also what is hard: zeros of both signs, infinities, NaN, denormals, equal and very large numbers. */
  edges(n: number): Float32Array {
    const special = [0, -0, 1, -1, 0.5, 1.5, Number.NaN, 1e-40, -1e-40, 3e38, 1e-20, 2 ** 31];
    special.push(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    return Float32Array.from({ length: n }, () =>
      this.next() < 0.3 ? special[this.integer(0, special.length - 1)]! : this.next() * 40 - 20,
    );
  }

  integers(n: number, low: number, high: number): Int32Array {
    return Int32Array.from({ length: n }, () => this.integer(low, high));
  }

  /** Of a random stream; every other time its counter is about to carry over. */
  state(): Int32Array {
    const state = this.integers(8, 0, 0xffff);
    if (this.next() < 0.5) state[6] = 0xffff;
    return state;
  }
}
