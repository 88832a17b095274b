/**
 * A row of numbers that grows at its end, and can be drawn at any width in a time that does not depend on its length: beside
 * the numbers it keeps where the least and the greatest of every 16 of them are, of every 64, every 256 … NaN stands for a
 * number that is missing.
 */

const FIRST_BUCKET = 16;
const FAN = 4;

interface Level {
  readonly size: number;
  /** The index of the least number in each bucket, and of the greatest; -1 where all are missing. */
  least: Int32Array;
  greatest: Int32Array;
}

export class Series {
  #values: Float64Array;
  #length = 0;
  /** The indices of the least and the greatest number so far, the first of equal ones; -1 while all are missing. */
  #least = -1;
  #greatest = -1;
  readonly #levels: Level[] = [];

  constructor(capacity = 256) {
    this.#values = new Float64Array(capacity);
  }

  static of(values: Iterable<number | null>): Series {
    const series = new Series();
    for (const value of values) series.push(value);
    return series;
  }

  get length(): number {
    return this.#length;
  }

  /** NaN beyond its ends, too. */
  at(index: number): number {
    return index >= 0 && index < this.#length ? (this.#values[index] ?? Number.NaN) : Number.NaN;
  }

  get last(): number {
    return this.at(this.#length - 1);
  }

  /** Whether any of them is there. */
  get someNumber(): boolean {
    return this.#least !== -1;
  }

  push(value: number | null): void {
    const index = this.#length++;
    if (index === this.#values.length) {
      const grown = new Float64Array(index * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[index] = value ?? Number.NaN;
    if (value !== null && !Number.isNaN(value)) {
      if (this.#least === -1 || value < this.at(this.#least)) this.#least = index;
      if (this.#greatest === -1 || value > this.at(this.#greatest)) this.#greatest = index;
    }
    for (let i = 0, size = FIRST_BUCKET; size <= this.#length || i < this.#levels.length; i++, size *= FAN) {
      const level = this.#levels[i];
      if (level) this.#note(level, index);
      else if (size === this.#length) this.#open(size);
      else break;
    }
  }

  /** Missing numbers up to that length. */
  padTo(length: number): void {
    while (this.#length < length) this.push(null);
  }

  clear(): void {
    this.#length = 0;
    this.#least = -1;
    this.#greatest = -1;
    this.#levels.length = 0;
  }

  *[Symbol.iterator](): Generator<number> {
    for (let i = 0; i < this.#length; i++) yield this.at(i);
  }

  /** The first index whose number is not less than `value`, in a series that never falls. */
  lowerBound(value: number): number {
    let from = 0;
    let to = this.#length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.at(middle) < value) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** The index of the number that is nearest to `value`, in a series that never falls; -1 if it is empty. */
  nearest(value: number): number {
    const after = this.lowerBound(value);
    if (after === 0) return this.#length === 0 ? -1 : 0;
    if (after === this.#length) return after - 1;
    return value - this.at(after - 1) <= this.at(after) - value ? after - 1 : after;
  }

  /**
   * Visits `from` … `to - 1` in pieces of at most `longest` numbers: the indices at which a piece begins and is over, and those
   * of its least and its greatest number (-1 if it has none).
   */
  visit(
    from: number,
    to: number,
    longest: number,
    see: (at: number, over: number, least: number, greatest: number) => void,
  ): void {
    const level = this.#levels.findLast(({ size }) => size <= longest);
    let at = Math.max(0, from);
    const end = Math.min(to, this.#length);
    while (at < end) {
      if (level && at % level.size === 0 && at + level.size <= end) {
        const bucket = at / level.size;
        see(at, at + level.size, level.least[bucket] ?? -1, level.greatest[bucket] ?? -1);
        at += level.size;
      } else {
        const found = Number.isNaN(this.at(at)) ? -1 : at;
        see(at, at + 1, found, found);
        at++;
      }
    }
  }

  /** The indices of the least and the greatest number of all, the first of equal ones; -1 if there is none. */
  extremes(): { least: number; greatest: number } {
    return { least: this.#least, greatest: this.#greatest };
  }

  /** A new level, once its first bucket is full. */
  #open(size: number): void {
    const level: Level = { size, least: new Int32Array(16).fill(-1), greatest: new Int32Array(16).fill(-1) };
    this.#levels.push(level);
    for (let i = 0; i < this.#length; i++) this.#note(level, i);
  }

  #note(level: Level, index: number): void {
    const bucket = Math.floor(index / level.size);
    if (bucket === level.least.length) {
      level.least = longer(level.least);
      level.greatest = longer(level.greatest);
    }
    const value = this.at(index);
    const { least, greatest } = level;
    if (index % level.size === 0) {
      least[bucket] = -1;
      greatest[bucket] = -1;
    }
    if (Number.isNaN(value)) return;
    if ((least[bucket] ?? -1) === -1 || value < this.at(least[bucket] ?? -1)) least[bucket] = index;
    if ((greatest[bucket] ?? -1) === -1 || value > this.at(greatest[bucket] ?? -1)) greatest[bucket] = index;
  }
}

function longer(array: Int32Array): Int32Array {
  const grown = new Int32Array(array.length * 2).fill(-1);
  grown.set(array);
  return grown;
}
