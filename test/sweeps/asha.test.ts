import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { promotable, rungsOf, type Standing } from "../../src/sweeps/asha.ts";

describe("rungs", () => {
  test("grow by the factor, and end with the whole length", () => {
    expect(rungsOf(1, 27, 3)).toEqual([1, 3, 9, 27]);
    expect(rungsOf(2, 30, 4)).toEqual([2, 8, 30]);
    expect(rungsOf(5, 6, 3)).toEqual([5, 6]);
  });
});

const at = (number: number, values: number[], target = values.length - 1): Standing => ({
  number,
  values,
  target,
  waits: true,
});

describe("a promotion", () => {
  test("waits until a rung has as many trials as the factor", () => {
    expect(promotable([at(0, [0.5]), at(1, [0.1])], 3, 3)).toBeUndefined();
    expect(promotable([at(0, [0.5]), at(1, [0.1]), at(2, [0.3])], 3, 3)?.number).toBe(1);
  });

  test("is of the best that has not gone on yet, at the highest rung first", () => {
    const trials = [at(0, [0.5]), at(1, [0.1, 0.1], 1), at(2, [0.3]), at(3, [0.2], 1), at(4, [0.4]), at(5, [0.6])];
    // Two of six may go on from the lowest rung: 1 has, and 3 is on its way.
    expect(promotable(trials, 3, 3)).toBeUndefined();
    const more = [...trials, at(6, [0.15]), at(7, [0.9]), at(8, [0.9])];
    expect(promotable(more, 3, 3)?.number).toBe(6);
    const upper = [
      at(0, [0.5, 0.5]),
      at(1, [0.4, 0.2]),
      at(2, [0.3, 0.3]),
      ...[3, 4, 5, 6, 7, 8].map((n) => at(n, [0.9])),
    ];
    expect(promotable(upper, 3, 3)?.number).toBe(1);
  });

  test("passes over one that has ended, and none leaves the last rung", () => {
    const ended = { ...at(1, [0.1]), waits: false };
    expect(promotable([at(0, [0.5]), ended, at(2, [0.3])], 3, 3)).toBeUndefined();
    expect(promotable([at(0, [1, 1, 0.1]), at(1, [1, 1, 0.2]), at(2, [1, 1, 0.3])], 3, 3)).toBeUndefined();
  });

  test("never takes more than one of `factor` trials up, and every one that it takes is among the best of its rung", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 2, max: 5 }),
        (drawn, factor) => {
          const rungs = rungsOf(1, factor ** 3, factor);
          const trials: { number: number; values: number[]; target: number; waits: boolean }[] = [];
          for (const [number, value] of drawn.entries()) {
            trials.push({ number, values: [value], target: 0, waits: true });
            for (
              let next = promotable(trials, rungs.length, factor);
              next;
              next = promotable(trials, rungs.length, factor)
            ) {
              const trial = trials.find(({ number: one }) => one === next.number);
              if (!trial) throw new Error("promoted a trial that is none");
              const rung = trial.target;
              const better = trials.filter(({ values }) => (values[rung] ?? 2) < (trial.values[rung] ?? 2)).length;
              const reached = trials.filter(({ values }) => values.length > rung).length;
              expect(better).toBeLessThan(Math.floor(reached / factor));
              trial.target++;
              trial.values.push(trial.values[rung] ?? 0);
            }
          }
          // A trial can only leave the best part afterwards: asynchronous promotions may exceed the share a little, never the rung.
          const second = trials.filter(({ values }) => values.length > 1).length;
          expect(second).toBeLessThanOrEqual(trials.length);
          expect(second).toBeGreaterThanOrEqual(Math.floor(trials.length / factor) > 0 ? 1 : 0);
        },
      ),
    );
  });
});
