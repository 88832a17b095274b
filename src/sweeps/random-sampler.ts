/** Random search (Bergstra and Bengio 2012): each trial's draws depend on the seed, its number and the leaf alone. */
import { RandomStream } from "../data/random.ts";
import { between, type Leaf, tidy } from "./search-space.ts";

/** Draws of one trial: a field more or less in the space changes none of the others. */
export function randomPick(seed: number, trial: number): (leaf: Leaf) => number {
  return (leaf) => uniformPick(leaf, new RandomStream(seed, `trial ${trial} ${leaf.id}`).uniform());
}

/** The value that lies at the share `at` (from 0, below 1) of what a leaf can take. */
export function uniformPick(leaf: Leaf, at: number): number {
  if (leaf.kind === "choice") return Math.floor(at * leaf.options.length);
  const { low, high, log, integer, values } = leaf;
  if (values) return values[Math.floor(at * values.length)] ?? high;
  if (!integer) return tidy(between(low, high, at, log), low, high);
  // Each whole number has its neighbourhood, the ends too.
  return Math.min(high, Math.max(low, Math.round(between(low - 0.5, high + 0.5, at, log))));
}
