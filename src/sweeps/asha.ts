/**
 * ASHA, asynchronous successive halving (Li et al. 2020): trials are judged at rungs, numbers of epochs that grow by a factor.
 * Of those that have reached a rung, the best 1/factor go on to the next; nobody waits for a rung to fill.
 */

/** What is known of a trial: its value at each rung that it has reached, the smaller the better, and the rung it may train to. */
export interface Standing {
  readonly number: number;
  readonly values: readonly number[];
  readonly target: number;
  /** Whether it waits at its rung, and could go on. */
  readonly waits: boolean;
}

/** The epochs at which trials are judged, and at last the whole length. */
export function rungsOf(min: number, max: number, factor: number): number[] {
  const rungs: number[] = [];
  for (let epochs = min; epochs < max; epochs *= factor) rungs.push(epochs);
  return [...rungs, max];
}

/** The trial to promote next, from the highest rung that has one; undefined: a new trial should begin. */
export function promotable(trials: readonly Standing[], rungs: number, factor: number): Standing | undefined {
  for (let rung = rungs - 2; rung >= 0; rung--) {
    const reached = trials.filter(({ values }) => values.length > rung).sort((a, b) => compareAt(a, b, rung));
    const found = reached
      .slice(0, Math.floor(reached.length / factor))
      .find(({ target, waits }) => waits && target === rung);
    if (found) return found;
  }
  return undefined;
}

const compareAt = (a: Standing, b: Standing, rung: number): number =>
  (a.values[rung] ?? 0) - (b.values[rung] ?? 0) || a.number - b.number;
