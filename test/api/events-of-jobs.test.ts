/** Many jobs over one stream: each job's events once and in order, wherever the client left off. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ApiFixture, startTestApi } from "./api-fixture.ts";
import { type ReadEvent, readEvents, upTo } from "./event-reader.ts";
import { JobScript } from "./job-script.ts";

let api: ApiFixture;
let url: string;
beforeAll(async () => {
  api = await startTestApi({ hub: { heartbeatMs: 200, maxBuffered: 2000, lagTimeoutMs: 60_000, catchUpBatch: 64 } });
  url = await api.listen();
});
afterAll(() => api.close());

const started = async () => (await new JobScript(api.parts).queue()).start();
const streamOf = (...jobs: JobScript[]) => `${url}/v1/events?jobs=${jobs.map(({ id }) => id).join(",")}`;
const seqsOf = (events: readonly ReadEvent[], { id }: JobScript) =>
  events.map(({ data }) => JSON.parse(data)).flatMap(({ job_id, seq }) => (job_id === id ? [seq] : []));

test("each job's events come once and in order, and the stream ends with the last job", async () => {
  const [past, live] = [await started(), await started()];
  await (await past.train(200)).complete();
  const reading = readEvents(streamOf(past, live));
  await expect.poll(() => api.hub.listenerCount).toBe(2);
  for (let i = 0; i < 5; i++) await live.train(3);
  await live.complete();
  const { status, headers, events } = await reading;
  expect([status, headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  expect(seqsOf(events, past)).toEqual(upTo(203));
  expect(seqsOf(events, live)).toEqual(upTo(18));
  expect(events.at(-1)?.id).toBe("203.18");
});

test("a client that was cut off anywhere goes on with nothing lost or repeated", async () => {
  const jobs = [await started(), await started(), await started()];
  for (const job of jobs) await (await job.train(40)).complete();
  const all: ReadEvent[] = [];
  let last = "";
  for (let cut = 1; ; cut += 3) {
    const { status, events } = await readEvents(streamOf(...jobs), {
      lastEventId: last,
      enough: (so_far) => so_far.length === cut,
    });
    if (status === 204) break;
    all.push(...events);
    last = events.at(-1)?.id ?? last;
  }
  for (const job of jobs) expect(seqsOf(all, job)).toEqual(upTo(43));
});

test("a job that has ended before does not keep the stream from the others", async () => {
  const [over, live] = [await started(), await started()];
  await over.complete();
  const reading = readEvents(streamOf(over, live), { lastEventId: "3.2" });
  await expect.poll(() => api.hub.listenerCount).toBe(1);
  await live.complete();
  expect((await reading).events.map(({ id }) => id)).toEqual(["3.3"]);
});

test("a quiet stream is kept open, also when the first of its jobs is over", async () => {
  const [over, live] = [await started(), await started()];
  await over.complete();
  const { comments } = await readEvents(streamOf(over, live), { enoughComments: 2 });
  expect(comments).toHaveLength(2);
});

test.each([
  ["?jobs=", 400, "at least one"],
  ["?after=7.3", 400, "of jobs that were named"],
  ["?newest=-1", 400, "newest"],
  ["?jobs=job_a,job_a", 400, "names a job twice"],
  [`?jobs=${Array.from({ length: 101 }, (_, i) => `job_${i}`).join(",")}`, 400, "at most 100"],
  ["?jobs=job_nothing", 404, "job_nothing"],
])("a question that can't be answered is told so: %s", async (query, status, detail) => {
  const response = await fetch(`${url}/v1/events${query}`);
  expect(response.status).toBe(status);
  expect((await response.json()).detail).toContain(detail);
});

test("the id of another stream is refused", async () => {
  const response = await fetch(streamOf(await started(), await started()), { headers: { "last-event-id": "7" } });
  expect([response.status, (await response.json()).detail]).toEqual([400, expect.stringContaining("of 1 jobs, and 2")]);
});
