/** An exponential average that grows with its series. It starts without the bias towards zero, as TensorBoard's does. */
import { Series } from "./series.ts";

export class Smoothed {
  readonly series = new Series();
  readonly #raw: Series;
  #weight = 0;
  #average = 0;
  #seen = 0;

  constructor(raw: Series) {
    this.#raw = raw;
  }

  /** Follows the series to its end. `weight` is that of the past: 0 changes nothing, nearly 1 is nearly flat. */
  update(weight: number): Series {
    if (weight !== this.#weight || this.series.length > this.#raw.length) this.#restart(weight);
    for (let i = this.series.length; i < this.#raw.length; i++) this.series.push(this.#next(this.#raw.at(i)));
    return this.series;
  }

  #restart(weight: number): void {
    this.#weight = weight;
    this.#average = 0;
    this.#seen = 0;
    this.series.clear();
  }

  #next(value: number): number {
    if (Number.isNaN(value)) return value;
    this.#seen++;
    this.#average = this.#average * this.#weight + (1 - this.#weight) * value;
    return this.#average / (1 - this.#weight ** this.#seen);
  }
}
