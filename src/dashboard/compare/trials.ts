/** What the trials of a sweep have reached, set against what was drawn for them. */
import type { Trial } from "../service/sweeps.ts";
import { type Dimension, type Outcomes, scaleOf } from "./outcomes.ts";

type Objective = Pick<Outcomes, "metric" | "wantsMost">;

/** Those that have a value, in the order in which they were drawn; `index` is their number. */
export function trialOutcomes(trials: readonly Trial[], objective: Objective): Outcomes {
  const of = trials.flatMap(({ number, job_id, value }) =>
    value === null || job_id === null ? [] : [{ job: { id: job_id, name: `trial ${number}` }, index: number, value }],
  );
  return { ...objective, of };
}

/** The fields that were drawn, in the order of the space. */
export const drawnPaths = (trials: readonly Trial[]): string[] => [
  ...new Set(trials.flatMap(({ params }) => Object.keys(params))),
];

/** An axis for each field in which the trials differ. */
export function drawnDimensions(trials: readonly Trial[], most: number): Dimension[] {
  return drawnPaths(trials)
    .map((path) => ({ path, values: trials.map(({ params }) => params[path]) }))
    .filter(({ values }) => values.some((value) => value !== values[0]))
    .slice(0, most)
    .map(({ path, values }) => ({ path, ...scaleOf(values) }));
}

/** The best first; those without a value behind them, by number. */
export function ranked(trials: readonly Trial[], { wantsMost }: Objective): Trial[] {
  const sign = wantsMost ? -1 : 1;
  return [...trials].sort((a, b) => {
    if (a.value === null || b.value === null)
      return Number(a.value === null) - Number(b.value === null) || a.number - b.number;
    return sign * (a.value - b.value) || a.number - b.number;
  });
}
