/** What is kept of finished jobs, and what is removed with all its files. */
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { JobParts } from "../../src/jobs/open-jobs.ts";
import { Janitor } from "../../src/workers/janitor.ts";
import { type BrokerFixture, startTestBroker } from "../broker-fixture.ts";
import { moons, submit } from "../job-fixture.ts";

let broker: BrokerFixture;
let parts: JobParts;
beforeAll(async () => {
  broker = await startTestBroker();
});
afterAll(() => broker.close());
beforeEach(async () => {
  parts = await broker.parts();
});

const DAY = 86_400_000;
const janitor = (retention: { days?: number; jobs?: number }) =>
  new Janitor(
    { ...parts, logger: pino({ level: "silent" }), time: async () => Date.now() },
    { days: null, jobs: null, ...retention },
  );

async function finished(): Promise<string> {
  const id = await submit(parts, moons);
  await parts.store.put(`jobs/${id}/1-1-1.safetensors`, new Uint8Array(8));
  await parts.jobs.cancel(id);
  return id;
}

const left = async () => (await parts.jobs.list({ limit: 100 })).data.map(({ id }) => id).reverse();

describe("the janitor", () => {
  test("removes what ended longer ago than so many days, with its files, and nothing that is not finished", async () => {
    const [old, waiting] = [await finished(), await submit(parts, moons)];
    expect(await janitor({ days: 3 }).sweep(Date.now() + 2.9 * DAY)).toBe(0);
    expect(await janitor({ days: 3 }).sweep(Date.now() + 3.1 * DAY)).toBe(1);
    expect(await left()).toEqual([waiting]);
    expect(await parts.store.list(`jobs/${old}`)).toEqual([]);
  });

  test("counts from the end of a job, not from its beginning", async () => {
    const id = await finished();
    await parts.redis.hset(parts.log.keys.state(id), "finished_at", new Date(Date.now() + 2 * DAY).toISOString());
    expect(await janitor({ days: 1 }).sweep(Date.now() + 2 * DAY)).toBe(0);
    expect(await janitor({ days: 1 }).sweep(Date.now() + 3.1 * DAY)).toBe(1);
  });

  test("keeps the newest so many, also when several workers sweep at once", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 8; i++) ids.push(await finished());
    const removed = await Promise.all([1, 2, 3].map(() => janitor({ jobs: 3 }).sweep()));
    expect(removed.reduce((sum, count) => sum + count)).toBe(5);
    expect(await left()).toEqual(ids.slice(5));
  });

  test("keeps all where nothing else is configured", async () => {
    await finished();
    expect(await janitor({}).sweep(Date.now() + 10_000 * DAY)).toBe(0);
  });
});
