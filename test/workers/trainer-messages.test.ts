/** What a worker and a trainer tell each other through memory that both see. */
import { expect, test } from "vitest";
import { Control } from "../../src/workers/trainer-messages.ts";

function together(count: number): Control[] {
  const controls = Array.from({ length: count }, () => new Control());
  for (const control of controls) control.companions = controls;
  return controls;
}

test("whoever works shows that its companions live, and hears for them that they are to stop, but does not stop itself", () => {
  const [one, other, third] = together(3);
  other?.stop();
  expect(other?.heard).toBe(false);
  expect(one?.shouldStop()).toBe(false);
  expect([one?.heard, other?.heard, third?.heard]).toEqual([false, true, false]);
  expect([one?.beats, other?.beats, third?.beats]).toEqual([1, 1, 1]);
  expect(other?.shouldStop()).toBe(true);
});
