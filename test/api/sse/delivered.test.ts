/** What is known again of events that were delivered, and what is not kept of them. */
import { setImmediate as soon } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { Delivered } from "../../../src/api/sse/delivered.ts";
import { type Frame, frameOf } from "../../../src/api/sse/frame.ts";

const event = (seq: number, loss = 0.5): Frame =>
  frameOf({ seq, type: "epoch", json: `{"seq":${seq},"time":"2026-11-02T10:00:00.412Z","loss":${loss}}` });
const events = (first: number, last: number): Frame[] =>
  Array.from({ length: last - first + 1 }, (_, i) => event(first + i));

const logOf = (frames: readonly Frame[]) => async (seq: number) => frames.find((frame) => frame.seq === seq) ?? null;

test("the last that stands in the log as it was delivered is found, and those after it are forgotten", async () => {
  const delivered = new Delivered();
  delivered.add(events(1, 6));
  delivered.add(events(4, 9));
  expect(delivered.end).toBe(9);
  expect(await delivered.lastIn(logOf(events(1, 12)))).toBe(9);
  // From 6 on other events bear the same numbers.
  const other = [...events(1, 5), event(6, 0.25), event(7, 0.25)];
  expect(await delivered.lastIn(logOf(other))).toBe(5);
  expect(delivered.end).toBe(5);
  delivered.add(other);
  expect(await delivered.lastIn(logOf(other))).toBe(7);
  expect(await delivered.lastIn(logOf([]))).toBe(0);
});

test("of the last 128, and of none before", async () => {
  const delivered = new Delivered();
  for (let seq = 1; seq <= 300; seq += 50) delivered.add(events(seq, seq + 49));
  expect(await delivered.lastIn(logOf(events(1, 173)))).toBe(173);
  delivered.add(events(174, 300));
  expect(await delivered.lastIn(logOf(events(1, 172)))).toBe(0);
});

test("however large they are, none of them is kept", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const delivered = new Delivered();
  const add = (): WeakRef<Buffer>[] => {
    const frames = events(1, 50);
    delivered.add(frames);
    return frames.map(({ bytes }) => new WeakRef(bytes));
  };
  const kept = add();
  await expect
    .poll(async () => {
      await soon();
      collect();
      return kept.filter((bytes) => bytes.deref() !== undefined).length;
    })
    .toBe(0);
  expect(delivered.end).toBe(50);
});
