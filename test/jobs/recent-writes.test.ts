/** A broker that comes back without its end gets it again from those who wrote it, to the byte. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/jobs/ids.ts";
import { JobLog } from "../../src/jobs/job-log.ts";
import type { JobParts } from "../../src/jobs/open-jobs.ts";
import { RecentWrites } from "../../src/jobs/recent-writes.ts";
import { type BrokerFixture, startTestBroker } from "../broker-fixture.ts";
import { moons, onCpu, submit } from "../job-fixture.ts";

let broker: BrokerFixture;
/** Two processes on one broker: an API and a worker, as it were. */
let api: JobParts;
let worker: JobParts;
beforeAll(async () => {
  broker = await startTestBroker();
  const config = broker.config();
  [api, worker] = await Promise.all([broker.parts(config), broker.parts(config)]);
});
afterAll(() => broker.close());

const summary = { parameters: 1, flops_per_sample: 1, memory_bytes: 4, layers: [] };
const epoch = (epoch: number) =>
  ({
    type: "epoch",
    data: {
      ...{ epoch, epochs: 9, step: epoch, steps: 9, loss: 1 / epoch, metrics: {}, lr: 0.1 },
      ...{ samples_per_s: 1, elapsed_ms: 1, eta_s: 1 },
    },
  }) as const;

async function claim(id: string): Promise<void> {
  const data = { attempt: 1, worker: "w", ...onCpu, model_summary: summary };
  expect((await worker.log.append(id, [{ type: "started", data }], 1)).ok).toBe(true);
}

const contentOf = async (id: string) => ({ events: await api.log.events(id), state: await api.log.state(id) });

/** Keys as they are now, and how to have them like this again. */
async function copyOf(ids: readonly string[]): Promise<() => Promise<void>> {
  const { redis, log } = api;
  const keys = [
    ...(await redis.keys(`${log.keys.tag}:jobs*`)),
    ...ids.flatMap((id) => [log.keys.state(id), log.keys.events(id)]),
  ];
  const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
  return async () => {
    const all = [...new Set([...keys, ...(await redis.keys(`${log.keys.tag}:jobs*`))])];
    const lost = redis.multi().del(...all);
    keys.forEach((key, i) => {
      const dump = dumps[i];
      if (dump) lost.restore(key, 0, dump);
    });
    await lost.exec();
  };
}

/** As a restart does it. */
async function breakConnections(): Promise<void> {
  await api.redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no").catch(() => {});
}

test("what was lost of a job's log is restored, whoever wrote it", async () => {
  const id = await submit(api, moons);
  await claim(id);
  await worker.log.append(id, [epoch(1), epoch(2)], 1);
  const lose = await copyOf([id]);
  await worker.log.append(id, [epoch(3)], 1);
  const best = { epoch: 3, metric: "loss", value: 1 };
  const links = { self: "", events: "", history: "", model: "", predict: "" };
  await worker.log.append(
    id,
    [{ type: "completed", data: { best, final: { epoch: 3, loss: 1, metrics: {} }, links } }],
    1,
  );
  const before = await contentOf(id);
  await lose();
  expect((await api.log.state(id))?.status).toBe("running");
  await breakConnections();
  await expect.poll(() => contentOf(id).catch(() => null)).toEqual(before);
  expect(await api.log.ids({ status: "completed", limit: 9 })).toContain(id);
});

test("a job that was lost as a whole is restored, with what is asked of it", async () => {
  const lose = await copyOf([]);
  const id = await submit(api, moons);
  await claim(id);
  await worker.log.append(id, [epoch(1)], 1);
  await api.log.requestChange(id, { lr: 0.5 });
  await api.log.requestChange(id, { epochs: 7 });
  const before = await contentOf(id);
  await lose();
  await api.redis.del(api.log.keys.state(id), api.log.keys.events(id));
  await breakConnections();
  await expect.poll(() => contentOf(id).catch(() => null)).toEqual(before);
  expect(before.state?.wishes).toHaveLength(2);
});

test("a writer that finds the end missing restores it, and only then goes on", async () => {
  const id = await submit(api, moons);
  await claim(id);
  const lose = await copyOf([id]);
  await worker.log.append(id, [epoch(1), epoch(2)], 1);
  const { events } = await contentOf(id);
  await lose();
  expect(await worker.log.append(id, [epoch(3)], 1)).toMatchObject({ ok: true, seq: 5 });
  expect((await api.log.events(id)).slice(0, 4)).toEqual(events);
});

test("a job that was removed stays removed, and what nobody lost stays as it is", async () => {
  const [gone, kept] = [await submit(api, moons), await submit(api, moons)];
  await api.jobs.cancel(gone);
  await worker.jobs.remove(gone);
  await claim(kept);
  const before = await contentOf(kept);
  await breakConnections();
  await expect.poll(() => api.log.count(["queued"]).catch(() => null)).not.toBeNull();
  await api.log.settled();
  expect(await api.log.state(gone)).toBeNull();
  expect(await contentOf(kept)).toEqual(before);
});

test("who owns what is restored, and nobody owns again what was removed", async () => {
  const { owners, redis, log } = api;
  await owners.own("ds_kept", "key_a", 100);
  await owners.own("ds_gone", "key_a", 50);
  await owners.disown("ds_gone");
  await redis.del(log.keys.owners, log.keys.ownedBy("key_a"), log.keys.bytesOf("key_a"));
  expect(await owners.ownerOf("ds_kept")).toBeNull();
  await breakConnections();
  await expect.poll(() => owners.ownerOf("ds_kept").catch(() => null)).toBe("key_a");
  await log.settled();
  expect(await owners.ownerOf("ds_gone")).toBeNull();
  expect(await owners.owned("key_a", "ds", { limit: 9 })).toEqual(["ds_kept"]);
  expect(await owners.bytesOf("key_a")).toBe(100);
});

test("what an idle process wrote is forgotten, and brings nothing back that others removed long ago", async () => {
  const { redis } = api;
  const recent = new RecentWrites(redis, { keptMs: 20 });
  const log = new JobLog(redis, api.log.keys, recent);
  const id = newId("job");
  const about = { name: null, metadata: {}, spec: {}, modelSummary: summary, epochs: 1, steps: 1, priority: 0 };
  await log.create({ id, ...about });
  expect(await recent.restore()).toBe(1);
  await expect.poll(() => recent.restore(), { interval: 100 }).toBe(0);
  await worker.jobs.cancel(id);
  await worker.jobs.remove(id);
  // As an hour later.
  await redis.del(log.keys.removed(id));
  await recent.restore();
  expect(await api.log.state(id)).toBeNull();
});
