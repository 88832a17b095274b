/**
 * Thousands of requests to a real service, drawn from its own OpenAPI document: none is answered with a 5xx, with anything
 * that the document does not promise, or not at all; and nothing dies of them.
 *
 *   EPOCHD_FUZZ_REQUESTS=20000   how many
 *   EPOCHD_FUZZ_SEED=1           which
 */
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import fc from "fast-check";
import type { OpenAPIV3_1 } from "openapi-types";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findBroker } from "../../src/broker/broker-record.ts";
import { readConfig } from "../../src/config.ts";
import { openJobs } from "../../src/jobs/open-jobs.ts";
import { start, type TestProcess } from "../process-fixture.ts";
import { Promises } from "./answers.ts";
import { type FuzzAnswer, type FuzzRequest, send } from "./client.ts";
import { drawRequests, type Pool } from "./requests.ts";
import { SPECS } from "./specs.ts";

const REQUESTS = Number(env["EPOCHD_FUZZ_REQUESTS"] ?? 20_000);
const SEED = Number(env["EPOCHD_FUZZ_SEED"] ?? 1);
const AT_ONCE = 8;
/** Each kind of mistake is told so often. */
const MOST_TOLD = 3;

let directory: string;
let service: TestProcess;
let url: string;
let document: OpenAPIV3_1.Document;
let keys: string[];
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "epochd-fuzz-"));
  const environment = {
    DATA_DIR: directory,
    PORT: "0",
    LOG_LEVEL: "error",
    API_KEYS_REQUIRED: "1",
    RATE_LIMIT: "0",
    CONCURRENCY: "1",
  };
  service = start([], environment);
  url = (await service.until(/http:\/\/[\w.:]+/))[0];
  document = await (await fetch(`${url}/openapi.json`)).json();
  keys = await makeKeys(environment);
}, 300_000);
afterAll(async () => {
  service.kill("SIGTERM");
  await service.ended;
  await rm(directory, { recursive: true, force: true });
});

test(`${REQUESTS} requests of seed ${SEED}`, async () => {
  console.log(`${REQUESTS} requests, EPOCHD_FUZZ_SEED=${SEED}`);
  const promises = new Promises(document);
  const found = new Map<string, string[]>();
  const statuses = new Map<number, number>();
  const pool = new LivePool(keys);
  await pool.fill();
  const drafts = fc.sample(drawRequests(document), { numRuns: REQUESTS, seed: SEED });
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < drafts.length) {
      const index = next++;
      const draft = drafts[index];
      if (draft === undefined) return;
      const request = draft(pool);
      const answer = await send(url, request).catch((error: unknown) =>
        error instanceof Error ? error : new Error(String(error)),
      );
      const broken = answer instanceof Error ? `no answer: ${answer.message}` : promises.broken(request, answer);
      if (broken !== null) note(found, request, broken, index);
      if (answer instanceof Error) continue;
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      pool.learn(request, answer);
      if (index % 200 === 0) await pool.cancelSome();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  console.log(
    `Answers: ${[...statuses]
      .sort(([a], [b]) => a - b)
      .map(([status, count]) => `${status}: ${count}`)
      .join(", ")}`,
  );
  const told = [...found].map(
    ([kind, requests]) => `${kind} (${requests.length} times)\n${requests.slice(0, MOST_TOLD).join("\n")}`,
  );
  expect(told.join("\n\n")).toBe("");
  // It was tried at depth, too: some of every outcome.
  const outcomes = REQUESTS < 1000 ? [] : [200, 201, 202, 204, 400, 401, 404, 409, 415, 422];
  for (const status of outcomes) expect([...statuses.keys()]).toContain(status);
  expect(service.output()).not.toMatch(/"level":(50|60)|unhandled/i);
}, 3_600_000);

test("bytes that are no request end their own connection alone", async () => {
  const { hostname, port } = new URL(url);
  const garbage = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 200 }),
    fc
      .constantFrom(
        "GET / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "POST /v1/jobs HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\nabc",
        "POST /v1/jobs HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "GET /\u0000 HTTP/1.1\r\nhost: x\r\n\r\n",
        `GET / HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(40_000)}\r\n\r\n`,
        "POST /v1/datasets HTTP/1.1\r\nhost: x\r\ncontent-type: text/csv\r\ncontent-length: 100\r\n\r\na,b\n",
        "GET /v1/jobs HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      )
      .map((text) => Buffer.from(text, "latin1")),
  );
  await fc.assert(
    fc.asyncProperty(garbage, async (bytes) => {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => {});
      socket.end(bytes);
      let text = "";
      for await (const chunk of socket) text += chunk;
      if (text !== "") expect(text).toMatch(/^HTTP\/1\.1 [1-4]\d\d /);
    }),
    { numRuns: Math.min(300, Math.ceil(REQUESTS / 50)), seed: SEED },
  );
}, 600_000);

