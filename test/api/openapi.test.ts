import { gunzipSync } from "node:zlib";
import type { OpenAPIV3_1 } from "openapi-types";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { jobEvents } from "../../src/jobs/events.ts";
import { type ApiFixture, smallSpec, startTestApi } from "./api-fixture.ts";
import { JobScript } from "./job-script.ts";

let api: ApiFixture;
let document: OpenAPIV3_1.Document;
beforeAll(async () => {
  api = await startTestApi();
  document = (await api.app.inject("/openapi.json")).json();
});
afterAll(() => api.close());

const METHODS = ["get", "post", "put", "patch", "delete"] as const;

function operations() {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item?.[method];
      return operation ? [{ name: `${method.toUpperCase()} ${path}`, operation }] : [];
    }),
  );
}

test("the document is OpenAPI 3.1 and lists every call of the contract", () => {
  expect(document.openapi).toBe("3.1.0");
  expect(
    operations()
      .map(({ name }) => name)
      .sort(),
  ).toEqual([
    "DELETE /v1/datasets/{id}",
    "DELETE /v1/jobs/{id}",
    "DELETE /v1/models/{id}",
    "DELETE /v1/sweeps/{id}",
    "GET /healthz",
    "GET /metrics",
    "GET /readyz",
    "GET /v1/catalog",
    "GET /v1/datasets",
    "GET /v1/datasets/{id}",
    "GET /v1/datasets/{id}/preview",
    "GET /v1/devices",
    "GET /v1/events",
    "GET /v1/jobs",
    "GET /v1/jobs/{id}",
    "GET /v1/jobs/{id}/deliveries",
    "GET /v1/jobs/{id}/events",
    "GET /v1/jobs/{id}/history",
    "GET /v1/jobs/{id}/model",
    "GET /v1/jobs/{id}/predictions",
    "GET /v1/jobs/{id}/spec",
    "GET /v1/models",
    "GET /v1/models/{id}",
    "GET /v1/sweeps",
    "GET /v1/sweeps/{id}",
    "GET /v1/sweeps/{id}/events",
    "GET /v1/sweeps/{id}/model",
    "GET /v1/sweeps/{id}/trials",
    "GET /v1/workers",
    "PATCH /v1/jobs/{id}",
    "POST /v1/datasets",
    "POST /v1/jobs",
    "POST /v1/jobs/validate",
    "POST /v1/jobs/{id}/cancel",
    "POST /v1/jobs/{id}/pause",
    "POST /v1/jobs/{id}/predict",
    "POST /v1/jobs/{id}/resume",
    "POST /v1/jobs/{id}/stream-tokens",
    "POST /v1/models/import",
    "POST /v1/sweeps",
    "POST /v1/sweeps/{id}/cancel",
    "POST /v1/sweeps/{id}/pause",
    "POST /v1/sweeps/{id}/predict",
    "POST /v1/sweeps/{id}/resume",
  ]);
});

test("every call has a name of its own, a tag, a summary, and says how it fails", () => {
  const names = operations().map(({ operation }) => operation.operationId);
  expect(new Set(names).size).toBe(names.length);
  const tags = document.tags?.map(({ name }) => name);
  for (const { name, operation } of operations()) {
    expect(operation.operationId, name).toMatch(/^[a-z][A-Za-z]+$/);
    expect(tags, name).toContain(operation.tags?.[0]);
    expect(operation.summary, name).toBeTruthy();
    const responses = Object.entries(operation.responses ?? {});
    expect(
      responses.some(([status]) => /^[23]/.test(status)),
      name,
    ).toBe(true);
    for (const [status, response] of responses) {
      if ("$ref" in response) throw new Error(`${name}: a reference where an answer was expected`);
      expect(response.description, `${name} ${status}`).not.toBe("Default Response");
      if (Number(status) >= 400 && !(name === "GET /readyz" && status === "503"))
        expect(Object.keys(response.content ?? {}), `${name} ${status}`).toEqual(["application/problem+json"]);
    }
  }
});

