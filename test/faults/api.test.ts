/** API processes are killed under the clients that follow jobs over them. */
import { afterEach, expect, test } from "vitest";
import { Chance, rounds, within } from "./stage/chance.ts";
import { expectNothingLost } from "./stage/nothing-lost.ts";
import { lively, Stage } from "./stage/stage.ts";

const chance = new Chance("api");
const CLIENTS = 200;
let stage: Stage;
afterEach(async ({ task }) => {
  await stage.clear(task);
  await stage.close();
});

test(
  "an API killed with -9 while 200 clients follow: they go on at another, with the same bytes, no gap and no repeat",
  async () => {
    stage = await Stage.open();
    await Promise.all([stage.startApi(), stage.startApi(), stage.startWorker()]);
    await stage.undisturbed(lively);
    const ids = await Promise.all(Array.from({ length: 4 }, () => stage.post(lively)));
    const followers = Array.from({ length: CLIENTS }, (_, i) => stage.follow(ids[i % ids.length] ?? ""));
    for (let round = 0; round < rounds(2); round++) {
      await stage.untilSomewhere(chance, ids);
      const doomed = stage.url;
      await Promise.all([stage.killApi(doomed), stage.startApi()]);
    }
    await expectNothingLost(stage);
    // Half of them, more or less, were at the first that was killed.
    expect(followers.filter(({ connections }) => connections > 1).length).toBeGreaterThan(CLIENTS / 10);
  },
  within(300),
);
