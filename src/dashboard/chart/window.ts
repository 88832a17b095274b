/** The part of the x axis that charts show together, and the place that they point at. */
import { signal } from "@preact/signals";

export type Range = readonly [from: number, to: number];

export class ChartWindow {
  /** Null: all there is, also as it grows. */
  readonly range = signal<Range | null>(null);
  /** The place under the pointer; null while there is none. */
  readonly cursor = signal<number | null>(null);

  reset(): void {
    this.range.value = null;
    this.cursor.value = null;
  }

  /** Shows that part of `all`; everything, if it is as much. */
  show([from, to]: Range, all: Range): void {
    const width = Math.min(to - from, all[1] - all[0]);
    if (!(width > 0) || width >= (all[1] - all[0]) * 0.999) {
      this.range.value = null;
      return;
    }
    const start = Math.min(Math.max(from, all[0]), all[1] - width);
    this.range.value = [start, start + width];
  }

  /** `factor` below 1 shows less, around `center`. */
  zoom(factor: number, center: number, all: Range): void {
    const [from, to] = this.range.value ?? all;
    this.show([center - (center - from) * factor, center + (to - center) * factor], all);
  }

  /** To the right by so much of what is shown. */
  pan(share: number, all: Range): void {
    const [from, to] = this.range.value ?? all;
    const by = (to - from) * share;
    this.show([from + by, to + by], all);
  }
}
