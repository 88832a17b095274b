/** Measures contestants in turns, round by round: a machine that slows down slows all of them. */
import type { Contestant } from "./contestants.ts";
import type { Result } from "./result-table.ts";
import type { Workload } from "./workloads.ts";

export interface Rounds {
  readonly rounds: number;
  /** Of one measurement. */
  readonly seconds: number;
}

export async function measureAll(
  workload: Workload,
  contestants: readonly Contestant[],
  { rounds, seconds }: Rounds,
): Promise<Result[]> {
  const running: { contestant: Contestant; rates: number[]; last: boolean }[] = [];
  const refused: Result[] = [];
  const rateOf = ({ count, seconds: took }: { count: number; seconds: number }) => (count * workload.scale) / took;
  for (const contestant of contestants) {
    // The first measurement warms up, and tells who can't take part.
    const first = await contestant.measure(seconds);
    if ("error" in first) refused.push({ contestant, error: first.error });
    // Whose every repetition takes long is not asked again: nobody should wait for that.
    else if (first.seconds > 10 * seconds) running.push({ contestant, rates: [rateOf(first)], last: true });
    else running.push({ contestant, rates: [], last: false });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { contestant, rates, last } of running) {
      const repetitions = last ? null : await contestant.measure(seconds);
      if (repetitions && !("error" in repetitions)) rates.push(rateOf(repetitions));
    }
  }
  return [...running.map(({ contestant, rates }) => ({ contestant, rates })), ...refused];
}
