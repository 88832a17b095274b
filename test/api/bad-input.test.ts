/** Everything a new user gets wrong: each gets a problem document that says what and where, none a 500. */
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiFixture, smallSpec, startTestApi } from "./api-fixture.ts";

let api: ApiFixture;
beforeAll(async () => {
  api = await startTestApi({ limits: { bodyBytes: 100_000, datasetBytes: 1_000_000 } });
});
afterAll(() => api.close());

async function submit(spec: unknown, headers: Record<string, string> = {}) {
  const payload = typeof spec === "string" ? spec : JSON.stringify(spec);
  const response = await api.app.inject({
    method: "POST",
    url: "/v1/jobs",
    headers: { "content-type": "application/json", ...headers },
    payload,
  });
  expect(response.headers["content-type"]).toMatch(
    response.statusCode === 202 ? /^application\/json/ : /^application\/problem\+json/,
  );
  const body = response.json();
  if (response.statusCode !== 202) {
    expect(body).toMatchObject({ type: expect.stringMatching(/^https:\/\//), status: response.statusCode });
    expect(body.request_id).toBe(response.headers["x-request-id"]);
  }
  return { status: response.statusCode, body };
}

async function upload(csv: string | Buffer, headers: Record<string, string> = {}) {
  const response = await api.app.inject({
    method: "POST",
    url: "/v1/datasets",
    headers: { "content-type": "text/csv", ...headers },
    payload: csv,
  });
  return { status: response.statusCode, body: response.json() };
}

const layers = (...list: object[]) => ({ ...smallSpec, model: { layers: list } });
const pathsOf = (body: { errors: { path: string }[] }) => body.errors.map(({ path }) => path);

describe("a spec that can't train", () => {
  test("names the layer whose in_features don't fit, and what they should be", async () => {
    const { status, body } = await submit(
      layers(
        { type: "Linear", in_features: 2, out_features: 64 },
        { type: "ReLU" },
        { type: "Linear", in_features: 32, out_features: 2 },
      ),
    );
    expect(status).toBe(422);
    expect(body.type).toMatch(/\/invalid-spec$/);
    expect(body.errors).toEqual([
      {
        path: "model.layers[2].in_features",
        message: expect.stringMatching(/expects 64.*layer 1 \(ReLU\).*got 32/),
      },
    ]);
  });

  test("is told every mistake at once", async () => {
    const { status, body } = await submit({
      ...layers({ type: "Linaer", out_features: 4 }, { type: "Linear", out_features: 2, biass: false }),
      loss: "CrossEntropy",
      optimizer: { type: "Adam", lrr: 0.1 },
      epochs: -1,
      epoch: 3,
    });
    expect(status).toBe(422);
    expect(pathsOf(body)).toEqual(
      expect.arrayContaining([
        "model.layers[0].type",
        "model.layers[1].biass",
        "loss",
        "optimizer.lrr",
        "epochs",
        "epoch",
      ]),
    );
    const told = JSON.stringify(body.errors);
    for (const name of ["Linear", "bias", "CrossEntropyLoss", "lr", "epochs"]) expect(told).toContain(`\\"${name}\\"`);
  });

  test("has a target beyond the classes of its last layer", async () => {
    const { status, body } = await submit({
      ...smallSpec,
      data: {
        inline: {
          inputs: [
            [0, 0],
            [1, 1],
            [0, 1],
          ],
          targets: [0, 1, 2],
        },
      },
    });
    expect(status).toBe(422);
    expect(body.detail).toMatch(/2/);
    expect(pathsOf(body)[0]).toMatch(/^data/);
  });

  test("names a data set that does not exist", async () => {
    const { status, body } = await submit({ ...smallSpec, data: { dataset_id: "ds_nothing", target: "y" } });
    expect(status).toBe(422);
    expect(pathsOf(body)).toContain("data.dataset_id");
  });

  test.each([
    ["null", null],
    ["a list", [smallSpec]],
    ["a number", 7],
    ["an empty object", {}],
    [
      "prototype-ish keys",
      JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": 1}, "toString": 2}'),
    ],
    ["prototype-ish metadata", JSON.parse('{"metadata": {"__proto__": "x"}, "model": {"__proto__": []}}')],
    ["prototype-ish layers", layers({ type: "__proto__" }, { type: "constructor" }, { type: "hasOwnProperty" })],
    ["layers that are no list", { ...smallSpec, model: { layers: { 0: "x" } } }],
    ["a loss of another kind", { ...smallSpec, loss: 12 }],
    ["inputs of text", { ...smallSpec, data: { inline: { inputs: [["a", "b"]], targets: [0] } } }],
    ["ragged inputs", { ...smallSpec, data: { inline: { inputs: [[1, 2], [3]], targets: [0, 1] } } }],
    ["missing inputs", { ...smallSpec, data: { inline: { inputs: [[1, null]], targets: [0] } } }],
    ["no inputs", { ...smallSpec, data: { inline: { inputs: [], targets: [] } } }],
    ["huge layers", layers({ type: "Linear", out_features: 1e300 })],
    ["a huge batch", { ...smallSpec, batch_size: 1e18 }],
  ])("%s is a 422 with paths", async (_name, spec) => {
    const { status, body } = await submit(spec);
    expect(status).toBe(422);
    expect(body.errors.length).toBeGreaterThan(0);
    expect(Object.prototype).not.toHaveProperty("polluted");
  });

  test("is a 200 of the dry run, with the same mistakes", async () => {
    const payload = layers({ type: "Linear", in_features: 3, out_features: 2 });
    const response = await api.app.inject({ method: "POST", url: "/v1/jobs/validate", payload });
    expect(response.statusCode).toBe(200);
    const { body } = await submit(payload);
    expect(response.json()).toMatchObject({ valid: false, errors: body.errors, model_summary: null });
  });
});

describe("a body that is no spec at all", () => {
  test.each([
    ['{"name": "a",\n "epochs": NaN}', /line 2, column 12: NaN/],
    ["{'name': 'a'}", /line 1, column 2/],
    ['{"epochs": 1,}', /line 1, column 14: a comma before "}"/],
    ['{"a": [1, 2', /line 1, column 12: the document ends with 2 brackets still open/],
    ['{"a": True}', /True is Python's/],
    ["{} {}", /after the end/],
  ])("%s is malformed JSON, and the answer says where", async (text, where) => {
    const { status, body } = await submit(text);
    expect(status).toBe(400);
    expect(body.type).toMatch(/\/malformed-json$/);
    expect(body.detail).toMatch(where);
  });

  test("no UTF-8", async () => {
    const response = await api.app.inject({
      method: "POST",
      url: "/v1/jobs",
      headers: { "content-type": "application/json" },
      payload: Buffer.from([0x7b, 0xff, 0x7d]),
    });
    expect(response.statusCode).toBe(400);
    expect(response.json().detail).toContain("UTF-8");
  });

  test("nested so deep that a parser could run out of stack", async () => {
    const { status, body } = await submit(`{"data": ${"[".repeat(20_000)}${"]".repeat(20_000)}}`);
    expect(status).toBe(400);
    expect(body.detail).toContain("64");
  });

  test("empty", async () => {
    expect((await submit("")).status).toBe(400);
  });

  test("larger than the service takes", async () => {
    const { status, body } = await submit({ ...smallSpec, name: "x".repeat(200_000) });
    expect(status).toBe(413);
    expect(body.detail).toContain("/v1/datasets");
    expect(body.detail).toContain("application/x-ndjson");
  });

  test("larger than the service takes, told to a client that sends all of it before it listens", async () => {
    const { hostname, port } = new URL(await api.listen());
    const size = 8 * 2 ** 20;
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST /v1/jobs HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${size}\r\n\r\n`,
    );
    // By blocks, so that a service that has closed the connection is sent more.
    for (let sent = 0; sent < size; sent += 2 ** 16)
      if (!socket.write(Buffer.alloc(2 ** 16, " "))) await once(socket, "drain");
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 413 .*"title":"Too large"/s);
  });

  test("of another media type", async () => {
    const { status, body } = await submit("name=a", { "content-type": "application/x-www-form-urlencoded" });
    expect(status).toBe(415);
    expect(body.detail).toContain("application/json");
    expect(body.detail).toContain('a model\'s weights as "application/octet-stream"');
  });
});

describe("an idempotency key", () => {
  test("makes a retry return the first job, and another body a 409", async () => {
    const headers = { "idempotency-key": "run-42" };
    const first = await submit(smallSpec, headers);
    const again = await submit(smallSpec, headers);
    expect([first.status, again.status]).toEqual([202, 202]);
    expect(again.body.id).toBe(first.body.id);
    const other = await submit({ ...smallSpec, epochs: 4 }, headers);
    expect(other.status).toBe(409);
    expect(other.body.detail).toContain(first.body.id);
  });

  test("gives one job to many requests at the same moment", async () => {
    const headers = { "idempotency-key": "at-once" };
    const answers = await Promise.all(Array.from({ length: 10 }, () => submit(smallSpec, headers)));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  });

  test("that is no printable text is refused", async () => {
    expect((await submit(smallSpec, { "idempotency-key": "a b" })).status).toBe(400);
  });
});

describe("a dataset that is no table", () => {
  test.each([
    ["an empty file", "", /empty/i],
    ["a ragged row", "a,b\n1,2\n1,2,3\n", /row 2/i],
    ["10,001 columns", `${Array.from({ length: 10_001 }, (_, i) => `c${i}`).join(",")}\n`, /10,001|10,000/],
    ["a NUL byte", "a,b\n1,\0\n", /NUL|binary/i],
    ["a header twice", "a,a\n1,2\n", /"a"/],
    ["a header without rows", "a,b\n", /row/],
  ])("%s is a 422", async (_name, csv, detail) => {
    const { status, body } = await upload(csv);
    expect(status).toBe(422);
    expect(body.type).toMatch(/\/invalid-dataset$/);
    expect(body.detail).toMatch(detail);
    expect(body.errors).toHaveLength(1);
  });

  test("text in a column that a spec uses as numbers is named with row and column", async () => {
    const dataset = await upload("a,b,y\n1,2,0\n3,oops,1\n5,6,0\n7,8,1\n");
    expect(dataset.status).toBe(201);
    const { status, body } = await submit({ ...smallSpec, data: { dataset_id: dataset.body.id, target: "y" } });
    expect(status).toBe(422);
    expect(JSON.stringify(body.errors)).toContain("oops");
  });

  test("bytes that say they are gzip and are not", async () => {
    const { status, body } = await upload("a,b\n1,2\n", { "content-encoding": "gzip" });
    expect(status).toBe(422);
    expect(body.detail).toContain("gzip");
  });

  test("a zip of nothing", async () => {
    const end = Buffer.concat([Buffer.from("PK\x05\x06", "latin1"), Buffer.alloc(18)]);
    const { status, body } = await upload(end, { "content-type": "application/x-npz" });
    expect([status, body.detail]).toEqual([422, "The upload holds no array."]);
  });

  test("another media type or encoding is a 415", async () => {
    expect((await upload("{}", { "content-type": "application/json" })).status).toBe(415);
    expect((await upload("x", { "content-type": "application/pdf" })).status).toBe(415);
    expect((await upload("a\n1\n", { "content-encoding": "br" })).status).toBe(415);
  });

  test("a file larger than the service takes is a 413, and nothing of it stays", async () => {
    const before = (await api.parts.store.list("datasets")).length;
    const { status } = await upload(`a,b\n${"1,2\n".repeat(300_000)}`);
    expect(status).toBe(413);
    expect((await api.parts.store.list("datasets")).length).toBe(before);
  });
});

describe("a wrong address", () => {
  test("that names something else of a job is a 404", async () => {
    const { body } = await submit(smallSpec);
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/history"],
      ["POST", "/cancel"],
      ["DELETE", ""],
    ] as const) {
      const { statusCode } = await api.app.inject({ method, url: `/v1/jobs/${body.id}:events${path}` });
      expect([method, path, statusCode]).toEqual([method, path, 404]);
    }
    const start = { ...smallSpec.model, init: { job_id: `${body.id}:events` } };
    expect((await submit({ ...smallSpec, model: start })).status).toBe(422);
  });

  test.each([
    ["GET", "/v1/jobs/job_nothing", 404, "job_nothing"],
    ["DELETE", "/v1/jobs/job_nothing", 404, "job_nothing"],
    ["POST", "/v1/jobs/job_nothing/cancel", 404, "job_nothing"],
    ["GET", "/v1/jobs/job_nothing/history", 404, "job_nothing"],
    ["GET", "/v1/jobs/job_nothing/model", 404, "job_nothing"],
    ["GET", "/v1/datasets/ds_nothing", 404, "ds_nothing"],
    ["DELETE", "/v1/datasets/ds_nothing", 404, "ds_nothing"],
    ["GET", "/v1/datasets/..%2F..%2Fetc%2Fpasswd", 404, "passwd"],
    ["GET", "/v1/jobs/__proto__", 404, "__proto__"],
    ["GET", "/v1/jobs/a%00b", 404, "a\\u0000b"],
    ["GET", "/v1/nothing", 404, "/v1/nothing"],
    ["GET", "/assets/dashboard/..%2F..%2Fapi%2Fapp.ts", 404, ""],
    ["PUT", "/v1/jobs", 405, "POST"],
    ["DELETE", "/v1/jobs", 405, "GET"],
    ["GET", "/v1/jobs/%zz", 400, ""],
    ["GET", "/v1/jobs?limit=0", 400, "limit"],
    ["GET", "/v1/jobs?limit=1&limit=2", 400, "limit"],
    ["GET", "/v1/jobs?statsu=running", 400, 'did you mean "status"'],
    ["GET", "/v1/jobs?status=runing", 400, 'did you mean "running"'],
    ["GET", "/v1/jobs?cursor=x", 400, "next_cursor"],
    ["GET", "/v1/jobs/x/model?format=onx", 400, "safetensors"],
    ["GET", "/v1/jobs/x/history?format=xml", 400, "csv"],
  ] as const)("%s %s is a %i that says why", async (method, url, expected, said) => {
    const response = await api.app.inject({ method, url });
    expect(response.statusCode).toBe(expected);
    expect(response.headers["content-type"]).toMatch(/^application\/problem\+json/);
    expect(JSON.parse(response.body).detail).toContain(
      JSON.parse(`"${said.replaceAll('"', '\\"')}"`).replace("\0", "\\u0000"),
    );
    if (expected === 405) expect(response.headers["allow"]).toContain("POST");
  });
});
