/** One fault after the other, whichever comes, under the same jobs. */
import { afterEach, test } from "vitest";
import { Chance, rounds, within } from "./stage/chance.ts";
import { expectNothingLost } from "./stage/nothing-lost.ts";
import { redisProgram } from "./stage/redis-process.ts";
import { lively, QUICK, Stage } from "./stage/stage.ts";

const chance = new Chance("everything");
let stage: Stage;
afterEach(async ({ task }) => {
  await stage.clear(task);
  await stage.close();
});

const faults: Readonly<Record<string, () => Promise<unknown>>> = {
  "kill -9 of a worker": () => Promise.all([stage.killWorker(), stage.startWorker()]),
  "SIGTERM to a worker": () => Promise.all([stage.endWorker(), stage.startWorker()]),
  "kill -9 of an API": () => Promise.all([stage.killApi(stage.url), stage.startApi()]),
  ...(redisProgram && {
    "kill -9 of Redis": () => stage.redis.kill().then(() => stage.redis.start()),
    "stop of Redis": () => stage.redis.stop().then(() => stage.redis.start()),
    "Redis without its last second": () =>
      stage.redis.failWithoutLast(chance.int(100, 1000)).then(() => stage.redis.start()),
  }),
};

test(
  "workers, APIs and Redis in turn",
  async () => {
    stage = await Stage.open(QUICK);
    await Promise.all([stage.startApi(), stage.startApi(), stage.startWorker(), stage.startWorker()]);
    await stage.undisturbed(lively);
    const told: string[] = [];
    for (let round = 0; round < rounds(2); round++) {
      const ids = await Promise.all(Array.from({ length: 4 }, () => stage.post(lively)));
      for (const id of ids) stage.follow(id);
      for (let i = 0; i < 3; i++) {
        await stage.untilSomewhere(chance, ids);
        const [name, cause] = chance.pick(Object.entries(faults));
        told.push(name);
        await cause();
      }
    }
    console.log(`everything: ${told.join(", ")}`);
    await expectNothingLost(stage);
  },
  within(300),
);
