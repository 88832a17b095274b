/** Requests drawn from the OpenAPI document: to every route, right, nearly right, and wrong in every part. */
import fc from "fast-check";
import type { OpenAPIV3_1 } from "openapi-types";
import type { FuzzRequest } from "./client.ts";
import { anyJson, harmed, hostileText } from "./hostile.ts";
import { isRecord, type JsonSchema, SchemaValues } from "./json-schema.ts";
import { PREDICT_BODIES, SPECS, SWEEPS } from "./specs.ts";
import { modelBody, uploadBody } from "./uploads.ts";

/** What there is to name at the time of a request. */
export interface Pool {
  readonly jobs: readonly string[];
  readonly datasets: readonly string[];
  readonly sweeps: readonly string[];
  readonly models: readonly string[];
  readonly key: string;
  readonly otherKey: string;
}

/** A request that lacks what only its moment knows. */
export type Draft = (pool: Pool) => FuzzRequest;

const METHODS = ["get", "post", "put", "patch", "delete"] as const;
/** Where the most can go wrong. */
const WEIGHTS: Readonly<Record<string, number>> = {
  createJob: 12,
  validateJob: 12,
  createDataset: 12,
  predict: 8,
  changeJob: 6,
  createSweep: 4,
  importModel: 4,
};

interface Part {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

export function drawRequests(document: OpenAPIV3_1.Document): fc.Arbitrary<Draft> {
  const values = new SchemaValues(document.components?.schemas ?? {});
  const known = (method: string, path: string): boolean =>
    Object.keys(document.paths?.[path] ?? {}).includes(method === "HEAD" ? "get" : method.toLowerCase());
  const routes = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item?.[method];
      if (!operation) return [];
      const weight = WEIGHTS[operation.operationId ?? ""] ?? 2;
      return [{ weight, arbitrary: toRoute([method.toUpperCase(), path], operation, values, known) }];
    }),
  );
  return fc.oneof(...routes, { weight: 2, arbitrary: nowhere });
}

function toRoute(
  [method, path]: readonly [string, string],
  operation: OpenAPIV3_1.OperationObject,
  values: SchemaValues,
  known: (method: string, path: string) => boolean,
): fc.Arbitrary<Draft> {
  const parameters = (operation.parameters ?? []).flatMap((parameter) => ("$ref" in parameter ? [] : [parameter]));
  const drawn = {
    id: fc.oneof({ weight: 8, arbitrary: fc.nat() }, { weight: 1, arbitrary: hostileText }),
    query: queryOf(parameters, values),
    headers: headersOf(parameters, values),
    body: bodyOf(operation, values),
    authorization,
    verb: fc.oneof(
      { weight: 20, arbitrary: fc.constant(method) },
      { weight: 1, arbitrary: fc.constantFrom("HEAD", "PUT", "OPTIONS", "DELETE") },
    ),
  };
  return fc.record(drawn).map(({ id, query, headers, body, authorization, verb }) => (pool) => {
    const ids =
      { datasets: pool.datasets, sweeps: pool.sweeps, models: pool.models }[path.split("/")[2] ?? ""] ?? pool.jobs;
    const named = typeof id === "number" ? (ids[id % Math.max(1, ids.length)] ?? "none") : id;
    return {
      operation: known(verb, path) ? `${verb === "HEAD" ? "GET" : verb} ${path}` : `${verb} nothing`,
      method: verb,
      path: path.replace("{id}", encoded(named)) + query(pool),
      headers: { ...headers, ...body(pool).headers, ...authorization(pool) },
      body: verb === "HEAD" ? null : body(pool).body,
    };
  });
}

/** Half of a pair of surrogates is no text that a path could hold. */
const encoded = (text: string): string => encodeURIComponent(text.toWellFormed()) || "%20";

function queryOf(
  parameters: readonly OpenAPIV3_1.ParameterObject[],
  values: SchemaValues,
): fc.Arbitrary<(pool: Pool) => string> {
  const each = parameters
    .filter((parameter) => parameter.in === "query")
    .map(({ name, schema }) => {
      const right = isRecord(schema) ? values.of(schema) : anyJson;
      const value =
        name === "jobs"
          ? fc.constant("jobs of the pool")
          : fc.oneof({ weight: 3, arbitrary: right.map(String) }, { weight: 1, arbitrary: hostileText });
      return fc.option(fc.tuple(fc.constant(name), value), { freq: 2 });
    });
  const wild = fc.option(fc.tuple(hostileText, hostileText), { freq: 1, nil: null });
  return fc
    .tuple(fc.tuple(...each), fc.tuple(fc.integer({ min: 0, max: 9 }), wild), fc.boolean())
    .map(([known, [odds, other], twice]) => (pool) => {
      const given = [...known, ...(odds === 0 ? [other] : [])].filter((one) => one !== null);
      const pairs = odds === 1 && twice ? [...given, ...given] : given;
      if (pairs.length === 0) return "";
      const text = (value: string): string => (value === "jobs of the pool" ? pool.jobs.slice(0, 3).join(",") : value);
      return `?${pairs.map(([name, value]) => `${encoded(name)}=${encoded(text(value))}`).join("&")}`;
    });
}

const ACCEPTS = [
  "application/json",
  "text/event-stream",
  "*/*",
  "text/csv",
  "application/x-ndjson",
  "image/png",
  "x".repeat(2000),
  "",
];

