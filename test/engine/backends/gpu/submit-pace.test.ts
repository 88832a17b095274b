import { expect, test } from "vitest";
import { SubmitPace } from "../../../../src/engine/backends/gpu/submit-pace.ts";

/** What a GPU with dispatches of this length leads to, after many submits. */
function settled(msPerDispatch: number): number {
  const pace = new SubmitPace();
  let now = 0;
  for (let i = 0; i < 50; i++) {
    const queuedAt = now;
    now += pace.dispatches * msPerDispatch;
    pace.learn(pace.dispatches, queuedAt, now);
  }
  return pace.dispatches;
}

test("many short dispatches go into a submit, few long ones", () => {
  expect(settled(0.005)).toBe(512);
  expect(settled(1)).toBeLessThanOrEqual(20);
  expect(settled(100)).toBe(8);
});

test("time in the queue is not taken for time at work", () => {
  const pace = new SubmitPace();
  pace.learn(64, 0, 10);
  // Queued at the same time, at work from 10 on.
  pace.learn(64, 0, 20);
  pace.learn(64, 0, 30);
  expect(pace.dispatches).toBe(64);
});

test("a submit that was not full does not make the next ones longer", () => {
  const pace = new SubmitPace();
  for (let i = 0; i < 10; i++) pace.learn(3, i, i + 0.1);
  expect(pace.dispatches).toBe(64);
});
