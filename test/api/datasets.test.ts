import { readdir } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Dataset } from "../../src/jobs/dataset.ts";
import { idx } from "../data/arrays/arrays-of-the-tests.ts";
import { type ApiFixture, smallSpec, startTestApi } from "./api-fixture.ts";

const LIMIT = 8_000_000;

let api: ApiFixture;
let url: string;
beforeAll(async () => {
  api = await startTestApi({ limits: { datasetBytes: LIMIT } });
  url = await api.listen();
});
afterAll(() => api.close());

const CSV = "age,city,y\n31,Rome,yes\n,Oslo,no\n57,Rome,yes\n";

async function upload(body: BodyInit, headers: Record<string, string> = {}, query = "") {
  const response = await fetch(`${url}/v1/datasets${query}`, {
    method: "POST",
    headers: { "content-type": "text/csv", ...headers },
    body,
    ...(body instanceof ReadableStream && { duplex: "half" }),
  });
  return { status: response.status, location: response.headers.get("location"), body: await response.json() };
}

/** A body of unknown length, as a pipe sends it. */
function rows(count: number): ReadableStream<Uint8Array> {
  const thousand = Buffer.from("123456,654321\n".repeat(1000));
  let left = count / 1000;
  return new ReadableStream({
    pull(controller) {
      if (left === count / 1000) controller.enqueue(Buffer.from("a,b\n"));
      if (left-- > 0) controller.enqueue(thousand);
      else controller.close();
    },
  });
}

