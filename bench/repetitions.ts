/** How often something was done in how long, and what many such measurements say. */

export interface Repetitions {
  readonly count: number;
  readonly seconds: number;
}

/** Calls `once` until the time is up. */
export function repeat(once: () => void, seconds: number): Repetitions {
  const start = performance.now();
  const end = start + seconds * 1000;
  let count = 0;
  let now = start;
  while (now < end) {
    for (let i = 0; i < 8; i++) once();
    count += 8;
    now = performance.now();
  }
  return { count, seconds: (now - start) / 1000 };
}

export interface Summary {
  readonly median: number;
  /** Lowest and highest, as parts of the median: −0.03 … +0.05. */
  readonly low: number;
  readonly high: number;
}

export function summarize(rates: readonly number[]): Summary {
  const sorted = rates.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  const median = sorted.length % 2 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
  return { median, low: (sorted[0] ?? median) / median - 1, high: (sorted.at(-1) ?? median) / median - 1 };
}