test("afterwards the service works as before, with the worker that it had", async () => {
  const headers = { authorization: `Bearer ${keys[0]}`, "content-type": "application/json" };
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  const { data } = await (await fetch(`${url}/v1/workers`, { headers })).json();
  expect(data).toHaveLength(1);
  const jobs = await (await fetch(`${url}/v1/jobs?status=queued&limit=200`, { headers })).json();
  for (const { id } of jobs.data)
    await fetch(`${url}/v1/jobs/${id}/cancel`, { method: "POST", headers: { authorization: headers.authorization } });
  const posted = await fetch(`${url}/v1/jobs`, { method: "POST", headers, body: JSON.stringify(SPECS[0]) });
  expect(posted.status).toBe(202);
  const { id } = await posted.json();
  await expect
    .poll(async () => (await (await fetch(`${url}/v1/jobs/${id}`, { headers })).json()).status, { timeout: 60_000 })
    .toBe("completed");
  expect(service.output()).not.toMatch(/the worker died/);
  const memory = await (await fetch(`${url}/metrics`, { headers })).text();
  console.log(/process_resident_memory_bytes \d+/.exec(memory)?.[0]);
}, 120_000);

/** Small enough that a worker gets through what is asked of it. */
const LIMITS = {
  scopes: ["read", "write", "metrics"] as const,
  quota: { parameters: 20_000, flops: 1e9, jobs: 40 },
};

/** With the broker of the service, as `keys create` does it. */
async function makeKeys(environment: Record<string, string>): Promise<string[]> {
  const config = readConfig(environment);
  const broker = await findBroker(config.dataDir);
  if (!broker) throw new Error("The service has no broker.");
  const parts = await openJobs(config, broker.url);
  const made = await Promise.all(["one", "other"].map((name) => parts.keys.create(name, LIMITS)));
  await parts.close();
  return made.map(({ secret }) => secret);
}

function note(found: Map<string, string[]>, request: FuzzRequest, broken: string, index: number): void {
  const kind = `${request.operation}: ${broken.slice(0, 160)}`;
  const { method, path, headers, body } = request;
  const { authorization: _secret, ...shown } = headers;
  const text = `  #${index} ${method} ${path.slice(0, 200)} ${JSON.stringify(shown)} ${body?.toString("utf8").slice(0, 1500) ?? ""}\n  → ${broken}`;
  found.set(kind, [...(found.get(kind) ?? []), text]);
}

/** What is there to be named; it changes as requests make and remove things. */
class LivePool implements Pool {
  jobs: string[] = [];
  datasets: string[] = [];
  sweeps: string[] = [];
  models: string[] = [];
  readonly key: string;
  readonly otherKey: string;

  constructor([key = "", otherKey = ""]: readonly string[]) {
    this.key = key;
    this.otherKey = otherKey;
  }

  async fill(): Promise<void> {
    const upload = await this.#send(
      "POST",
      "/v1/datasets",
      Buffer.from("a,b,label\n1,2,x\n3,4,y\n5,,x\n4,1,y\n"),
      "text/csv",
    );
    this.datasets.push(JSON.parse(upload.text).id);
    for (const spec of SPECS.slice(0, 3)) {
      const { text } = await this.#send("POST", "/v1/jobs", Buffer.from(JSON.stringify(spec)), "application/json");
      this.jobs.push(JSON.parse(text).id);
    }
  }

  learn({ operation }: FuzzRequest, { status, text }: FuzzAnswer): void {
    if (operation === "POST /v1/models/import" && status === 201)
      this.models = [...this.models.slice(-10), JSON.parse(text).id];
    if (operation === "POST /v1/sweeps" && status === 202)
      this.sweeps = [...this.sweeps.slice(-10), JSON.parse(text).id];
    if (operation === "POST /v1/jobs" && status === 202) this.jobs = [...this.jobs.slice(-20), JSON.parse(text).id];
    // The first stays where it is, for specs to name.
    if (operation === "POST /v1/datasets" && status === 201)
      this.datasets = [...this.datasets.slice(0, 1), ...this.datasets.slice(1).slice(-20), JSON.parse(text).id];
  }

  /** So that there is room for others. */
  async cancelSome(): Promise<void> {
    for (const id of this.sweeps.slice(0, 5)) await this.#send("POST", `/v1/sweeps/${id}/cancel`, null, null);
    for (const id of this.jobs.slice(0, 10)) await this.#send("POST", `/v1/jobs/${id}/cancel`, null, null);
  }

  #send(method: string, path: string, body: Buffer | null, type: string | null): Promise<FuzzAnswer> {
    const headers = { authorization: `Bearer ${this.key}`, ...(type !== null && { "content-type": type }) };
    return send(url, { operation: "", method, path, headers, body });
  }
}
