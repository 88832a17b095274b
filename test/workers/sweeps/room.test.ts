/** How many trials may be under way, by what they are and how the search goes. */
import { describe, expect, test } from "vitest";
import type { TrialRecord } from "../../../src/jobs/sweeps/sweep.ts";
import { Room } from "../../../src/workers/sweeps/room.ts";

const blind = { strategy: { type: "random" }, asha: null, parallel: 16 } as const;
const learning = { ...blind, strategy: { type: "tpe", startup_trials: 10, candidates: 24 } } as const;
const halving = { ...blind, asha: { min_epochs: 1, reduction_factor: 3 } };

const trial = (number: number, status: TrialRecord["status"], batch?: number): TrialRecord => ({
  ...{ number, job_id: `job_${number}`, status, params: {}, draws: {}, value: null, best_epoch: null },
  ...{ epoch: 0, epochs: 1, rung: 0, rung_values: [], error: null },
  ...(batch !== undefined && { batch }),
});

/** How many of a kind begin, until there is room for no more. */
function filled(room: Room, isSmall: boolean): number {
  let begun = 0;
  if (room.forMore) for (; room.forOne; begun++) room.add(isSmall);
  return begun;
}

describe("room", () => {
  test("is for two trials a slot, for one where the search learns, and for no more than may be parallel", () => {
    expect(filled(new Room(blind, 3, []), false)).toBe(6);
    expect(filled(new Room(learning, 3, []), false)).toBe(3);
    expect(filled(new Room(halving, 3, []), true)).toBe(3);
    expect(filled(new Room({ ...blind, parallel: 4 }, 3, []), false)).toBe(4);
    expect(filled(new Room({ ...blind, parallel: 1 }, 1, []), true)).toBe(1);
  });

  test("is for whole batches of small ones", () => {
    expect(filled(new Room(blind, 1, []), true)).toBe(16);
    expect(filled(new Room({ ...blind, parallel: 256 }, 2, []), true)).toBe(64);
    const batch = Array.from({ length: 16 }, (_, i) => trial(i, "queued", i < 8 ? 0 : 8));
    expect(filled(new Room(blind, 1, batch), true)).toBe(0);
    expect(filled(new Room(blind, 1, batch.with(3, trial(3, "completed", 0))), true)).toBe(0);
    const oneOver = batch.map((each) => (each.batch === 0 ? { ...each, status: "completed" as const } : each));
    expect(filled(new Room(blind, 1, oneOver), true)).toBe(8);
    expect(filled(new Room(blind, 1, oneOver), false)).toBe(1);
  });

  test("is there for one at a time where trials are large, and for those behind the small ones", () => {
    expect(filled(new Room(blind, 1, [trial(0, "running")]), false)).toBe(1);
    expect(filled(new Room(blind, 1, [trial(0, "running"), trial(1, "queued")]), false)).toBe(0);
    expect(filled(new Room(blind, 1, [trial(0, "paused"), trial(1, "waiting")]), false)).toBe(2);
  });
});
