/** Parts of a running service killed with -9: it goes on, or its next start does, with everything acknowledged. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { isRunning } from "../../src/broker/is-running.ts";
import { slow, upTo } from "../job-fixture.ts";
import { run, type TestProcess } from "../process-fixture.ts";

let directory: string;
const processes: TestProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "epochd-killed-"));
});
afterEach(async () => {
  for (const process of processes) process.kill("SIGTERM");
  await Promise.all(processes.splice(0).map(({ ended }) => ended));
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

async function start(): Promise<{ service: TestProcess; url: string }> {
  const BROKER = process.env["EPOCHD_TEST_BROKER"] ?? "auto";
  const service = run([], { DATA_DIR: directory, PORT: "0", LOG_LEVEL: "info", BROKER, CONCURRENCY: "1" });
  processes.push(service);
  return { service, url: (await service.until(/ready on (http:\S+)/))[1] ?? "" };
}

async function submit(url: string, spec: object): Promise<string> {
  const body = JSON.stringify(spec);
  const answer = await fetch(`${url}/v1/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  return (await answer.json()).id;
}

const patience = { timeout: 60_000, interval: 20 };
const jobOf = async (url: string, id: string) => (await fetch(`${url}/v1/jobs/${id}`)).json();
const untilEpoch = (url: string, id: string, epoch: number) =>
  vi.waitFor(async () => expect((await jobOf(url, id)).progress.epoch).toBeGreaterThanOrEqual(epoch), patience);
const untilCompleted = (url: string, id: string) =>
  vi.waitFor(async () => expect((await jobOf(url, id)).status).toBe("completed"), patience);

async function epochsOf(url: string, id: string): Promise<number[]> {
  const text = await (await fetch(`${url}/v1/jobs/${id}/events`, { headers: { accept: "text/event-stream" } })).text();
  const epochs = text.split("\n\n").filter((event) => /^event: epoch$/m.test(event));
  return epochs.map((event) => JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? "{}").epoch);
}

const brokerPid = async () => JSON.parse(await readFile(join(directory, "broker", "broker.json"), "utf8")).pid;
const workerPid = (service: TestProcess) =>
  service.until(/"part":"worker","pid":(\d+)/).then((found) => Number(found[1]));

describe("kill -9", () => {
  test("of the worker: the service starts another, which goes on within 10 s", async () => {
    const { service, url } = await start();
    const id = await submit(url, { ...slow, epochs: 30 });
    await untilEpoch(url, id, 5);
    process.kill(await workerPid(service), "SIGKILL");
    await service.until(/the worker died; it is started again/);
    await untilCompleted(url, id);
    expect(await epochsOf(url, id)).toEqual(upTo(30));
    expect((await jobOf(url, id)).attempts).toBe(2);
  }, 120_000);

  test("of the broker: the service starts it again and the job goes on to its end", async () => {
    const { service, url } = await start();
    const id = await submit(url, { ...slow, epochs: 60 });
    // Long enough for the embedded one to have taken a snapshot of the job.
    await untilEpoch(url, id, 5);
    await sleep(2500);
    process.kill(await brokerPid(), "SIGKILL");
    await service.until(/The broker died .* it is started again/);
    await untilCompleted(url, id);
    expect(await epochsOf(url, id)).toEqual(upTo(60));
  }, 120_000);

  test("of the service: its worker and broker end, too, and the next start goes on", async () => {
    const { service, url } = await start();
    const id = await submit(url, { ...slow, epochs: 30 });
    await untilEpoch(url, id, 5);
    const left = [await workerPid(service), await brokerPid()];
    service.kill("SIGKILL");
    await service.ended;
    await vi.waitFor(() => expect(left.filter(isRunning)).toEqual([]), patience);

    const again = await start();
    await untilCompleted(again.url, id);
    expect(await epochsOf(again.url, id)).toEqual(upTo(30));
  }, 120_000);
});
