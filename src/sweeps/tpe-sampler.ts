/**
 * The tree-structured Parzen estimator (Bergstra et al. 2011): of what was tried, the better part gives a density l, the rest a
 * density g; of some candidates drawn from l the one with the largest l/g is tried next. Each leaf is looked at by itself, among
 * the trials that reached it: that is how nested choices are followed.
 */
import { RandomStream } from "../data/random.ts";
import type { Draws } from "./draw.ts";
import { randomPick } from "./random-sampler.ts";
import { type Leaf, type NumberLeaf, tidy } from "./search-space.ts";

export interface TpeOptions {
  /** So many trials are drawn at random first. */
  readonly startup_trials: number;
  /** Drawn from l for each leaf. */
  readonly candidates: number;
}

/** A trial so far. */
export interface Observation {
  readonly draws: Draws;
  /** The smaller, the better; null for one that has failed or is not known yet: it counts among the worse ones. */
  readonly value: number | null;
}

export function tpePick(
  seed: number,
  trial: number,
  observations: readonly Observation[],
  { startup_trials, candidates }: TpeOptions,
): (leaf: Leaf) => number {
  const known = observations.filter(({ value }) => value !== null);
  if (known.length < startup_trials) return randomPick(seed, trial);
  const byValue = observations.toSorted((a, b) => (a.value ?? Number.MAX_VALUE) - (b.value ?? Number.MAX_VALUE));
  const good = byValue.slice(0, bestCount(known.length));
  const bad = byValue.slice(good.length);
  return (leaf) => {
    const random = new RandomStream(seed, `tpe ${trial} ${leaf.id}`);
    const of = (some: readonly Observation[]) => some.flatMap(({ draws }) => draws[leaf.id] ?? []);
    return leaf.kind === "choice"
      ? pickOption(leaf.options.length, of(good), of(bad), random, candidates)
      : pickNumber(leaf, of(good), of(bad), random, candidates);
  };
}

/** A tenth of the trials, and at most 25, as Optuna has it. */
const bestCount = (trials: number): number => Math.min(25, Math.ceil(0.1 * trials));

function pickOption(
  count: number,
  good: readonly number[],
  bad: readonly number[],
  random: RandomStream,
  candidates: number,
): number {
  const l = optionDensity(count, good);
  const g = optionDensity(count, bad);
  return best(
    candidates,
    () => drawOption(l, random),
    (i) => (l[i] ?? 0) / (g[i] ?? 1),
  );
}

/** As often as it was seen, and one more time shared by all. */
function optionDensity(count: number, seen: readonly number[]): number[] {
  const density = Array.from({ length: count }, () => 1 / count);
  for (const i of seen) density[i] = (density[i] ?? 0) + 1;
  return density.map((weight) => weight / (seen.length + 1));
}

function drawOption(density: readonly number[], random: RandomStream): number {
  let rest = random.uniform();
  for (const [i, weight] of density.entries()) {
    rest -= weight;
    if (rest < 0) return i;
  }
  return density.length - 1;
}

function pickNumber(
  leaf: NumberLeaf,
  good: readonly number[],
  bad: readonly number[],
  random: RandomStream,
  candidates: number,
): number {
  const { low, high, log, integer, values } = leaf;
  // Each whole number has its neighbourhood, the ends too.
  const half = integer ? 0.5 : 0;
  const [from, to] = [low - half, high + half].map((end) => (log ? Math.log(end) : end));
  const scale = (value: number) => (log ? Math.log(value) : value);
  const l = new Parzen(good.map(scale), from ?? 0, to ?? 1);
  const g = new Parzen(bad.map(scale), from ?? 0, to ?? 1);
  const found = best(
    candidates,
    () => l.draw(random),
    (x) => l.logDensity(x) - g.logDensity(x),
  );
  const value = log ? Math.exp(found) : found;
  if (values) return nearestOf(values, value, scale);
  return integer ? Math.min(high, Math.max(low, Math.round(value))) : tidy(value, low, high);
}

const nearestOf = (values: readonly number[], wanted: number, scale: (value: number) => number): number =>
  values.reduce((a, b) => (Math.abs(scale(b) - scale(wanted)) < Math.abs(scale(a) - scale(wanted)) ? b : a));

function best(count: number, draw: () => number, score: (candidate: number) => number): number {
  let found = draw();
  let highest = score(found);
  for (let i = 1; i < count; i++) {
    const candidate = draw();
    const its = score(candidate);
    if (its > highest) [found, highest] = [candidate, its];
  }
  return found;
}

/** A normal density around each value that was seen, and a wide one over the whole range, all cut off at its ends. */
class Parzen {
  readonly #low: number;
  readonly #high: number;
  readonly #centres: readonly number[];
  readonly #widths: readonly number[];

  constructor(seen: readonly number[], low: number, high: number) {
    const range = high - low;
    const middle = (low + high) / 2;
    const sorted = [...seen, middle].sort((a, b) => a - b);
    const prior = sorted.indexOf(middle);
    const narrowest = range / Math.min(100, sorted.length + 1);
    this.#low = low;
    this.#high = high;
    this.#centres = sorted;
    // As wide as the way to the farther neighbour.
    this.#widths = sorted.map((x, i) => {
      if (i === prior) return range;
      const gap = Math.max(x - (sorted[i - 1] ?? low), (sorted[i + 1] ?? high) - x);
      return Math.min(range, Math.max(narrowest, gap));
    });
  }

  draw(random: RandomStream): number {
    const i = Math.min(this.#centres.length - 1, Math.floor(random.uniform() * this.#centres.length));
    for (let attempt = 0; attempt < 100; attempt++) {
      const x = random.normal(this.#centres[i], this.#widths[i]);
      if (x >= this.#low && x <= this.#high) return x;
    }
    return random.uniform(this.#low, this.#high);
  }

  logDensity(x: number): number {
    let density = 0;
    this.#centres.forEach((centre, i) => {
      const width = this.#widths[i] ?? 1;
      const inside = normalCdf((this.#high - centre) / width) - normalCdf((this.#low - centre) / width);
      density += Math.exp(-0.5 * ((x - centre) / width) ** 2) / (width * inside);
    });
    return Math.log(density / this.#centres.length + Number.MIN_VALUE);
  }
}

/** Abramowitz and Stegun 7.1.26: within 1.5e-7, more than enough to compare densities. */
function normalCdf(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const tail =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
    Math.exp(-x * x);
  return z >= 0 ? 1 - tail / 2 : tail / 2;
}
