/** Work in turns: never more of it at once, in order, whatever fails. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Turns } from "../../src/jobs/turns.ts";

test("no more than so many work at once, in the order in which they came, and failures give their turn on", async () => {
  const turns = new Turns(3);
  let now = 0;
  let most = 0;
  const begun: number[] = [];
  const work = async (i: number): Promise<number> => {
    begun.push(i);
    most = Math.max(most, ++now);
    await sleep(i % 3);
    now--;
    if (i % 4 === 0) throw new Error(`no ${i}`);
    return i;
  };
  const all = await Promise.allSettled(Array.from({ length: 40 }, (_, i) => turns.run(() => work(i))));
  expect(most).toBe(3);
  expect(begun).toEqual(Array.from({ length: 40 }, (_, i) => i));
  expect(all.map((one) => (one.status === "fulfilled" ? one.value : String(one.reason)))).toEqual(
    Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? `Error: no ${i}` : i)),
  );
});
