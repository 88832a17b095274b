import fc from "fast-check";
import { expect, test } from "vitest";
import { TREND_LENGTH, type Trend } from "../../src/jobs/job.ts";
import { EMPTY_TREND, withEpoch } from "../../src/jobs/trend.ts";

/** The loss of an epoch is its number. */
const after = (epochs: number, from: Trend = EMPTY_TREND, first = 1) => {
  let trend = from;
  for (let epoch = first; epoch <= epochs; epoch++) trend = withEpoch(trend, epoch, epoch);
  return trend;
};

test("the trend of a short run has every loss", () => {
  expect(after(5)).toEqual({ every: 1, losses: [1, 2, 3, 4, 5] });
});

test("however long a run is, its trend is short, evenly spread and reaches nearly to its end", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20_000 }), (epochs) => {
      const { every, losses } = after(epochs);
      expect(losses.length).toBeLessThan(TREND_LENGTH);
      expect(losses).toEqual(losses.map((_, i) => (i + 1) * every));
      expect(epochs - losses.length * every).toBeLessThan(every);
    }),
    { numRuns: 30 },
  );
});

test("epochs that are trained again after a crash change nothing", () => {
  expect(after(300, after(200), 150)).toEqual(after(300));
});

test("a loss that is not finite keeps its place", () => {
  expect(withEpoch(after(1), 2, null)).toEqual({ every: 1, losses: [1, null] });
});
