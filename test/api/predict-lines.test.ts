/** Rows by the line: in and out as a stream, of any length. */
import { request } from "node:http";
import { createInterface } from "node:readline";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningWorker, startWorker } from "../../src/workers/start-worker.ts";
import { type ApiFixture, startTestApi } from "./api-fixture.ts";

let api: ApiFixture;
let worker: RunningWorker;
let base: string;
let votes: string;
let words: string;

beforeAll(async () => {
  api = await startTestApi({ limits: { bodyBytes: 100_000 } });
  base = await api.listen();
  worker = await startWorker(api.config, { url: api.broker.url, logger: pino({ level: "silent" }) });
  const csv = `a,b,party\n${Array.from({ length: 40 }, (_, i) => (i % 2 ? "y,n,left" : "n,y,right")).join("\n")}\n`;
  const headers = { "content-type": "text/csv" };
  const dataset = await fetch(`${base}/v1/datasets`, { method: "POST", headers, body: csv }).then((r) => r.json());
  [votes, words] = await Promise.all([
    train({
      model: { layers: [{ type: "Linear", out_features: 1 }, { type: "Sigmoid" }] },
      loss: "BCELoss",
      optimizer: { type: "SGD", lr: 0.5 },
      epochs: 30,
      data: { dataset_id: dataset.id, target: "party", preprocess: { map: { y: 1, n: 0, "": 0.5 } } },
    }),
    train({
      model: {
        layers: [
          { type: "Embedding", num_embeddings: 3, embedding_dim: 2 },
          { type: "Flatten" },
          { type: "Linear", out_features: 1 },
        ],
      },
      loss: "MSELoss",
      optimizer: "SGD",
      epochs: 1,
      data: {
        inline: {
          inputs: [
            [0, 1],
            [2, 1],
          ],
          targets: [0, 1],
        },
      },
    }),
  ]);
});
afterAll(async () => {
  await worker.close();
  await api.close();
});

async function train(spec: object): Promise<string> {
  const response = await api.app.inject({ method: "POST", url: "/v1/jobs", payload: spec });
  expect(response.statusCode, response.body).toBe(202);
  const { id } = response.json();
  const { body } = await api.app.inject(`/v1/jobs/${id}/events`);
  expect(body).toContain("event: completed");
  return id;
}

const ask = (id: string, body: BodyInit) =>
  fetch(`${base}/v1/jobs/${id}/predict`, { method: "POST", headers: { "content-type": "application/x-ndjson" }, body });
const linesOf = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("each line is a row, and each line of the answer is its answer", async () => {
  const answer = await ask(votes, '["y","n"]\n\n{"b":"y","a":"n"}\r\n["",""]');
  expect(answer.headers.get("content-type")).toBe("application/x-ndjson");
  expect(answer.headers.get("x-checkpoint")).toMatch(/^epoch=30, step=\d+$/);
  const lines = linesOf(await answer.text());
  expect(lines.map(({ label }) => label).slice(0, 2)).toEqual(["left", "right"]);
  expect(lines).toHaveLength(3);
  const { outputs, probabilities } = await api.app
    .inject({
      method: "POST",
      url: `/v1/jobs/${votes}/predict`,
      payload: {
        inputs: [
          ["y", "n"],
          ["n", "y"],
          ["", ""],
        ],
      },
    })
    .then((response) => response.json());
  expect(lines.map(({ output }) => output)).toEqual(outputs);
  expect(lines.map((line) => line.probabilities)).toEqual(probabilities);
});

test("a row is answered before the next one comes", async () => {
  const sent = request(`${base}/v1/jobs/${votes}/predict`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
  });
  sent.write('["y","n"]\n');
  const answer = await new Promise<import("node:http").IncomingMessage>((resolve) => sent.once("response", resolve));
  const lines = createInterface({ input: answer })[Symbol.asyncIterator]();
  for (const label of ["left", "right", "left"]) {
    const line = await lines.next();
    expect(JSON.parse(line.value ?? "").label).toBe(label);
    sent.write(label === "left" ? '["n","y"]\n' : '["y","n"]\n');
  }
  sent.end();
  expect(JSON.parse((await lines.next()).value ?? "").label).toBe("right");
  expect((await lines.next()).done).toBe(true);
});

test("a hundred thousand rows are answered in order", async () => {
  const row = (i: number) => (i % 3 === 0 ? '["y","n"]\n' : '["n","y"]\n');
  const answer = await ask(votes, Array.from({ length: 100_000 }, (_, i) => row(i)).join(""));
  let i = 0;
  for (const { label } of linesOf(await answer.text())) {
    if (label !== (i % 3 === 0 ? "left" : "right")) expect.unreachable(`row ${i} is ${label}`);
    i++;
  }
  expect(i).toBe(100_000);
});

test.each([
  ["a row that does not fit", '["y","n"]\n\n["y","maybe"]\n', /^line 3\[1\]$/, /"maybe" is text/],
  ["a column that is not there", '{"a":"y","c":"n"}\n', /^line 1$/, /unknown column "c"/],
  ["what is not JSON", '["y","n"]\n["y",\n', /^line 2, column 6$/, /ends/],
  ["nothing at all", "\n\n", undefined, /Send one row in each line/],
])("%s is a 422 that says in which line", async (_what, body, path, said) => {
  const answer = await ask(votes, body);
  const problem = await answer.json();
  expect([answer.status, problem.type]).toEqual([422, expect.stringMatching(/\/invalid-inputs$/)]);
  expect(problem.detail).toMatch(said);
  if (path) expect(problem.errors[0].path).toMatch(path);
});

test("numbers without an embedding are refused by line, too", async () => {
  const problem = await (await ask(words, "[0,1]\n\n[1,3]\n")).json();
  expect(problem.errors).toEqual([{ path: "line 3", message: expect.stringMatching(/^3 has no embedding/) }]);
});

test("a mistake behind rows that are answered already is told in the last line", async () => {
  const good = '["y","n"]\n'.repeat(30_000);
  const answer = await ask(votes, `${good}["y"]\n${good}`);
  expect(answer.status).toBe(200);
  const lines = linesOf(await answer.text());
  const last = lines.pop();
  expect(last.error).toMatchObject({ status: 422, type: expect.stringMatching(/\/invalid-inputs$/) });
  expect(last.error.errors[0].path).toMatch(/^line 30001/);
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.length).toBeLessThanOrEqual(30_000);
  expect(lines.every(({ label }) => label === "left")).toBe(true);
  // What was not read of it does not stop those who come after it on the same connection.
  expect((await ask(votes, '["n","y"]')).status).toBe(200);
});

test("a line without an end is not collected for ever", async () => {
  const answer = await ask(votes, `["${"y".repeat(200_000)}`);
  expect(answer.status).toBe(413);
  expect((await answer.json()).detail).toMatch(/^Line 1 is longer than/);
});

test("other types of bodies are refused with those that are taken", async () => {
  const answer = await fetch(`${base}/v1/jobs/${votes}/predict`, {
    method: "POST",
    headers: { "content-type": "text/csv" },
    body: "a,b\ny,n\n",
  });
  expect(answer.status).toBe(415);
});
