/** The broker is stopped, frozen, killed, or comes back without its last second: nothing acknowledged is lost, nothing hangs. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Chance, rounds, within } from "./stage/chance.ts";
import { expectNothingLost } from "./stage/nothing-lost.ts";
import { redisProgram } from "./stage/redis-process.ts";
import { lively, QUICK, Stage } from "./stage/stage.ts";

const chance = new Chance("redis");

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open(QUICK);
  await stage.rehearse(lively);
});
beforeEach(() => stage.startWorker());
afterEach(({ task }) => stage.clear(task));
afterAll(() => stage.close());

/** Every call is answered soon, the broker's absence with a 503 that says when to come again. */
async function expectUnavailable(): Promise<void> {
  const [known] = stage.acknowledged;
  for (const [path, body] of [
    ["/v1/jobs", lively],
    ["/v1/jobs"],
    [`/v1/jobs/${known?.id}/events`],
    ["/readyz"],
  ] as const) {
    const response = await stage.ask(path, body);
    expect([path, response.status, await response.text()]).toEqual([path, 503, expect.any(String)]);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  }
  expect((await stage.ask("/healthz")).status).toBe(200);
}

/** More than train at once: one waits. Each is followed. */
async function submitJobs(): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push(await stage.post(lively));
  for (const id of ids) stage.follow(id);
  return ids;
}

describe.skipIf(!redisProgram)("Redis", () => {
  test(
    "stopped for 20 s: calls are refused with 503, streams stay open, training goes on, and afterwards all goes on",
    async () => {
      await stage.untilSomewhere(chance, await submitJobs());
      await stage.redis.stop();
      const since = performance.now();
      await expectUnavailable();
      await sleep(20_000 - (performance.now() - since));
      await expectUnavailable();
      await stage.redis.start();
      await expectNothingLost(stage);
    },
    within(300),
  );

  test(
    "frozen: no call hangs, and afterwards all goes on",
    async () => {
      await stage.untilSomewhere(chance, await submitJobs());
      stage.redis.freeze();
      await expectUnavailable();
      stage.redis.thaw();
      await expectNothingLost(stage);
    },
    within(300),
  );

  test(
    "killed with -9 at any moment, again and again",
    async () => {
      for (let round = 0; round < rounds(3); round++) {
        await stage.untilSomewhere(chance, await submitJobs());
        await stage.redis.kill();
        await chance.pause(500);
        await stage.redis.start();
        await expectNothingLost(stage);
      }
    },
    within(300),
  );

  test(
    "failing with its machine, so that it lacks its last second: those who wrote it write it again, the same bytes",
    async () => {
      let lost = 0;
      for (let round = 0; round < rounds(3); round++) {
        await chance.pause(500);
        // Some jobs, at least, are accepted within what is lost.
        const failing = stage.redis.failWithoutLast(chance.int(300, 1000));
        const accepted = submitJobs();
        lost += await failing;
        await stage.redis.start();
        await accepted;
        await expectNothingLost(stage);
      }
      expect(lost).toBeGreaterThan(0);
    },
    within(300),
  );
});