function headersOf(
  parameters: readonly OpenAPIV3_1.ParameterObject[],
  values: SchemaValues,
): fc.Arbitrary<Record<string, string>> {
  const each = parameters
    .filter((parameter) => parameter.in === "header")
    .map(({ name, schema }) => {
      const right = isRecord(schema) ? values.of(schema) : anyJson;
      const value = fc
        .oneof({ weight: 2, arbitrary: right.map(String) }, { weight: 1, arbitrary: hostileText })
        .map(asHeader);
      return fc.option(fc.tuple(fc.constant(name), value), { freq: 1 });
    });
  const accept = fc.option(fc.tuple(fc.constant("accept"), fc.constantFrom(...ACCEPTS)), { freq: 2 });
  return fc.tuple(...each, accept).map((pairs) => Object.fromEntries(pairs.filter((one) => one !== null)));
}

/** What a client can put into a header at all. */
const asHeader = (text: string): string => text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, "?");

const authorization: fc.Arbitrary<(pool: Pool) => Record<string, string>> = fc.oneof(
  { weight: 24, arbitrary: fc.constant(({ key }: Pool) => ({ authorization: `Bearer ${key}` })) },
  { weight: 2, arbitrary: fc.constant(({ otherKey }: Pool) => ({ authorization: `Bearer ${otherKey}` })) },
  { weight: 1, arbitrary: fc.constant(() => ({})) },
  { weight: 1, arbitrary: hostileText.map((text) => () => ({ authorization: asHeader(text) })) },
);

function bodyOf(operation: OpenAPIV3_1.OperationObject, values: SchemaValues): fc.Arbitrary<(pool: Pool) => Part> {
  const { requestBody, operationId } = operation;
  if (operationId === "createDataset") return uploadBody.map((upload) => () => upload);
  if (operationId === "importModel") return modelBody.map((upload) => () => upload);
  const schema = requestBody && "content" in requestBody ? requestBody.content["application/json"]?.schema : undefined;
  if (!isRecord(schema)) {
    const odd = jsonBody(anyJson);
    return fc.oneof({ weight: 8, arbitrary: fc.constant(() => ({ body: null })) }, { weight: 1, arbitrary: odd });
  }
  return jsonBody(fittingBody(operationId, schema, values));
}

/** Bodies that go deeper than any that a schema gives by chance. */
const KNOWN_BODIES: Readonly<Record<string, readonly object[]>> = {
  createJob: SPECS,
  validateJob: SPECS,
  predict: PREDICT_BODIES,
  createSweep: SWEEPS,
};

function fittingBody(operationId: string | undefined, schema: JsonSchema, values: SchemaValues): fc.Arbitrary<unknown> {
  const bySchema = values.of(schema);
  const known = KNOWN_BODIES[operationId ?? ""] ?? [];
  const right =
    known.length === 0
      ? bySchema
      : fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: bySchema });
  return fc.oneof(
    { weight: 3, arbitrary: right },
    { weight: 6, arbitrary: harmed(right) },
    { weight: 2, arbitrary: harmed(harmed(right)) },
    { weight: 1, arbitrary: anyJson },
  );
}

const JSON_TYPES = [
  "application/json",
  "application/json; charset=utf-8",
  "APPLICATION/JSON",
  "application/vnd.x+json",
];
const OTHER_TYPES = [
  "text/plain",
  "application/x-www-form-urlencoded",
  "application/x-ndjson",
  "multipart/form-data",
  "text/csv",
  "x/y/z",
  "",
];

function jsonBody(json: fc.Arbitrary<unknown>): fc.Arbitrary<(pool: Pool) => Part> {
  const type = fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...JSON_TYPES) },
    { weight: 1, arbitrary: fc.constantFrom(...OTHER_TYPES) },
  );
  const slip = fc.oneof(
    { weight: 12, arbitrary: fc.constant((text: string) => text) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.nat(), hostileText).map(([at, piece]) => (text: string) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + piece + text.slice(place + (at % 3));
      }),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom("", "NaN", "{", "[[[", "null", "\ufeff{}", '"\\ud800"', "1e400")
        .map((text) => () => text),
    },
  );
  return fc.tuple(json, type, slip).map(([value, contentType, slipped]) => (pool) => {
    const text = slipped(JSON.stringify(value) ?? "")
      .replaceAll("ds_of_the_pool", pool.datasets[0] ?? "none")
      .replaceAll("job_of_the_pool", pool.jobs[0] ?? "none");
    return { headers: { "content-type": contentType }, body: Buffer.from(text) };
  });
}

/** Paths that no route has, or a route's with something odd in them. */
const nowhere: fc.Arbitrary<Draft> = fc
  .tuple(
    fc.constantFrom("GET", "POST", "DELETE", "OPTIONS", "TRACE", "PROPFIND"),
    fc.oneof(
      fc.constantFrom(
        "/v1/jobs/%zz",
        "/v1/jobs/..%2f..%2fetc",
        "/assets/../../etc/passwd",
        "/assets/%2e%2e/x",
        "//",
        "/v1//jobs",
        "/docs/%00",
        "*",
        "/v1/jobs/%ff",
        `/${"x".repeat(3000)}`,
        "/v1/jobs?%zz=1",
        "/openapi.json?x[__proto__]=1",
      ),
      fc.array(hostileText.map(encoded), { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join("/")}`),
      fc.array(hostileText.map(encoded), { minLength: 1, maxLength: 2 }).map((parts) => `/v1/${parts.join("/")}`),
    ),
    authorization,
  )
  .map(([method, path, authorization]) => (pool) => ({
    operation: `${method} nothing`,
    method,
    path,
    headers: authorization(pool),
    body: null,
  }));
