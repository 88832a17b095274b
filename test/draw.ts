/** Random choices that a seed repeats. */
export class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1): mulberry32. */
  share(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.share() < probability;
  }

  /** A whole number, both ends included. */
  int(from: number, to: number): number {
    return from + Math.floor(this.share() * (to - from + 1));
  }

  /** Three decimals, so that a printed spec can be read. */
  real(from: number, to: number): number {
    return Math.round((from + this.share() * (to - from)) * 1000) / 1000;
  }

  /** Two significant digits, evenly over the orders of magnitude. */
  scale(from: number, to: number): number {
    return Number((from * (to / from) ** this.share()).toPrecision(2));
  }

  pick<T>(from: readonly [T, ...T[]] | readonly T[]): T {
    const chosen = from[this.int(0, from.length - 1)];
    if (chosen === undefined) throw new Error("There is nothing to pick from.");
    return chosen;
  }

  list<T>(length: number, make: (index: number) => T): T[] {
    return Array.from({ length }, (_, i) => make(i));
  }
}
