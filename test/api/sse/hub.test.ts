/** Followers of a job whose log lost its end with the broker: they notice nothing if it is restored, else they get what came instead. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JobParts } from "../../../src/jobs/open-jobs.ts";
import { moons, submit } from "../../job-fixture.ts";
import { type ApiFixture, startTestApi } from "../api-fixture.ts";
import { readEvents, seqs, upTo } from "../event-reader.ts";

let api: ApiFixture;
let address: string;
beforeAll(async () => {
  api = await startTestApi();
  address = await api.listen();
});
afterAll(() => api.close());

/** Another process that writes to the log. */
const writer = (): Promise<JobParts> => api.broker.parts(api.config);
const pause = async ({ jobs }: JobParts, id: string) => {
  await jobs.pause(id);
  await jobs.resume(id);
};

/** The log as it is now, and how to make it so again while all connections break. */
async function copyOf(id: string): Promise<() => Promise<void>> {
  const { redis, log } = api.parts;
  const keys = [log.keys.state(id), log.keys.events(id)];
  const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
  return async () => {
    const lose = redis.multi();
    keys.forEach((key, i) => void lose.restore(key, 0, dumps[i] ?? Buffer.alloc(0), "REPLACE"));
    await lose.exec();
    await redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no").catch(() => {});
  };
}

/** A job with a follower who has heard of two pauses, of which the log is about to lose the second. */
async function followed(parts: JobParts) {
  const id = await submit(api.parts, moons);
  await pause(parts, id);
  const lose = await copyOf(id);
  await pause(parts, id);
  let heard = 0;
  const reading = readEvents(`${address}/v1/jobs/${id}/events`, {
    enough: (events) => {
      heard = events.length;
      return false;
    },
  });
  await expect.poll(() => heard).toBe(5);
  return { id, lose, reading };
}

test("the writer lives: it restores the same bytes, and each event comes once", async () => {
  const parts = await writer();
  const { id, lose, reading } = await followed(parts);
  await lose();
  await parts.log.settled();
  await expect.poll(async () => (await parts.jobs.cancel(id).catch(() => null)) ?? "away").toBe("done");
  const { events, text } = await reading;
  expect(seqs(events)).toEqual(upTo(6));
  expect(text).toBe((await readEvents(`${address}/v1/jobs/${id}/events`)).text);
});

test("the writer died, too: its events are replaced by what happened instead, from where the log broke off", async () => {
  const doomed = await writer();
  const { id, lose, reading } = await followed(doomed);
  await doomed.close();
  await lose();
  const other = await writer();
  await pause(other, id);
  await other.jobs.cancel(id);
  const { events } = await reading;
  expect(seqs(events)).toEqual([...upTo(5), 4, 5, 6]);
  const instead = await readEvents(`${address}/v1/jobs/${id}/events`, { lastEventId: "3" });
  expect(events.slice(5)).toEqual(instead.events);
});
