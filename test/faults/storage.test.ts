/** The disk of the object store is full, or has cut a checkpoint short: jobs pause or go on from an older one. */
import { open, truncate } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Chance, rounds, within } from "./stage/chance.ts";
import { eventsOf, expectNothingLost } from "./stage/nothing-lost.ts";
import { redisProgram } from "./stage/redis-process.ts";
import { canLimit, canMount, limitFileSize, SmallDisk } from "./stage/small-disk.ts";
import { lively, patience, QUICK, Stage } from "./stage/stage.ts";

const chance = new Chance("storage");
const spec = { ...lively, checkpoint: { every_epochs: 1 } };
let stage: Stage;
/** Of the object store and of Redis, where there may be such. */
let disks: { readonly store: SmallDisk; readonly redis: SmallDisk } | undefined;
beforeAll(async () => {
  stage = await Stage.open(QUICK, async ({ data, redis }) => {
    if (!canMount) return;
    disks = { store: await SmallDisk.mount(join(data, "objects")), redis: await SmallDisk.mount(redis) };
  });
  await stage.rehearse(spec);
});
afterEach(async ({ task }) => {
  await Promise.all([disks?.store.makeRoom(), disks?.redis.makeRoom()]);
  await stage.clear(task);
});
afterAll(async () => {
  await Promise.all([disks?.store.unmount(), disks?.redis.unmount()]);
  await stage.close();
});

/** What a job has before its disk is full, it keeps: an epoch is told before its checkpoint is stored. */
async function untilStored(id: string): Promise<void> {
  await vi.waitFor(
    async () => expect((await eventsOf(stage, id)).map(({ event }) => event)).toContain("checkpoint"),
    patience,
  );
}

/** The job has paused, says why, and has kept what it stored before. */
async function expectPaused(id: string): Promise<void> {
  const { error } = await stage.untilStatus(id, "paused");
  expect(error).toMatchObject({ status: 507, title: "The object store is full" });
  expect((await eventsOf(stage, id)).at(-1)).toMatchObject({ event: "paused", reason: "store_full" });
  const prediction = await stage.ask(`/v1/jobs/${id}/predict`, { inputs: [[0.5, 0.5]] });
  expect([prediction.status, await prediction.json()]).toEqual([
    200,
    expect.objectContaining({ outputs: [expect.anything()] }),
  ]);
}

describe("a full disk pauses a job, which goes on with the same bits once there is room", () => {
  test.skipIf(!canMount)(
    "ENOSPC",
    async () => {
      await stage.startWorker();
      for (let round = 0; round < rounds(2); round++) {
        const id = await stage.post(spec);
        stage.follow(id);
        // Most of it before, so that the job is not over when it is full.
        await disks?.store.fill(8 * 2 ** 20);
        await untilStored(id);
        await stage.untilEpoch(id, chance.int(1, 20));
        await vi.waitFor(async () => {
          // What is removed makes room for one more: again, until there is none.
          await disks?.store.fill();
          expect((await stage.job(id)).status).not.toBe("running");
        }, patience);
        await expectPaused(id);
        const rows = Array.from({ length: 2000 }, (_, i) => [i, i]);
        const large = { ...spec, data: { inline: { inputs: rows, targets: rows.map(() => 1) } } };
        expect((await stage.ask("/v1/jobs", large)).status).toBe(507);
        await disks?.store.makeRoom();
        expect((await stage.ask(`/v1/jobs/${id}/resume`, {})).status).toBeLessThan(300);
        await expectNothingLost(stage);
        expect((await stage.job(id)).error).toBeNull();
      }
    },
    within(300),
  );

  test.skipIf(!canLimit)(
    "EFBIG",
    async () => {
      const worker = await stage.startWorker();
      const id = await stage.post(spec);
      stage.follow(id);
      await untilStored(id);
      await stage.untilSomewhere(chance, [id]);
      await limitFileSize(worker.pid, 100_000);
      await expectPaused(id);
      await limitFileSize(worker.pid, "unlimited");
      await stage.ask(`/v1/jobs/${id}/resume`, {});
      await expectNothingLost(stage);
    },
    within(300),
  );
});

test.skipIf(!canMount || !redisProgram)(
  "a full disk of Redis: calls are refused with 503, workers wait, and all goes on once there is room",
  async () => {
    await stage.startWorker();
    const ids = [await stage.post(spec), await stage.post(spec), await stage.post(spec)];
    for (const id of ids) stage.follow(id);
    await stage.untilSomewhere(chance, ids);
    await vi.waitFor(async () => {
      await disks?.redis.fill();
      const response = await stage.ask("/v1/jobs", spec);
      expect([response.status, await response.text()]).toEqual([503, expect.stringContaining("Nothing was changed")]);
    }, patience);
    await disks?.redis.makeRoom();
    await expectNothingLost(stage);
  },
  within(300),
);

describe("a checkpoint that is not as it was written", () => {
  test.each(["cut short", "changed"])(
    "%s: the job goes on from the one before",
    async (how) => {
      await stage.startWorker();
      for (let round = 0; round < rounds(1); round++) {
        const id = await stage.post(spec);
        stage.follow(id);
        await stage.untilEpoch(id, 4);
        await stage.untilSomewhere(chance, [id]);
        await stage.killWorker();
        const stored = (await eventsOf(stage, id)).filter(({ event }) => event === "checkpoint");
        const [before, last] = stored.slice(-2);
        if (!last || last.bytes === undefined) throw new Error(`Job ${id} has no checkpoint.`);
        const name = `1-${last.epoch}-${last.step}.safetensors`;
        const path = join(stage.dataDir, "objects", "jobs", id, name);
        const at = chance.int(0, last.bytes - 1);
        if (how === "cut short") await truncate(path, at);
        else await flipByte(path, at);
        await stage.startWorker();
        await expectNothingLost(stage);
        const resumed = (await eventsOf(stage, id)).find(({ event }) => event === "resumed");
        expect(resumed).toMatchObject({ reason: "worker_lost", epoch: before?.epoch, step: before?.step });
      }
    },
    within(300),
  );
});

async function flipByte(path: string, at: number): Promise<void> {
  const file = await open(path, "r+");
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  await file.write(Buffer.from([byte.readUInt8() ^ 0xff]), 0, 1, at);
  await file.close();
}