test("every reference leads to a schema, and every schema is used", () => {
  const text = JSON.stringify(document);
  const used = new Set([...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name));
  expect([...used].sort()).toEqual(Object.keys(document.components?.schemas ?? {}).sort());
  expect(text).not.toContain("__SCHEMA__");
});

test("every event of the stream has a schema", () => {
  for (const type of Object.keys(jobEvents)) {
    const name = `${type[0]?.toUpperCase()}${type.slice(1)}Event`;
    expect(document.components?.schemas, name).toHaveProperty(name);
  }
});

describe("what is answered is what is documented", () => {
  test("for the calls of a job's life", async () => {
    const job = await (await (await new JobScript(api.parts).queue({ spec: smallSpec })).start()).train(3);
    for (const [name, path] of [
      ["Job", `/v1/jobs/${job.id}`],
      ["JobList", "/v1/jobs"],
      ["History", `/v1/jobs/${job.id}/history`],
      ["DatasetList", "/v1/datasets"],
      ["Health", "/healthz"],
      ["Readiness", "/readyz"],
      ["Catalogue", "/v1/catalog"],
      ["Problem", "/v1/jobs/job_nothing"],
    ] as const) {
      const answered = (await api.app.inject(path)).json();
      expect(schemaOf(name).safeParse(answered).error, name).toBeUndefined();
    }
    const page = await api.app.inject({ url: `/v1/jobs/${job.id}/events`, headers: { accept: "application/json" } });
    expect(schemaOf("EventPage").safeParse(page.json()).error).toBeUndefined();
  });

  test("and what the documentation shows as a spec is accepted", async () => {
    const shown = z
      .object({ examples: z.array(z.unknown()).min(1) })
      .parse(document.components?.schemas?.["JobSpec"]).examples;
    for (const payload of shown) {
      const response = await api.app.inject({
        method: "POST",
        url: "/v1/jobs/validate",
        body: JSON.stringify(payload),
        headers: { "content-type": "application/json" },
      });
      expect(response.json().errors).toEqual([]);
      expect(schemaOf("SpecReport").safeParse(response.json()).error).toBeUndefined();
    }
  });
});

test("the reference page is served with what it needs, and asks nobody else", async () => {
  expect((await api.app.inject("/docs")).headers["location"]).toBe("/docs/");
  const response = await api.app.inject("/docs/");
  expect(response.statusCode).toBe(200);
  const script = await api.app.inject("/docs/js/scalar.js");
  expect([script.statusCode, script.headers["content-type"]]).toEqual([200, expect.stringContaining("javascript")]);
  const packed = await api.app.inject({ url: "/docs/js/scalar.js", headers: { "accept-encoding": "gzip, br" } });
  expect(packed.headers["content-encoding"]).toBe("gzip");
  expect(gunzipSync(packed.rawPayload).equals(script.rawPayload)).toBe(true);
  const known = { "if-none-match": String(script.headers["etag"]) };
  expect((await api.app.inject({ url: "/docs/js/scalar.js", headers: known })).statusCode).toBe(304);
  const nothing = await api.app.inject("/docs/nothing");
  expect([nothing.statusCode, nothing.headers["content-type"]]).toEqual([
    404,
    expect.stringMatching(/^application\/problem\+json/),
  ]);
  expect(response.headers["content-security-policy"]).toContain("default-src 'self'");
  expect(response.body.replaceAll("http://www.w3.org", "")).not.toMatch(/(?:src|href)="https?:/);
});

/** A schema of the document as a check, with all that it refers to. */
function schemaOf(name: string): z.ZodType {
  const text = JSON.stringify({
    $ref: `#/components/schemas/${name}`,
    $defs: document.components?.schemas,
  }).replaceAll("#/components/schemas/", "#/$defs/");
  return z.fromJSONSchema(JSON.parse(text));
}
