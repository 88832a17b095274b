/** The wall clock jumps: what is due, who lives and what may be removed does not depend on the clock of one process. */
import { access, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { Chance, rounds, within } from "./stage/chance.ts";
import { expectNothingLost } from "./stage/nothing-lost.ts";
import { lively, patience, QUICK, Stage } from "./stage/stage.ts";

/** Debian's package faketime. It shows a process another wall clock, and lets it jump. */
const LIBRARIES = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map((arch) => `/usr/lib/${arch}/faketime/libfaketime.so.1`);
const found = await Promise.all(
  LIBRARIES.map((path) =>
    access(path).then(
      () => path,
      () => null,
    ),
  ),
);
const library = found.find((path) => path !== null);

const HOUR = 3600;
const chance = new Chance("clock");
let stage: Stage;
afterEach(async ({ task }) => {
  await stage.clear(task);
  await stage.close();
});

/** The environment of a process whose clock `jump` sets. */
function fakeClock(name: string): { env: Record<string, string>; jump(seconds: number): Promise<void> } {
  const file = join(stage.directory, name);
  const env = {
    LD_PRELOAD: library ?? "",
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
  return { env, jump: (seconds) => writeFile(file, `${seconds < 0 ? "" : "+"}${seconds}`) };
}

test.skipIf(!library)(
  "jobs end as if it had not, workers live on, and nothing is removed before its time",
  async () => {
    // By a day and more, there and back: a limit of an hour and a retention of a day would be over.
    stage = await Stage.open({ ...QUICK, RETAIN_DAYS: "1" });
    const [api, worker] = [fakeClock("api"), fakeClock("worker")];
    await Promise.all([api.jump(0), worker.jump(0)]);
    await Promise.all([stage.startApi(api.env), stage.startWorker(worker.env)]);
    await stage.undisturbed(lively);
    for (let round = 0; round < rounds(2); round++) {
      const ids = [await stage.post({ ...lively, max_runtime_s: HOUR }), await stage.post(lively)];
      for (const id of ids) stage.follow(id);
      await stage.untilSomewhere(chance, ids);
      const jumps = [chance, chance].map((chance) => chance.pick([-1, 1]) * chance.int(HOUR, 1000 * HOUR));
      await Promise.all([api.jump(jumps[0] ?? 0), worker.jump(jumps[1] ?? 0)]);
      await vi.waitFor(async () => {
        const { data } = await (await stage.ask("/v1/workers")).json();
        expect(data).toHaveLength(1);
      }, patience);
      await expectNothingLost(stage);
    }
    // It sweeps when it starts, and finds jobs that ended a moment ago.
    await worker.jump(1000 * HOUR);
    await stage.startWorker(worker.env);
    await stage.post(lively);
    await expectNothingLost(stage);
  },
  within(300),
);