describe("a dataset", () => {
  test("is stored and described, column by column", async () => {
    const { status, location, body } = await upload(CSV, {}, "?name=people");
    expect(status).toBe(201);
    expect(location).toBe(`/v1/datasets/${body.id}`);
    const dataset = Dataset.parse(body);
    expect(dataset).toMatchObject({ name: "people", rows: 3, bytes: CSV.length, content_type: "text/csv" });
    expect(dataset.columns[0]).toMatchObject({ name: "age", min: 31, max: 57, mean: 44, missing: 1 });
    expect(dataset.columns[1]).toMatchObject({ name: "city", dtype: "string", categories: ["Oslo", "Rome"] });
    expect(await (await fetch(`${url}${location}`)).json()).toEqual(body);
  });

  test("may come gzipped: what is stored is the table", async () => {
    const { status, body } = await upload(gzipSync(CSV), { "content-encoding": "gzip" });
    expect(status).toBe(201);
    expect(body).toMatchObject({ rows: 3, bytes: CSV.length });
  });

  test("may be a gzip file: it is told by its first bytes", async () => {
    const { status, body } = await upload(gzipSync(CSV));
    expect(status).toBe(201);
    expect(body).toMatchObject({ rows: 3, bytes: CSV.length });
  });

  test.each([
    ["as a file", {}],
    ["as the encoding", { "content-encoding": "gzip" }],
  ])("whose gzip is cut short is a 422 that says so (%s)", async (_how, headers) => {
    const { status, body } = await upload(gzipSync(CSV).subarray(0, -20), headers);
    expect(status).toBe(422);
    expect(body.detail).toMatch(/gzip.*unexpected end of file/);
  });

  test("of unknown length is streamed", async () => {
    const { status, body } = await upload(rows(200_000));
    expect(status).toBe(201);
    expect(body.rows).toBe(200_000);
  });

  test("that grows beyond the limit while it arrives is a 413", async () => {
    const { status, body } = await upload(rows(1_000_000));
    expect(status).toBe(413);
    expect(body.detail).toContain(`larger than ${LIMIT.toLocaleString("en-US")} bytes`);
  });

  test("that unpacks to more than the limit is a 413, however small its gzip is", async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000, "1\n"));
    expect(bomb.length).toBeLessThan(LIMIT / 100);
    expect((await upload(bomb, { "content-encoding": "gzip" })).status).toBe(413);
    expect((await upload(bomb)).status).toBe(413);
    expect((await upload(gzipSync(bomb), { "content-encoding": "gzip" })).status).toBe(413);
  });

  test("may be newline-delimited JSON, with the same statistics", async () => {
    const lines =
      '{"age":31,"city":"Rome","y":"yes"}\n{"age":null,"city":"Oslo","y":"no"}\n{"y":"yes","age":57,"city":"Rome"}\n';
    const { status, body } = await upload(lines, { "content-type": "application/x-ndjson" });
    expect(status).toBe(201);
    expect(body.content_type).toBe("application/x-ndjson");
    expect(body.columns).toEqual((await upload(CSV)).body.columns);
  });

  test("of images and labels comes as a form, and is trained on in its shape", async () => {
    const form = new FormData();
    const images = idx(
      0x08,
      [4, 2, 2],
      Uint8Array.from({ length: 16 }, (_, i) => i),
    );
    form.set("image", new Blob([new Uint8Array(gzipSync(images))]), "train-images-idx3-ubyte.gz");
    form.set(
      "label",
      new Blob([new Uint8Array(idx(0x08, [4], new Uint8Array([0, 1, 1, 0])))]),
      "train-labels-idx1-ubyte",
    );
    const response = await fetch(`${url}/v1/datasets`, { method: "POST", body: form });
    const body = await response.json();
    expect(response.status).toBe(201);
    expect(body).toMatchObject({ rows: 4, content_type: "multipart/form-data" });
    expect(body.columns).toMatchObject([{ name: "image", shape: [2, 2], min: 0, max: 15 }, { name: "label" }]);
    const layers = [{ type: "Flatten" }, { type: "Linear", out_features: 2 }];
    const spec = {
      ...smallSpec,
      model: { layers },
      loss: "CrossEntropyLoss",
      data: { dataset_id: body.id, target: "label" },
    };
    const checked = await api.app.inject({ method: "POST", url: "/v1/jobs/validate", payload: spec });
    expect(checked.json()).toMatchObject({ valid: true, model_summary: { layers: [{ output_shape: [4] }, {}] } });
  });

  test("as a form whose file is a table", async () => {
    const form = new FormData();
    form.set("file", new Blob([CSV]), "people.csv");
    const response = await fetch(`${url}/v1/datasets`, { method: "POST", body: form });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ rows: 3, content_type: "text/csv", bytes: CSV.length });
  });

  test.each<[string, string, number, RegExp]>([
    ["without a file", "--b--\r\n", 400, /holds no file/],
    [
      "with a plain field",
      '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n',
      400,
      /"a" is no file/,
    ],
    [
      "that ends early",
      '--b\r\ncontent-disposition: form-data; name="a"; filename="a.csv"\r\n\r\na,b\n1,2\n',
      400,
      /can't be read/,
    ],
    [
      "of two tables",
      `${[1, 2].map((i) => `--b\r\ncontent-disposition: form-data; name="${i}"; filename="a.csv"\r\n\r\na,b\n1,2\n\r\n`).join("")}--b--\r\n`,
      422,
      /"1" is a table .* only arrays/,
    ],
  ])("as a form %s is refused", async (_what, form, status, message) => {
    const refused = await upload(form, { "content-type": "multipart/form-data; boundary=b" });
    expect(refused.body.detail).toMatch(message);
    expect(refused.status).toBe(status);
  });

  test("of bytes that nothing tells the format of is refused, with the types that are known", async () => {
    const { status, body } = await upload("a,b\n1,2\n3,4\n", { "content-type": "application/octet-stream" });
    expect([status, body.detail]).toEqual([422, expect.stringMatching(/can't be told.*text\/csv/)]);
  });

  test("may be a Parquet file", async () => {
    const columnData = [
      { name: "age", data: [31, null, 57], type: "INT32" as const, nullable: true },
      { name: "city", data: ["Rome", "Oslo", "Rome"], type: "STRING" as const },
      { name: "y", data: ["yes", "no", "yes"], type: "STRING" as const },
    ];
    const type = "application/vnd.apache.parquet";
    const { status, body } = await upload(parquetWriteBuffer({ columnData }), { "content-type": type });
    expect(status).toBe(201);
    expect(body.columns).toEqual((await upload(CSV)).body.columns);
  });

  test("whose sender goes away in the middle leaves nothing behind", async () => {
    const before = (await folders()).length;
    const upload = request(`${url}/v1/datasets`, { method: "POST", headers: { "content-type": "text/csv" } });
    upload.on("error", () => {});
    upload.write("a,b\n1,2\n");
    await expect.poll(async () => (await folders()).length).toBe(before + 1);
    upload.destroy();
    await expect.poll(async () => (await folders()).length).toBe(before);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});

describe("a preview", () => {
  const preview = async (id: string, query = "") => (await api.app.inject(`/v1/datasets/${id}/preview${query}`)).json();

  test("shows the first rows with values of the columns' types", async () => {
    const { body } = await upload("age,city,member\n31,Rome,true\n,Oslo,false\n57.5,7,true\n");
    expect(await preview(body.id, "?rows=2")).toEqual({
      columns: ["age", "city", "member"],
      rows: [
        [31, "Rome", true],
        [null, "Oslo", false],
      ],
      total_rows: 3,
    });
    expect((await preview(body.id)).rows[2]).toEqual([57.5, 7, true]);
  });

  test("shows arrays in their shape, and few rows where they are large", async () => {
    const lines = `${JSON.stringify({
      x: [
        [1, 2],
        [null, 4],
      ],
      y: "a",
    })}\n`.repeat(3);
    const { body } = await upload(lines, { "content-type": "application/x-ndjson" });
    expect((await preview(body.id)).rows[2]).toEqual([
      [
        [1, 2],
        [null, 4],
      ],
      "a",
    ]);
    const wide = await upload(`${JSON.stringify([Array.from({ length: 60_000 }, (_, i) => i), 1])}\n`.repeat(3), {
      "content-type": "application/x-ndjson",
    });
    expect((await preview(wide.body.id)).rows).toHaveLength(1);
  });

  test("of nothing is a 404, of too many rows a 400", async () => {
    const { body } = await upload(CSV);
    expect(await preview("ds_01k00000000000000000000000")).toMatchObject({ status: 404 });
    expect(await preview(body.id, "?rows=101")).toMatchObject({ status: 400 });
  });
});

test("datasets are listed in pages, newest first", async () => {
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.push((await upload(CSV)).body.id);
  const first = await (await fetch(`${url}/v1/datasets?limit=3`)).json();
  expect(first.data.map(({ id }: { id: string }) => id)).toEqual(ids.slice(2).reverse());
  const second = await (await fetch(`${url}/v1/datasets?limit=2&cursor=${first.next_cursor}`)).json();
  expect(second.data.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2).reverse());
});

test("a dataset can be deleted, but not while a job that is not finished trains on it", async () => {
  const { body } = await upload("a,b,y\n0,0,0\n1,1,1\n0,1,1\n1,0,0\n");
  const spec = { ...smallSpec, data: { dataset_id: body.id, target: "y" } };
  const job = (await api.app.inject({ method: "POST", url: "/v1/jobs", payload: spec })).json();
  expect(job.status).toBe("queued");
  const refused = await api.app.inject({ method: "DELETE", url: `/v1/datasets/${body.id}` });
  expect(refused.statusCode).toBe(409);
  expect(refused.json().detail).toContain(job.id);
  await api.app.inject({ method: "POST", url: `/v1/jobs/${job.id}/cancel` });
  expect((await api.app.inject({ method: "DELETE", url: `/v1/datasets/${body.id}` })).statusCode).toBe(204);
  expect((await api.app.inject(`/v1/datasets/${body.id}`)).statusCode).toBe(404);
});

/** What lies on disk, also what is still being written. */
const folders = () => readdir(join(api.config.dataDir, "objects", "datasets"));
