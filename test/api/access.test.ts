/** API keys: who has none gets in nowhere, and who has one sees nothing of others. */
import type { OpenAPIV3_1 } from "openapi-types";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeSafetensors } from "../../src/engine/index.ts";
import { type ApiFixture, smallSpec, startTestApi } from "./api-fixture.ts";
import { readEvents } from "./event-reader.ts";

let api: ApiFixture;
let url: string;
let ours: string;
let theirs: string;
let job: string;
let dataset: string;
let sweep: string;
let model: string;

beforeAll(async () => {
  api = await startTestApi({ keysRequired: true });
  url = await api.listen();
  ours = (await api.parts.keys.create("ours")).secret;
  theirs = (await api.parts.keys.create("theirs")).secret;
  const upload = await ask("POST", "/v1/datasets", ours, "a,y\n1,0\n2,1\n", "text/csv");
  dataset = upload.json().id;
  job = (await ask("POST", "/v1/jobs", ours, smallSpec)).json().id;
  const weights = encodeSafetensors(new Map([["0.weight", { shape: [2], data: new Float32Array([1, 2]) }]]));
  model = (await ask("POST", "/v1/models/import", ours, Buffer.from(weights), "application/octet-stream")).json().id;
  sweep = (await ask("POST", "/v1/sweeps", ours, smallSweep)).json().id;
});
afterAll(() => api.close());

const smallSweep = { base: smallSpec, space: { "optimizer.lr": { log_uniform: [0.001, 0.1] } }, trials: 2 };

function ask(
  method: string,
  path: string,
  key: string | null,
  payload?: object | string | Buffer,
  type = "application/json",
) {
  const headers = {
    ...(key !== null && { authorization: `Bearer ${key}` }),
    ...(payload !== undefined && { "content-type": type }),
  };
  return api.app.inject({
    method: method === "PATCH" ? "PATCH" : method === "POST" ? "POST" : method === "DELETE" ? "DELETE" : "GET",
    url: path,
    headers,
    ...(payload !== undefined && { payload }),
  });
}

async function calls(): Promise<{ method: string; path: string }[]> {
  const document: OpenAPIV3_1.Document = (await api.app.inject("/openapi.json")).json();
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.keys(item ?? {}).map((method) => ({ method: method.toUpperCase(), path })),
  );
}

/** A new collection has to be made here, too, for its calls to be tried. */
function withIds(path: string): string {
  const made: Record<string, string> = { jobs: job, datasets: dataset, sweeps: sweep, models: model };
  const id = made[path.split("/")[2] ?? ""];
  if (path.includes("{") && id === undefined) throw new Error(`No test makes what ${path} names.`);
  return path.replace("{id}", id ?? "");
}

describe("without a key", () => {
  test("every call of the API is a 401 that says what is missing, and health is open", async () => {
    for (const { method, path } of await calls()) {
      const response = await ask(method, withIds(path), null);
      const open = path === "/healthz" || path === "/readyz";
      expect([path, response.statusCode]).toEqual([path, open ? 200 : 401]);
      if (open) continue;
      expect(response.headers["www-authenticate"]).toBe("Bearer");
      expect(response.json()).toMatchObject({ title: "API key needed", detail: expect.stringContaining("Bearer") });
    }
  });

  test.each(["Bearer nonsense", "Basic abc", "Bearer ", "Bearer epochd_AAAA"])(
    "nor with a wrong one: %s",
    async (authorization) => {
      const response = await api.app.inject({ url: "/v1/jobs", headers: { authorization } });
      expect([response.statusCode, response.json().detail]).toEqual([
        401,
        expect.stringMatching(/^This is no valid API key/),
      ]);
    },
  );

  test("the pages are there", async () => {
    for (const path of ["/", "/openapi.json"]) expect((await ask("GET", path, null)).statusCode).toBe(200);
  });
});

