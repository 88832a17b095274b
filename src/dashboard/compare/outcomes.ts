/** What runs have reached, to be set against what they were given. */
import type { RunHistory } from "../history/run-history.ts";
import { bestOf } from "../run/run-curves.ts";
import type { Job } from "../service/jobs.ts";
import { differencesOf, type Value } from "./differences.ts";

/** What is needed of a job to compare what came of it. */
export type ComparedJob = Pick<Job, "id" | "name" | "spec" | "best">;

export interface Outcome {
  readonly job: Pick<ComparedJob, "id" | "name">;
  /** Its place in the comparison: its colour and dash. */
  readonly index: number;
  readonly value: number;
}

export interface Outcomes {
  readonly metric: string;
  /** Whether more is better. */
  readonly wantsMost: boolean;
  readonly of: readonly Outcome[];
}

interface Run {
  readonly job: ComparedJob;
  readonly history: RunHistory;
}

/** By the best epoch of what most of the runs watch; those that watch something else have no outcome. */
export function outcomesOf(runs: readonly Run[]): Outcomes {
  const all = runs.flatMap(({ job, history }, index) => {
    const best = bestOf(history, job);
    return best ? [{ job, index, value: best.value, metric: best.metric, wantsMost: best.wantsMost }] : [];
  });
  const metric = mostCommon(all.map((outcome) => outcome.metric)) ?? "loss";
  const of = all.filter((outcome) => outcome.metric === metric);
  return { metric, wantsMost: of[0]?.wantsMost ?? false, of };
}

const bySubmission = (a: Outcome, b: Outcome): number => (a.job.id < b.job.id ? -1 : 1);
export const byIndex = (a: Outcome, b: Outcome): number => a.index - b.index;

/** The best so far after each run, in the order in which they were made. */
export function bestSoFar({ of, wantsMost }: Outcomes, order = bySubmission): (Outcome & { best: number })[] {
  let best = wantsMost ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return [...of].sort(order).map((outcome) => {
    best = wantsMost ? Math.max(best, outcome.value) : Math.min(best, outcome.value);
    return { ...outcome, best };
  });
}

export interface Dimension {
  readonly path: string;
  /** Where each value lies, from 0 to 1; null for a run that has none. */
  readonly places: readonly (number | null)[];
  readonly labels: readonly { readonly place: number; readonly text: string }[];
}

/** Names and notes are no settings. */
const NOT_SET = /^(?:name|metadata\b.*|webhook\b.*|priority)$/;

/** An axis for each setting that differs: numbers by their size (by its logarithm, if they span decades), others side by side. */
export function dimensionsOf(jobs: readonly ComparedJob[]): Dimension[] {
  const all = differencesOf(jobs.map(({ spec }) => spec))
    .filter(({ path }) => !NOT_SET.test(path))
    .map(({ path, values }) => ({ path, ...scaleOf(values) }));
  // What follows from another setting, such as the inputs of the next layer, says nothing new.
  const first = new Map([...all].reverse().map((dimension) => [dimension.places.join(), dimension]));
  return all.filter((dimension) => first.get(dimension.places.join()) === dimension);
}

export function scaleOf(values: readonly (Value | undefined)[]): Omit<Dimension, "path"> {
  const given = values.filter((value) => value !== undefined && value !== null);
  const numbers = given.filter((value) => typeof value === "number");
  if (numbers.length === given.length && numbers.length > 0) return numericScale(values, numbers);
  const kinds = [...new Set(values.filter((value) => value !== undefined))];
  const placeOf = (value: Value) => (kinds.length === 1 ? 0.5 : kinds.indexOf(value) / (kinds.length - 1));
  return {
    places: values.map((value) => (value === undefined ? null : placeOf(value))),
    labels: kinds.map((kind) => ({
      place: placeOf(kind),
      text: typeof kind === "string" ? kind : JSON.stringify(kind),
    })),
  };
}

function numericScale(values: readonly (Value | undefined)[], numbers: readonly number[]): Omit<Dimension, "path"> {
  const [least, greatest] = [Math.min(...numbers), Math.max(...numbers)];
  const isWide = least > 0 && greatest / least >= 30;
  const along = (value: number) => (isWide ? Math.log(value) : value);
  const span = along(greatest) - along(least) || 1;
  const placeOf = (value: number) => (greatest === least ? 0.5 : (along(value) - along(least)) / span);
  return {
    places: values.map((value) => (typeof value === "number" ? placeOf(value) : null)),
    labels: [...new Set([least, greatest])].map((value) => ({ place: placeOf(value), text: shortOf(value) })),
  };
}

const shortOf = (value: number): string => String(Number(value.toPrecision(4)));

function mostCommon(names: readonly string[]): string | null {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? null;
}
