import { describe, expect, test } from "vitest";
import { parseSpace } from "../../src/sweeps/check-sweep.ts";
import { drawPoint } from "../../src/sweeps/draw.ts";
import { randomPick } from "../../src/sweeps/random-sampler.ts";
import { type Observation, tpePick } from "../../src/sweeps/tpe-sampler.ts";

const options = { startup_trials: 10, candidates: 24 };

/** A valley along the rate, a best width, and one of two kinds that is better, with a number of its own. */
const fields = parseSpace({
  lr: { log_uniform: [0.00001, 1] },
  width: { log_int: [4, 512] },
  kind: { choice: [{ type: "a" }, { type: "b", share: { uniform: [0, 1] } }] },
});

function cost(spec: unknown): number {
  const { lr, width, kind } = Object(spec);
  const own = kind.type === "a" ? 1 : (kind.share - 0.7) ** 2 * 4;
  return (Math.log10(lr) + 2.5) ** 2 + (Math.log2(width) - 6) ** 2 / 4 + own;
}

function search(
  seed: number,
  trials: number,
  pick: (trial: number, seen: readonly Observation[]) => Parameters<typeof drawPoint>[2],
) {
  const seen: Observation[] = [];
  for (let trial = 0; trial < trials; trial++) {
    const { draws, spec } = drawPoint({}, fields, pick(trial, seen));
    seen.push({ draws, value: cost(spec) });
  }
  return { seen, best: Math.min(...seen.map(({ value }) => value ?? Number.POSITIVE_INFINITY)), seed };
}

const tpe = (seed: number, trials: number) =>
  search(seed, trials, (trial, seen) => tpePick(seed, trial, seen, options));
const random = (seed: number, trials: number) => search(seed, trials, (trial) => randomPick(seed, trial));

describe("TPE", () => {
  test("finds better than random search in as many trials", () => {
    const seeds = Array.from({ length: 12 }, (_, i) => i);
    const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
    const found = seeds.map((seed) => tpe(seed, 40).best);
    const drawn = seeds.map((seed) => random(seed, 40).best);
    expect(median(found)).toBeLessThan(median(drawn) / 2);
  });

  test("begins as random search does, and gives the same trials for the same seed and the same values", () => {
    expect(tpe(4, 10).seen).toEqual(random(4, 10).seen);
    expect(tpe(4, 30).seen).toEqual(tpe(4, 30).seen);
    expect(tpe(4, 30).seen).not.toEqual(tpe(5, 30).seen);
  });

  test("keeps away from where trials fail, and stays within the ends", () => {
    const seen: Observation[] = [];
    let failed = 0;
    for (let trial = 0; trial < 60; trial++) {
      const { draws } = drawPoint({}, fields, tpePick(2, trial, seen, options));
      const lr = Number(draws["lr"]);
      expect(lr).toBeGreaterThanOrEqual(0.00001);
      expect(lr).toBeLessThanOrEqual(1);
      const fails = lr > 0.001;
      if (trial >= 30 && fails) failed++;
      seen.push({ draws, value: fails ? null : -Math.log10(lr) });
    }
    // By chance 18 of 30 would.
    expect(failed).toBeLessThan(15);
  });
});