describe("with the key of another", () => {
  test("every call that names something in its path is the 404 of one that is not there", async () => {
    const withId = (await calls()).filter(({ path }) => path.includes("{"));
    expect(withId.length).toBeGreaterThan(10);
    for (const { method, path } of withId) {
      const response = await ask(
        method,
        withIds(path),
        theirs,
        method === "GET" || method === "DELETE" ? undefined : {},
      );
      expect([method, path, response.statusCode]).toEqual([method, path, 404]);
      const other = withIds(path).replace(
        /(job|ds|swp|mdl)_[0-9a-z]+/,
        (id) => `${id.slice(0, -1)}${id.endsWith("0") ? "1" : "0"}`,
      );
      const unknown = await ask(method, other, theirs, method === "GET" || method === "DELETE" ? undefined : {});
      const detail = (text: string) => text.replaceAll(/(job|ds|swp|mdl)_[0-9a-z]+/g, "…");
      expect(detail(response.json().detail)).toBe(detail(unknown.json().detail));
    }
  });

  test("lists are empty, and neither streams nor specs reach what is not theirs", async () => {
    expect((await ask("GET", "/v1/jobs", theirs)).json().data).toEqual([]);
    expect((await ask("GET", "/v1/datasets", theirs)).json().data).toEqual([]);
    expect((await ask("GET", "/v1/sweeps", theirs)).json().data).toEqual([]);
    expect((await ask("GET", "/v1/models", theirs)).json().data).toEqual([]);
    expect((await ask("GET", `/v1/events?jobs=${job}`, theirs)).statusCode).toBe(404);
    const data = { dataset_id: dataset, target: "y" };
    const refused = await ask("POST", "/v1/jobs", theirs, { ...smallSpec, data });
    expect(refused.json().errors).toContainEqual(expect.objectContaining({ path: "data.dataset_id" }));
    const init = { job_id: job };
    const started = await ask("POST", "/v1/jobs", theirs, { ...smallSpec, model: { ...smallSpec.model, init } });
    expect(started.json().errors[0].message).toMatch(/^there is no job/);
    const now = new Date().toISOString();
    const gpu = {
      available: true,
      mode: "webgpu",
      adapter: null,
      driver: null,
      reason: null,
      concurrency: 1,
      jobs: [job],
    };
    const about = { host: "h", pid: 1, version: "1", cpu: { mode: "simd" }, gpu, threads: 1, concurrency: 1 };
    await api.parts.workers.beat({ ...about, id: "w", jobs: [job], since: now });
    expect((await ask("GET", "/v1/devices", theirs)).body).not.toContain(job);
    expect((await ask("GET", "/v1/devices", ours)).body).toContain(job);
    expect((await ask("GET", "/v1/workers", theirs)).body).not.toContain(job);
    expect((await ask("GET", "/v1/workers", theirs)).json().data[0].jobs).toEqual([]);
    expect((await ask("GET", "/v1/workers", ours)).json().data[0].jobs).toEqual([job]);
  });

  test("the same idempotency key makes another job", async () => {
    const post = (key: string) =>
      api.app.inject({
        method: "POST",
        url: "/v1/jobs",
        headers: { authorization: `Bearer ${key}`, "idempotency-key": "same" },
        payload: smallSpec,
      });
    const [first, again, other] = [await post(ours), await post(ours), await post(theirs)];
    expect(again.json().id).toBe(first.json().id);
    expect([other.statusCode, other.json().id === first.json().id]).toEqual([202, false]);
    expect((await ask("GET", `/v1/jobs/${other.json().id}`, theirs)).statusCode).toBe(200);
  });
});

