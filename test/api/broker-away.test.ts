import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, test } from "vitest";
import { startApi } from "../../src/api/server.ts";
import { startBroker } from "../../src/broker/start-broker.ts";
import { readConfig } from "../../src/config.ts";
import { openJobs } from "../../src/jobs/open-jobs.ts";
import { smallSpec } from "./api-fixture.ts";

test("while the broker is away every call that needs it says so at once, with Retry-After, and the process lives", async () => {
  const directory = await mkdtemp(join(tmpdir(), "epochd-away-"));
  const config = readConfig({ DATA_DIR: directory, BROKER: process.env["EPOCHD_TEST_BROKER"] ?? "auto", PORT: "0" });
  const broker = await startBroker(config);
  const parts = await openJobs(config, broker.url);
  const api = await startApi(config, { ...parts, broker, logger: pino({ level: "silent" }) });
  try {
    const ask = (path: string, init?: RequestInit) => fetch(api.url + path, init);
    const post = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(smallSpec) };
    const { id } = await (await ask("/v1/jobs", post)).json();
    expect((await ask("/readyz")).status).toBe(200);
    await broker.close();

    const calls: [string, RequestInit?][] = [
      ["/v1/jobs", post],
      ["/v1/jobs"],
      [`/v1/jobs/${id}`],
      [`/v1/jobs/${id}`, { method: "DELETE" }],
      [`/v1/jobs/${id}/cancel`, { method: "POST" }],
      [`/v1/jobs/${id}/events`],
      [`/v1/jobs/${id}/history`],
      [`/v1/jobs/${id}/model`],
    ];
    for (const [path, init] of calls) {
      const response = await ask(path, { ...init, signal: AbortSignal.timeout(3000) });
      expect([path, response.status]).toEqual([path, 503]);
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await response.json()).toMatchObject({ status: 503, type: expect.stringMatching(/\/unavailable$/) });
    }
    const ready = await ask("/readyz");
    expect(ready.status).toBe(503);
    expect((await ready.json()).checks).toMatchObject({ broker: { ok: false }, store: { ok: true } });
    expect((await ask("/healthz")).status).toBe(200);
    expect((await ask("/v1/jobs/validate", post)).status).toBe(200);
  } finally {
    await api.close();
    await parts.close();
    await rm(directory, { recursive: true, force: true });
  }
});
