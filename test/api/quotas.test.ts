/** What a key may use: jobs, bytes, sizes of jobs and requests, each refused with what to do. */
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { encodeSafetensors } from "../../src/engine/index.ts";
import type { OwnQuota, Quota } from "../../src/jobs/quota.ts";
import { npy } from "../data/arrays/arrays-of-the-tests.ts";
import { type ApiFixture, smallSpec, startTestApi } from "./api-fixture.ts";

let api: ApiFixture;
afterEach(() => api.close());

type Ask = (
  method: "GET" | "POST" | "PATCH" | "DELETE",
  url: string,
  payload?: object | string,
) => ReturnType<typeof inject>;

function inject(
  key: string | null,
  method: "GET" | "POST" | "PATCH" | "DELETE",
  url: string,
  payload?: object | string,
) {
  const type = typeof payload === "string" ? "text/csv" : "application/json";
  const headers = {
    ...(key !== null && { authorization: `Bearer ${key}` }),
    ...(payload !== undefined && { "content-type": type }),
  };
  return api.app.inject({ method, url, headers, ...(payload !== undefined && { payload }) });
}

async function start(quota: Partial<Quota>): Promise<void> {
  api = await startTestApi({ keysRequired: true, quota });
}

async function newKey(quota: OwnQuota = {}): Promise<Ask> {
  const { secret } = await api.parts.keys.create("k", { quota });
  return (...args) => inject(secret, ...args);
}

describe("unfinished jobs", () => {
  test("are counted, each key's own, and a finished one makes room", async () => {
    await start({ jobs: 2 });
    const [ask, other] = [await newKey(), await newKey()];
    const made = await Promise.all([1, 2, 3, 4, 5].map(() => ask("POST", "/v1/jobs", smallSpec)));
    const refused = made.filter(({ statusCode }) => statusCode === 429);
    expect(made.map(({ statusCode }) => statusCode).sort()).toEqual([202, 202, 429, 429, 429]);
    expect(refused[0]?.json()).toMatchObject({
      title: "Too many jobs",
      detail: expect.stringContaining("2 unfinished"),
    });
    expect(Number(refused[0]?.headers["retry-after"])).toBeGreaterThan(0);
    expect((await other("POST", "/v1/jobs", smallSpec)).statusCode).toBe(202);
    const [first] = (await ask("GET", "/v1/jobs")).json().data;
    expect((await ask("GET", "/v1/jobs")).json().data).toHaveLength(2);
    await ask("POST", `/v1/jobs/${first.id}/pause`);
    expect((await ask("POST", "/v1/jobs", smallSpec)).statusCode).toBe(429);
    await ask("POST", `/v1/jobs/${first.id}/cancel`);
    expect((await ask("POST", "/v1/jobs", smallSpec)).statusCode).toBe(202);
  });

  test("of which one may be made again with its idempotency key, though there is no room", async () => {
    await start({ jobs: 1 });
    const { secret } = await api.parts.keys.create("k");
    const post = () =>
      api.app.inject({
        method: "POST",
        url: "/v1/jobs",
        headers: { authorization: `Bearer ${secret}`, "idempotency-key": "a" },
        payload: smallSpec,
      });
    const [first, again] = [await post(), await post()];
    expect([first.statusCode, again.statusCode, again.json().id]).toEqual([202, 202, first.json().id]);
  });
});

test("unfinished sweeps are counted in the same way", async () => {
  await start({ jobs: 1 });
  const ask = await newKey();
  const sweep = { base: smallSpec, space: { "optimizer.lr": { log_uniform: [0.001, 0.1] } }, trials: 2 };
  const made = [await ask("POST", "/v1/sweeps", sweep), await ask("POST", "/v1/sweeps", sweep)];
  expect(made.map(({ statusCode }) => statusCode)).toEqual([202, 429]);
  await ask("POST", `/v1/sweeps/${made[0]?.json().id}/cancel`);
  expect((await ask("POST", "/v1/sweeps", sweep)).statusCode).toBe(202);
});