describe("with its own key", () => {
  test("one sees its jobs and data sets, in pages", async () => {
    const { secret } = await api.parts.keys.create("many");
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.unshift((await ask("POST", "/v1/jobs", secret, smallSpec)).json().id);
    const seen: string[] = [];
    let cursor = "";
    do {
      const page = (await ask("GET", `/v1/jobs?limit=2${cursor}`, secret)).json();
      seen.push(...page.data.map(({ id }: { id: string }) => id));
      cursor = page.next_cursor === null ? "" : `&cursor=${page.next_cursor}`;
    } while (cursor !== "");
    expect(seen).toEqual(made);
    expect((await ask("GET", "/v1/datasets", ours)).json().data).toMatchObject([{ id: dataset }]);
    await ask("POST", `/v1/jobs/${made[0]}/cancel`, secret);
    expect((await ask("GET", "/v1/jobs?status=cancelled", secret)).json().data).toHaveLength(1);
    expect((await ask("DELETE", `/v1/jobs/${made[0]}`, secret)).statusCode).toBe(204);
    expect((await ask("GET", "/v1/jobs", secret)).json().data).toHaveLength(4);
  });

  test("one does what its scopes allow, and is told what it would need", async () => {
    const reader = (await api.parts.keys.create("reader", { scopes: ["read"] })).secret;
    const scraper = (await api.parts.keys.create("scraper", { scopes: ["metrics"] })).secret;
    const writer = (await api.parts.keys.create("writer", { scopes: ["write"] })).secret;
    const statuses = async (key: string) => [
      (await ask("GET", "/v1/jobs", key)).statusCode,
      (await ask("POST", "/v1/jobs/validate", key, smallSpec)).statusCode,
      (await ask("POST", "/v1/jobs", key, smallSpec)).statusCode,
      (await ask("POST", "/v1/datasets", key, "a\n1\n", "text/csv")).statusCode,
      (await ask("GET", "/metrics", key)).statusCode,
    ];
    expect(await statuses(reader)).toEqual([200, 200, 403, 403, 403]);
    expect(await statuses(scraper)).toEqual([403, 403, 403, 403, 200]);
    expect(await statuses(writer)).toEqual([403, 403, 202, 201, 403]);
    expect((await ask("POST", "/v1/jobs", reader, smallSpec)).json()).toMatchObject({
      title: "Not allowed to this API key",
      detail: expect.stringMatching(/scope "write".*has "read"/),
    });
  });

  test("an admin sees everybody's, and owns what it makes", async () => {
    const { secret } = await api.parts.keys.create("admin", { scopes: ["admin"] });
    expect((await ask("GET", `/v1/jobs/${job}`, secret)).statusCode).toBe(200);
    expect((await ask("GET", "/v1/datasets", secret)).json().data).toContainEqual(
      expect.objectContaining({ id: dataset }),
    );
    const made = (await ask("POST", "/v1/jobs", secret, smallSpec)).json().id;
    expect((await ask("GET", `/v1/jobs/${made}`, theirs)).statusCode).toBe(404);
    expect((await ask("POST", `/v1/jobs/${made}/cancel`, secret)).statusCode).toBe(200);
    expect((await ask("GET", "/metrics", secret)).statusCode).toBe(200);
  });

  test("that has expired one is told when", async () => {
    const { secret } = await api.parts.keys.create("old", { expires_at: "2020-01-01T00:00:00.000Z" });
    const response = await ask("GET", "/v1/jobs", secret);
    expect([response.statusCode, response.json().detail]).toEqual([401, expect.stringContaining("2020-01-01")]);
    const fresh = await api.parts.keys.create("new", { expires_at: "2999-01-01T00:00:00.000Z" });
    expect((await ask("GET", "/v1/jobs", fresh.secret)).statusCode).toBe(200);
  });

  test("its last use is noted", async () => {
    const { key, secret } = await api.parts.keys.create("used");
    const lastUse = async () => (await api.parts.keys.list()).find(({ id }) => id === key.id)?.last_used_at;
    expect(await lastUse()).toBeNull();
    await ask("GET", "/v1/jobs", secret);
    expect(Date.parse((await lastUse()) ?? "")).toBeGreaterThan(Date.now() - 60_000);
  });

  test("a revoked key opens nothing", async () => {
    const { key, secret } = await api.parts.keys.create("short");
    expect((await ask("GET", "/v1/jobs", secret)).statusCode).toBe(200);
    expect(await api.parts.keys.revoke(key.id)).toBe(true);
    expect((await ask("GET", "/v1/jobs", secret)).statusCode).toBe(401);
    expect(await api.parts.keys.revoke(key.id)).toBe(false);
  });

  test("a secret is nowhere in the broker", async () => {
    const stored = JSON.stringify(await api.parts.redis.hgetall(api.parts.log.keys.apiKeys));
    expect(stored).toContain("ours");
    expect(stored).not.toContain(ours);
  });
});

describe("a stream token", () => {
  test("opens the events of its job, and nothing else", async () => {
    const made = await ask("POST", `/v1/jobs/${job}/stream-tokens`, ours, { ttl_s: 60 });
    expect(made.statusCode).toBe(201);
    const { token, url: path } = made.json();
    const { status, events } = await readEvents(url + path, { enough: () => true });
    expect([status, events[0]?.event]).toEqual([200, "queued"]);
    const other = (await ask("POST", "/v1/jobs", ours, smallSpec)).json().id;
    expect((await ask("GET", `/v1/jobs/${other}/events?token=${token}`, null)).statusCode).toBe(401);
    expect((await ask("GET", `/v1/jobs/${job}?token=${token}`, null)).statusCode).toBe(401);
    expect((await ask("GET", `/v1/jobs/${job}/events?token=wrong`, null)).statusCode).toBe(401);
    const ttl = await api.parts.redis.keys(`${api.parts.log.keys.tag}:stream-token:*`);
    expect(await api.parts.redis.ttl(ttl[0] ?? "")).toBeLessThanOrEqual(60);
  });

  test("lasts as long as its spec may say", async () => {
    for (const ttl_s of [0, 90_000, "long"]) {
      expect((await ask("POST", `/v1/jobs/${job}/stream-tokens`, ours, { ttl_s })).statusCode).toBe(400);
    }
  });
});
