/** How the dashboard's files are served. */
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ApiFixture, startTestApi } from "./api-fixture.ts";

let api: ApiFixture;
let script: string;
beforeAll(async () => {
  api = await startTestApi();
  script = /src="([^"]+\.js)"/.exec((await api.app.inject("/")).body)?.[1] ?? "";
});
afterAll(() => api.close());

test("the page is asked for anew each time, what it names is kept for good", async () => {
  const page = await api.app.inject("/");
  expect([page.statusCode, page.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
  expect(page.headers["cache-control"]).toBe("no-cache");
  const { headers } = await api.app.inject(script);
  expect(headers["cache-control"]).toContain("immutable");
  expect(headers["content-type"]).toBe("text/javascript; charset=utf-8");
});

test.each([
  ["br", "br", brotliDecompressSync],
  ["gzip, deflate", "gzip", gunzipSync],
  ["br;q=0, gzip", "gzip", gunzipSync],
] as const)("a client that takes %s gets %s", async (accepted, encoding, unpack) => {
  const plain = await api.app.inject({ url: script, headers: { "accept-encoding": "identity" } });
  const packed = await api.app.inject({ url: script, headers: { "accept-encoding": accepted } });
  expect(packed.headers["content-encoding"]).toBe(encoding);
  expect(packed.headers["vary"]).toContain("accept-encoding");
  expect(unpack(packed.rawPayload).equals(plain.rawPayload)).toBe(true);
  expect(plain.headers["content-encoding"]).toBeUndefined();
});

test("a client that has it already is told so", async () => {
  const { headers } = await api.app.inject("/");
  const again = await api.app.inject({ url: "/", headers: { "if-none-match": String(headers["etag"]) } });
  expect([again.statusCode, again.body]).toEqual([304, ""]);
});

test.each(["main.tsx", "sources.sha256", "index.html.br", "..%2Fkernels%2Fsimd.wasm", "toString"])(
  "%s is none of its files",
  async (name) => {
    expect((await api.app.inject(`/assets/dashboard/${name}`)).statusCode).toBe(404);
  },
);