describe("bytes of data sets", () => {
  test("are counted, refused beyond, and free again once one is deleted", async () => {
    await start({ bytes: 1000 });
    const ask = await newKey();
    const csv = (rows: number) => `a,b\n${"1,2\n".repeat(rows)}`;
    const first = await ask("POST", "/v1/datasets", csv(200));
    expect(first.statusCode).toBe(201);
    const second = await ask("POST", "/v1/datasets", csv(200));
    expect(second.statusCode).toBe(403);
    expect(second.json()).toMatchObject({
      title: "Quota exceeded",
      detail: expect.stringMatching(/1,000 bytes.*DELETE/),
    });
    expect((await ask("GET", "/v1/datasets")).json().data).toHaveLength(1);
    await ask("DELETE", `/v1/datasets/${first.json().id}`);
    expect((await ask("POST", "/v1/datasets", csv(100))).statusCode).toBe(201);
  });

  test("hold for uploads at the same time, too", async () => {
    await start({ bytes: 1000 });
    const ask = await newKey();
    const csv = `a,b\n${"1,2\n".repeat(120)}`;
    const made = await Promise.all([1, 2, 3, 4].map(() => ask("POST", "/v1/datasets", csv)));
    const kept = (await ask("GET", "/v1/datasets")).json().data.length;
    expect(made.filter(({ statusCode }) => statusCode === 201)).toHaveLength(kept);
    expect(kept).toBeLessThanOrEqual(3);
    expect(made.every(({ statusCode }) => statusCode === 201 || statusCode === 403)).toBe(true);
  });

  test("are those of the tables that are kept, which can be larger than what was sent", async () => {
    await start({ bytes: 2000 });
    const ask = await newKey();
    // Three characters become eight bytes.
    const csv = `a\n${".1\n".repeat(100)}`;
    const made = [await ask("POST", "/v1/datasets", csv), await ask("POST", "/v1/datasets", csv)];
    made.push(await ask("POST", "/v1/datasets", csv));
    expect(made.map(({ statusCode }) => statusCode)).toEqual([201, 201, 403]);
    const { id, bytes, stored_bytes } = made[0]?.json() ?? {};
    expect([bytes, stored_bytes > 800]).toEqual([302, true]);
    expect(await api.parts.store.read(`datasets/${id}/table`)).toHaveLength(stored_bytes);
  });

  test("are not to blame where an upload is larger than the service takes", async () => {
    api = await startTestApi({ keysRequired: true, quota: { bytes: 1e6 }, limits: { datasetBytes: 5000 } });
    const { secret } = await api.parts.keys.create("k");
    const form = new FormData();
    // Small as they come, and together too large once unpacked.
    for (const name of ["x", "y"])
      form.append(name, new Blob([gzipSync(npy("<f8", [400], new Float64Array(400)))]), `${name}.npy.gz`);
    const sent = new Response(form);
    const response = await api.app.inject({
      method: "POST",
      url: "/v1/datasets",
      headers: { authorization: `Bearer ${secret}`, "content-type": sent.headers.get("content-type") ?? "" },
      payload: Buffer.from(await sent.arrayBuffer()),
    });
    expect([response.statusCode, response.json().detail]).toEqual([
      413,
      expect.stringContaining("larger than 5,000 bytes"),
    ]);
  });

  test("have no part in it where there is no such quota", async () => {
    api = await startTestApi({ keysRequired: true, limits: { datasetBytes: 100 } });
    const { secret } = await api.parts.keys.create("k");
    const weights = encodeSafetensors(new Map([["0.weight", { shape: [100], data: new Float32Array(100) }]]));
    const response = await api.app.inject({
      method: "POST",
      url: "/v1/models/import",
      headers: { authorization: `Bearer ${secret}`, "content-type": "application/octet-stream" },
      payload: Buffer.from(weights),
    });
    expect(response.statusCode, response.body).toBe(201);
  });
});

describe("the size of a job", () => {
  test("is bounded in weights and operations, also by the dry run and by a change", async () => {
    await start({ parameters: 100, flops: 1e6 });
    const ask = await newKey();
    const wide = { ...smallSpec, model: { layers: [{ type: "Linear", out_features: 1000 }] } };
    const refused = await ask("POST", "/v1/jobs", { ...wide, loss: "CrossEntropyLoss" });
    expect([refused.statusCode, refused.json().errors[0]]).toEqual([
      422,
      { path: "model.layers", message: expect.stringContaining("at most 100 are taken") },
    ]);
    const long = { ...smallSpec, epochs: 1000 };
    const dry = (await ask("POST", "/v1/jobs/validate", long)).json();
    expect(dry).toMatchObject({
      valid: false,
      errors: [{ path: "epochs", message: expect.stringContaining("1.0e+6") }],
    });
    const { id } = (await ask("POST", "/v1/jobs", smallSpec)).json();
    expect((await ask("PATCH", `/v1/jobs/${id}`, { epochs: 1000 })).json().errors).toMatchObject([{ path: "epochs" }]);
    expect((await ask("PATCH", `/v1/jobs/${id}`, { epochs: 4 })).statusCode).toBe(202);
    const more = await newKey({ parameters: null, flops: null });
    expect((await more("POST", "/v1/jobs", long)).statusCode).toBe(202);
  });
});

describe("requests", () => {
  test("are counted by the minute, and what is left is told", async () => {
    await start({ requests: 3 });
    const [ask, other] = [await newKey(), await newKey({ requests: 100 })];
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push(await ask("GET", "/v1/jobs"));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 429, 429]);
    expect(answers.map(({ headers }) => headers["ratelimit-remaining"])).toEqual(["2", "1", "0", "0", "0"]);
    const { headers } = answers[3] ?? expect.unreachable();
    expect(headers["ratelimit-limit"]).toBe("3");
    expect(Number(headers["ratelimit-reset"])).toBeLessThanOrEqual(60);
    expect(Number(headers["retry-after"])).toBeGreaterThan(0);
    expect(answers[3]?.headers["content-type"]).toMatch(/^application\/problem\+json/);
    expect(answers[3]?.json()).toMatchObject({ title: "Too many requests", status: 429 });
    expect((await other("GET", "/v1/jobs")).headers["ratelimit-limit"]).toBe("100");
    expect((await ask("GET", "/healthz")).statusCode).toBe(200);
  });

  test("without a valid key are counted by their address", async () => {
    await start({ requests: 2 });
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await inject(`wrong-${i}`, "GET", "/v1/jobs")).statusCode);
    expect(statuses).toEqual([401, 401, 429, 429]);
    expect((await (await newKey())("GET", "/v1/jobs")).statusCode).toBe(200);
  });

  test("are not limited where nobody says so", async () => {
    await start({});
    expect((await (await newKey())("GET", "/v1/jobs")).headers).not.toHaveProperty("ratelimit-limit");
  });
});

test.each([
  ["jobs", 2.5],
  ["jobs", 1e300],
  ["bytes", 1.5],
  ["requests", 1.5],
])("a quota of %s is a whole number: %d is none", async (what, most) => {
  await start({});
  await expect(newKey({ [what]: most })).rejects.toThrow();
});
