/** The service as a person starts and ends it: what it says, what it refuses, and that an end loses nothing. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { moons, slow, upTo } from "../job-fixture.ts";
import { run, type TestProcess } from "../process-fixture.ts";

let directory: string;
const processes: TestProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "epochd-service-"));
});
afterEach(async () => {
  for (const process of processes) process.kill("SIGTERM");
  await Promise.all(processes.splice(0).map(({ ended }) => ended));
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

function start(env: Record<string, string> = {}, args: string[] = []): TestProcess {
  const BROKER = process.env["EPOCHD_TEST_BROKER"] ?? "auto";
  const started = run(args, { DATA_DIR: directory, PORT: "0", LOG_LEVEL: "warn", BROKER, ...env });
  processes.push(started);
  return started;
}

const urlOf = async (service: TestProcess) => (await service.until(/ready on (http:\S+)/))[1] ?? "";

async function submit(url: string, spec: object): Promise<string> {
  const body = JSON.stringify(spec);
  const answer = await fetch(`${url}/v1/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  const job = await answer.json();
  if (answer.status !== 202) throw new Error(JSON.stringify(job));
  return job.id;
}

const jobOf = async (url: string, id: string) => (await fetch(`${url}/v1/jobs/${id}`)).json();
const until = (url: string, id: string, check: (job: { status: string; progress: { epoch: number } }) => boolean) =>
  vi.waitFor(async () => expect(check(await jobOf(url, id))).toBe(true), { timeout: 40_000, interval: 20 });

/** The epochs and the last event's type, as the stream gives them. */
async function streamOf(url: string, id: string) {
  const text = await (await fetch(`${url}/v1/jobs/${id}/events`, { headers: { accept: "text/event-stream" } })).text();
  const events = text.split("\n\n").flatMap((event) => {
    const data = /^data: (.*)$/m.exec(event)?.[1];
    return data === undefined ? [] : [{ type: /^event: (.*)$/m.exec(event)?.[1], ...JSON.parse(data) }];
  });
  return { epochs: events.filter(({ type }) => type === "epoch").map(({ epoch }) => epoch), last: events.at(-1)?.type };
}

// Each starts several processes, on a machine that may be busy with other things.
const timeout = 90_000;

describe("starting", () => {
  test("says where everything is, which broker it uses and who may come in", async () => {
    const service = start();
    const url = await urlOf(service);
    for (const line of [
      `dashboard  ${url}/`,
      `API docs   ${url}/docs`,
      /broker +(server|embedded): (writes|keeps) /,
      "worker     1 process",
      "no API keys are asked for: listening on the loopback only",
    ]) {
      expect(service.output()).toMatch(line);
    }
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  test.each([
    ["a wrong value", { PORT: "many" }, [], /^epochd can't start: PORT must be a port number.*got "many"\n$/],
    ["an open host without keys", { HOST: "0.0.0.0" }, [], /^epochd can't start: HOST is "0.0.0.0", but no API keys/],
    ["a host that is not its own", { HOST: "192.0.2.1", ALLOW_OPEN: "1" }, [], /HOST 192.0.2.1 is no address of this/],
    [
      "a data directory that can't be",
      { DATA_DIR: "/dev/null/data" },
      [],
      /the data directory \/dev\/null\/data can't be/,
    ],
    ["an unknown argument", {}, ["--wroker"], /^epochd can't start: unknown arguments "--wroker": npm start runs/],
    ["a broker that is away", { REDIS_URL: "redis://127.0.0.1:1" }, [], /^epochd can't start: The broker at REDIS_URL/],
    ["a part without a broker", {}, ["--worker"], /^epochd can't start: --worker alone needs a broker: set REDIS_URL/],
  ])("ends with one line for %s", async (_what, env, args, line) => {
    const service = start(env, args);
    expect(await service.ended).toBe(1);
    expect(service.output()).toMatch(line);
    expect(service.output().trim().split("\n")).toHaveLength(1);
  });

  test("ends with one line when its port is in use", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const address = other.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    const service = start({ PORT: String(port) });
    expect(await service.ended).toBe(1);
    expect(service.output()).toMatch(
      `epochd can't start: port ${port} on 127.0.0.1 is in use: set PORT to another one`,
    );
    other.close();
  });

  test("ends with one line when another service has the data directory", async () => {
    await urlOf(start());
    const second = start();
    expect(await second.ended).toBe(1);
    expect(second.output()).toMatch(
      /^epochd can't start: The data directory .* is in use by another service \(process/,
    );
  });
});

describe("ending", () => {
  test.each(["SIGINT", "SIGTERM"] as const)(
    "by %s is over within 5 s, and the next start goes on with the job that ran and the one that waited",
    async (signal) => {
      const first = start({ CONCURRENCY: "1" });
      const url = await urlOf(first);
      const done = await submit(url, { ...moons, name: "done" });
      await until(url, done, ({ status }) => status === "completed");
      const running = await submit(url, { ...slow, epochs: 30 });
      const waiting = await submit(url, { ...moons, name: "waiting" });
      await until(url, running, ({ progress }) => progress.epoch >= 3);
      const asked = Date.now();
      first.kill(signal);
      expect(await first.ended).toBe(0);
      expect(Date.now() - asked).toBeLessThan(5000);

      const again = await urlOf(start({ CONCURRENCY: "1" }));
      expect(await jobOf(again, done)).toMatchObject({ status: "completed", name: "done" });
      await until(again, running, ({ status }) => status === "completed");
      await until(again, waiting, ({ status }) => status === "completed");
      expect(await streamOf(again, running)).toEqual({ epochs: upTo(30), last: "completed" });
      expect(await streamOf(again, waiting)).toEqual({ epochs: upTo(20), last: "completed" });
    },
    timeout,
  );
});

describe("a part alone", () => {
  test("finds the broker of the service that runs on the same data directory", async () => {
    await urlOf(start());
    const worker = start({ LOG_LEVEL: "info" }, ["--worker"]);
    await worker.until(/waiting for jobs/);
    const api = start({}, ["--api"]);
    const url = (await api.until(/API on (http:\S+)/))[1] ?? "";
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    worker.kill("SIGTERM");
    api.kill("SIGINT");
    expect([await worker.ended, await api.ended]).toEqual([0, 0]);
  }, 60_000);
});
