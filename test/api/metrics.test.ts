/** What Prometheus reads. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { newId } from "../../src/jobs/ids.ts";
import { cpuAlone } from "../job-fixture.ts";
import { type ApiFixture, startTestApi } from "./api-fixture.ts";
import { readEvents } from "./event-reader.ts";
import { JobScript } from "./job-script.ts";

let api: ApiFixture;
let url: string;
beforeAll(async () => {
  api = await startTestApi();
  url = await api.listen();
});
afterAll(() => api.close());

async function metrics(): Promise<Map<string, number>> {
  const response = await api.app.inject("/metrics");
  expect([response.statusCode, response.headers["content-type"]]).toEqual([200, expect.stringContaining("text/plain")]);
  const lines = response.body.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

test("the page tells of jobs, workers, requests and this process", async () => {
  const running = await (await new JobScript(api.parts).queue()).start();
  await running.train(1, { samples_per_s: 5000 });
  await new JobScript(api.parts).queue();
  const now = new Date().toISOString();
  const about = { host: "h", pid: 1, version: "1", ...cpuAlone, threads: 1, since: now, seen_at: now };
  await api.parts.workers.beat({ ...about, id: "w-1", concurrency: 3, jobs: [running.id] });
  await api.app.inject(`/v1/jobs/${newId("job")}`);

  const page = await metrics();
  expect(page.get('epochd_jobs{status="running"}')).toBe(1);
  expect(page.get('epochd_jobs{status="completed"}')).toBe(0);
  expect(page.get("epochd_queue_depth")).toBe(1);
  expect(page.get("epochd_queue_oldest_wait_seconds")).toBeLessThan(60);
  expect(page.get("epochd_workers")).toBe(1);
  expect(page.get('epochd_worker_slots{worker="w-1"}')).toBe(3);
  expect(page.get('epochd_worker_jobs{worker="w-1"}')).toBe(1);
  expect(page.get("epochd_samples_per_second")).toBe(5000);
  expect(page.get("epochd_sse_clients")).toBe(0);
  expect(page.get("epochd_broker_up")).toBe(1);
  expect(page.get('epochd_http_request_duration_seconds_count{method="GET",route="/v1/jobs/:id",status="404"}')).toBe(
    1,
  );
  expect(page.get("process_resident_memory_bytes")).toBeGreaterThan(1e6);
});

test("the page tells of memory, of steps, and how late events are", async () => {
  const now = new Date().toISOString();
  const about = { host: "h", pid: 1, version: "1", ...cpuAlone, threads: 1, since: now, seen_at: now };
  await api.parts.workers.beat({ ...about, id: "w-2", concurrency: 1, jobs: [], rss_bytes: 123_000 });
  const job = await (await new JobScript(api.parts, 100).queue()).start();
  await job.train(20, { step: 40, steps: 100, eta_s: 2 });
  const stepsBefore = (await metrics()).get("epochd_steps_per_second");
  const reading = readEvents(`${url}/v1/jobs/${job.id}/events`);
  await expect.poll(() => api.hub.listenerCount).toBe(1);
  await expect
    .poll(async () => {
      await job.train(1, { step: 40, steps: 100, eta_s: 2 });
      return (await metrics()).get("epochd_event_lag_seconds_count") ?? 0;
    })
    .toBeGreaterThan(0);
  const page = await metrics();
  expect(stepsBefore).toBeGreaterThanOrEqual(30);
  expect(page.get('epochd_worker_resident_memory_bytes{worker="w-2"}')).toBe(123_000);
  expect(page.get("epochd_broker_memory_bytes")).toBeGreaterThan(100_000);
  expect(page.get("epochd_broker_max_memory_bytes")).toBeGreaterThanOrEqual(0);
  expect(page.get('epochd_event_lag_seconds_bucket{le="10"}')).toBe(page.get("epochd_event_lag_seconds_count"));
  expect(page.get("epochd_sse_clients_cut_off_total")).toBe(0);
  await job.complete();
  await reading;
  await api.parts.workers.leave("w-2");
});

test("a worker that goes silent is counted once, one that takes leave never", async () => {
  const lost = async () => (await metrics()).get("epochd_workers_lost_total");
  const before = await lost();
  const past = new Date(Date.now() - 60_000).toISOString();
  const about = { host: "h", pid: 1, version: "1", ...cpuAlone, threads: 1, since: past, concurrency: 1, jobs: [] };
  for (const id of ["w-silent", "w-polite"]) await api.parts.workers.beat({ ...about, id });
  await api.parts.redis.zincrby(api.parts.log.keys.workersSeen, -60_000, "w-silent");
  await api.parts.workers.leave("w-polite");
  await Promise.all([api.parts.workers.list(), api.parts.workers.list(), metrics()]);
  expect(await lost()).toBe((before ?? 0) + 1);
});

test("the example's alerts ask for metrics that there are", async () => {
  const Rules = z.object({
    groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string(), expr: z.string() })) })),
  });
  const text = readFileSync(new URL("../../docs/alerts.yml", import.meta.url), "utf8");
  const { groups } = Rules.parse(parse(text));
  const page = (await api.app.inject("/metrics")).body;
  const names = groups.flatMap(({ rules }) => rules.flatMap(({ expr }) => expr.match(/\b(epochd|process)_\w+/g) ?? []));
  expect(names.length).toBeGreaterThan(10);
  for (const name of names) expect(page).toMatch(new RegExp(`^# TYPE ${name.replace(/_bucket$/, "")} `, "m"));
});

test("a stream, which lasts as long as its job, is no slow request", async () => {
  const job = await (await (await new JobScript(api.parts).queue()).start()).complete();
  await readEvents(`${url}/v1/jobs/${job.id}/events`);
  await api.app.inject({ url: `/v1/jobs/${job.id}/events`, headers: { accept: "application/json" } });
  const page = await metrics();
  const route = 'method="GET",route="/v1/jobs/:id/events",status="200"';
  expect(page.get(`epochd_http_request_duration_seconds_count{${route}}`)).toBe(1);
});

test("a worker that is gone has no series any more", async () => {
  await api.parts.workers.leave("w-1");
  const page = await metrics();
  expect([...page.keys()].filter((name) => name.includes("w-1"))).toEqual([]);
  expect(page.get("epochd_workers")).toBe(0);
});

test("the page is there while the broker is not, and says so", async () => {
  const other = await startTestApi();
  other.parts.redis.disconnect();
  const response = await other.app.inject("/metrics");
  expect(response.statusCode).toBe(200);
  expect(response.body).toContain("epochd_broker_up 0");
  expect(response.body).toMatch(/^epochd_workers nan$/im);
  await other.close();
});
