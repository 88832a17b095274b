/** Every job over one stream: what there is, then what changes, wherever the client left off. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ApiFixture, startTestApi } from "./api-fixture.ts";
import { type ReadEvent, readEvents } from "./event-reader.ts";
import { JobScript } from "./job-script.ts";

let api: ApiFixture;
let url: string;
let keys: { mine: string; theirs: string };
beforeAll(async () => {
  api = await startTestApi({ keysRequired: true, feed: { gatherMs: 20, blockMs: 200, maxBuffered: 4096 } });
  url = await api.listen();
  const [mine, theirs] = await Promise.all(["mine", "theirs"].map((name) => api.parts.keys.create(name)));
  keys = { mine: mine?.secret ?? "", theirs: theirs?.secret ?? "" };
});
afterAll(() => api.close());

const follow = (options: Parameters<typeof readEvents>[1], key = keys.mine, query = "") =>
  readEvents(`${url}/v1/events${query}`, { ...options, headers: { authorization: `Bearer ${key}` } });
const jobsIn = (events: readonly ReadEvent[]) =>
  events.flatMap(({ event, data }) => (event === "job" ? [JSON.parse(data)] : []));
const isTold =
  (status: string, { id }: JobScript) =>
  (events: ReadEvent[]) =>
    jobsIn(events).some((job) => job.id === id && job.status === status);
const positionOf = (events: readonly ReadEvent[]) => events.findLast(({ id }) => id !== "")?.id ?? "";
const isPosition = (events: ReadEvent[]) => events.at(-1)?.event === "position";

async function submitted(key = keys.mine): Promise<JobScript> {
  const script = new JobScript(api.parts, 10);
  const owner = await api.parts.keys.find(key);
  await api.parts.owners.own(script.id, owner?.id ?? "");
  return script.queue({ name: "followed", metadata: { team: "a" } });
}

test("the jobs that there are come first, the newest at the front, and no others than one's own", async () => {
  const theirs = await submitted(keys.theirs);
  const [older, newer] = [await submitted(), await submitted()];
  const { status, headers, events } = await follow({ enough: isPosition });
  expect([status, headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  expect(events[0]?.event).toBe("list");
  expect(events.at(-2)?.event).toBe("listed");
  const ids = jobsIn(events).map(({ id }) => id);
  expect(ids.slice(0, 2)).toEqual([newer.id, older.id]);
  expect(ids).not.toContain(theirs.id);
  expect(jobsIn(events)[0]).toMatchObject({
    name: "followed",
    metadata: { team: "a" },
    status: "queued",
    progress: { epoch: 0, epochs: 10 },
    trend: { every: 1, losses: [] },
    seq: 1,
  });
});

test("no more than the newest are told at the start, if one asks for it", async () => {
  const newest = await submitted();
  const { events } = await follow({ enough: isPosition }, keys.mine, "?newest=1");
  expect(jobsIn(events).map(({ id }) => id)).toEqual([newest.id]);
});

test("a job is told when it is made, trains, is asked to stop, ends and is removed", async () => {
  const reading = follow(
    { enough: (events) => events.some(({ event }) => event === "removed") },
    keys.mine,
    "?newest=0",
  );
  const job = await submitted();
  const told = follow({ enough: isTold("completed", job) });
  await (await job.start()).train(5);
  await api.parts.log.request(job.id, "cancel");
  await job.complete();
  expect(jobsIn((await told).events).findLast(({ id }) => id === job.id)).toMatchObject({
    status: "completed",
    progress: { epoch: 5 },
    latest: { loss: 0.2 },
    cancel_requested: true,
  });
  await api.parts.jobs.remove(job.id);
  const { events } = await reading;
  expect(events.at(-1)).toMatchObject({ event: "removed", data: JSON.stringify({ id: job.id }) });
});

test("a client that was away hears of what has changed meanwhile, and of nothing else", async () => {
  const [quiet, busy] = [await submitted(), await submitted()];
  const { events } = await follow({ enough: isPosition });
  await (await busy.start()).complete();
  const later = await follow({ lastEventId: positionOf(events), enough: isPosition });
  expect(later.events.map(({ event }) => event)).toEqual(["job", "position"]);
  expect(jobsIn(later.events)).toEqual([expect.objectContaining({ id: busy.id, status: "completed" })]);
  expect(jobsIn(later.events)[0].id).not.toBe(quiet.id);
});

test.each(["1-0", "99999999999999-0"])(
  "a client whose position %s is not known is told all anew",
  async (lastEventId) => {
    const job = await submitted();
    const { events } = await follow({ lastEventId, enough: isPosition });
    expect(events[0]?.event).toBe("list");
    expect(jobsIn(events).map(({ id }) => id)).toContain(job.id);
  },
);

test("a job that changes without pause is told a few times, and at last as it is", async () => {
  const job = await (await submitted()).start();
  const reading = follow({ enough: isTold("completed", job) }, keys.mine, "?newest=0");
  for (let i = 0; i < 9; i++) await job.train(1);
  await job.complete();
  const { events } = await reading;
  expect(jobsIn(events).at(-1)).toMatchObject({ status: "completed", progress: { epoch: 9 }, seq: 12 });
});

test("a stream that nobody reads holds up no other", async () => {
  const slow = await fetch(`${url}/v1/events`, { headers: { authorization: `Bearer ${keys.mine}` } });
  for (let i = 0; i < 30; i++) await submitted();
  const job = await submitted();
  const { events } = await follow({ enough: isTold("queued", job) });
  expect(jobsIn(events)).not.toHaveLength(0);
  await slow.body?.cancel();
});
