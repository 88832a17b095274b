/** What the trials of a sweep have reached, set against what was drawn for them. */
import type { Sweep, Trial } from "../service/sweeps.ts";
import { isWithin } from "../shared/within.ts";
import { type Dimension, type Outcomes, scaleOf } from "./outcomes.ts";

type Objective = Pick<Outcomes, "metric" | "wantsMost">;

/** Those that have a value, in the order in which they were drawn; `index` is their number. */
export function trialOutcomes(trials: readonly Trial[], objective: Objective): Outcomes {
  const of = trials.flatMap(({ number, job_id, value }) =>
    value === null || job_id === null ? [] : [{ job: { id: job_id, name: `trial ${number}` }, index: number, value }],
  );
  return { ...objective, of };
}

/** The fields that were drawn, in the order of the space, each followed by what was drawn within it, the outermost first. */
export function drawnPaths(trials: readonly Trial[], { spec }: Pick<Sweep, "spec">): string[] {
  const drawn = [...new Set(trials.flatMap(({ params }) => Object.keys(params)))].sort(fromOutside);
  const roots = Object.keys((spec["space"] ?? {}) as object);
  return [...new Set([...roots.flatMap((root) => drawn.filter((path) => isWithin(path, root))), ...drawn])];
}

const fromOutside = (a: string, b: string): number => depthOf(a) - depthOf(b) || byNumbers.compare(a, b);
const depthOf = (path: string): number => path.split(/[.[]/).length;
/** `layers[10]` after `layers[9]`. */
const byNumbers = new Intl.Collator("en", { numeric: true });

/** An axis for each field in which the trials differ. */
export function drawnDimensions(trials: readonly Trial[], sweep: Sweep): Dimension[] {
  return drawnPaths(trials, sweep)
    .map((path) => ({ path, values: trials.map(({ params }) => params[path]) }))
    .filter(({ values }) => values.some((value) => value !== values[0]))
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
