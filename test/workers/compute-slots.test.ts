/** Threads that take turns at the cores: no more at once than there are places, each in its turn, and none lost with a thread. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterEach, expect, test, vi } from "vitest";
import { type ComputePlaces, ComputeSlot, computePlaces } from "../../src/workers/compute-slots.ts";

const PROGRAM = new URL("./fixtures/computing-thread.ts", import.meta.url);
/** Cells of the threads' shared notes, see the fixture. */
const [NOW, MOST, STOP, TURNS] = [0, 1, 2, 3];

const threads: Worker[] = [];
afterEach(async () => {
  await Promise.all(threads.splice(0).map((thread) => thread.terminate()));
});

function start(places: ComputePlaces, count: number) {
  const notes = new Int32Array(new SharedArrayBuffer(4 * (TURNS + count)));
  for (let index = 0; index < count; index++)
    threads.push(new Worker(PROGRAM, { workerData: { places, index, notes: notes.buffer } }));
  const turns = () => Array.from(notes.subarray(TURNS), (_, i) => Atomics.load(notes, TURNS + i));
  const untilAll = (least: number) =>
    vi.waitFor(() => expect(Math.min(...turns())).toBeGreaterThanOrEqual(least), { timeout: 30_000, interval: 5 });
  return { notes, turns, untilAll };
}

function placesFor(threads: number, places: number): ComputePlaces {
  const found = computePlaces(threads, places);
  if (!found) throw new Error("They need no places.");
  return found;
}

test("as many as have a core each need no places", () => {
  expect(computePlaces(2, 2)).toBeNull();
  expect(computePlaces(3, 2)?.places).toBe(2);
});

test("no more compute at once than there are places, and all come to their turn", async () => {
  const { notes, turns, untilAll } = start(placesFor(6, 2), 6);
  await untilAll(5);
  Atomics.store(notes, STOP, 1);
  await Promise.all(threads.map((thread) => once(thread, "exit")));
  // Two, and rarely one too many; all six without turns.
  expect(Atomics.load(notes, MOST)).toBeLessThanOrEqual(3);
  expect(Atomics.load(notes, NOW)).toBe(0);
  // The first ones may have begun before the last ones were there.
  expect(Math.min(...turns())).toBeGreaterThanOrEqual(5);
});

test("the place of a thread that dies is given to the next", async () => {
  const places = placesFor(3, 1);
  const { turns, untilAll } = start(places, 3);
  await untilAll(2);
  for (const victim of [0, 1]) {
    await threads[victim]?.terminate();
    new ComputeSlot(places, victim).leave();
    const before = turns();
    await vi.waitFor(() => expect(turns()[2]).toBeGreaterThan((before[2] ?? 0) + 3), { timeout: 30_000, interval: 5 });
  }
});

test("one that is to end does not wait", () => {
  const places = placesFor(2, 1);
  const [first, second] = [new ComputeSlot(places, 0), new ComputeSlot(places, 1)];
  first.enter(() => true);
  second.enter(() => false);
  expect([first.isEntered, second.isEntered]).toEqual([true, true]);
  second.leave();
  first.leave();
  expect(first.isEntered).toBe(false);
});

test("outside of its turn, a thread has none to pass on", () => {
  const slot = new ComputeSlot(placesFor(2, 1), 0);
  slot.pass(() => true);
  expect(slot.isEntered).toBe(false);
});
