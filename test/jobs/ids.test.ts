/** Ids: they sort by time, don't collide, and are told from anything else. */
import { expect, test } from "vitest";
import { isId, newId, timeOfId } from "../../src/jobs/ids.ts";

test("ids made one after the other sort in that order and differ, also within one millisecond", () => {
  const ids = Array.from({ length: 10_000 }, () => newId("job"));
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
});

test("an id made later sorts later, and a clock set back does not change that", () => {
  const now = Date.now() + 1000;
  const [first, second, third] = [newId("ds", now), newId("ds", now + 1), newId("ds", now - 500_000)];
  expect([third, second, first].sort()).toEqual([first, second, third]);
});

test("an id is told by its prefix and form", () => {
  expect(isId("job", newId("job"))).toBe(true);
  expect(isId("ds", newId("job"))).toBe(false);
  for (const other of ["job_", "job_../../etc", `${newId("job")}x`, "job_ABCDEFGHIJKLMNOPQRSTUVWXYZ"]) {
    expect(isId("job", other)).toBe(false);
  }
});

test("an id tells when it was made", () => {
  // Later than any made before: time does not go back for ids.
  const now = Date.now() + 10_000;
  expect(timeOfId(newId("job", now))).toBe(now);
});
