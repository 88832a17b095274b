/** A broker that answers, and takes nothing: also a step of several commands says so, and not that the service broke. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ApiFixture, smallSpec, startTestApi } from "./api-fixture.ts";

let api: ApiFixture;
let headers: Record<string, string>;
beforeAll(async () => {
  api = await startTestApi({ keysRequired: true });
  const { secret } = await api.parts.keys.create("ours");
  headers = { authorization: `Bearer ${secret}` };
  // The key's first use is noted.
  expect((await api.app.inject({ url: "/v1/jobs", headers })).statusCode).toBe(200);
});
afterAll(() => api.close());

test.each([
  ["is out of memory", "maxmemory", "1", "0"],
  ["lacks its replicas", "min-replicas-to-write", "1", "0"],
])("a broker that %s is a 503 for whoever makes something", async (_what, setting, unable, able) => {
  const { redis } = api.parts;
  const ask = () => api.app.inject({ method: "POST", url: "/v1/jobs", headers, payload: smallSpec });
  await redis.config("SET", setting, unable);
  const response = await ask();
  await redis.config("SET", setting, able);
  expect(response.statusCode, response.body).toBe(503);
  expect(Number(response.headers["retry-after"])).toBeGreaterThan(0);
  expect(response.json().detail).toContain("Nothing was changed");
  expect((await ask()).statusCode).toBe(202);
});
