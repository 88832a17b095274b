/** Models from jobs that a real worker trained: downloaded, and asked. */

import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Mistake } from "../../src/api/problems.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/engine/index.ts";
import { type RunningWorker, startWorker } from "../../src/workers/start-worker.ts";
import { type ApiFixture, startTestApi } from "./api-fixture.ts";

let api: ApiFixture;
let worker: RunningWorker;
let votes: string;
let points: string;

beforeAll(async () => {
  api = await startTestApi();
  worker = await startWorker(api.config, { url: api.broker.url, logger: pino({ level: "silent" }) });
  const csv = `a,b,party\n${Array.from({ length: 40 }, (_, i) => (i % 2 ? "y,n,left" : "n,y,right")).join("\n")}\n`;
  const dataset = await api.app.inject({
    method: "POST",
    url: "/v1/datasets",
    headers: { "content-type": "text/csv" },
    payload: csv,
  });
  votes = await train({
    name: "votes",
    model: { layers: [{ type: "Linear", out_features: 1 }, { type: "Sigmoid" }] },
    loss: "BCELoss",
    optimizer: { type: "SGD", lr: 0.5 },
    epochs: 30,
    data: {
      dataset_id: dataset.json().id,
      target: "party",
      preprocess: { map: { y: 1, n: 0, "": 0.5 } },
    },
  });
  points = await train({
    model: { layers: [{ type: "Linear", out_features: 3 }] },
    loss: "CrossEntropyLoss",
    optimizer: { type: "Adam", lr: 0.05 },
    epochs: 2,
    data: { builtin: "iris" },
  });
});
afterAll(async () => {
  await worker.close();
  await api.close();
});

async function train(spec: object): Promise<string> {
  const response = await api.app.inject({ method: "POST", url: "/v1/jobs", payload: spec });
  expect(response.statusCode, response.body).toBe(202);
  const { id } = response.json();
  // The stream ends with the job.
  const { body } = await api.app.inject(`/v1/jobs/${id}/events`);
  expect(body).toContain("event: completed");
  return id;
}

const predict = (id: string, payload: unknown, query = "") =>
  api.app.inject({
    method: "POST",
    url: `/v1/jobs/${id}/predict${query}`,
    headers: { "content-type": "application/json" },
    payload: JSON.stringify(payload),
  });

test("numbers without an embedding are refused, by sample", async () => {
  const inputs = [
    [0, 1],
    [2, 1],
    [1, 1],
    [0, 2],
  ];
  const words = await train({
    model: {
      layers: [
        { type: "Embedding", num_embeddings: 3, embedding_dim: 2 },
        { type: "LSTM", hidden_size: 4, bidirectional: true },
        { type: "Residual", layers: [{ type: "BatchNorm1d" }, { type: "Linear", out_features: 8 }] },
        { type: "Linear", out_features: 2 },
      ],
    },
    loss: "CrossEntropyLoss",
    optimizer: "Adam",
    epochs: 2,
    data: { inline: { inputs, targets: [0, 1, 1, 0] } },
  });
  expect((await predict(words, { inputs })).json().outputs).toEqual(
    Array(4).fill([expect.any(Number), expect.any(Number)]),
  );
  const refused = await predict(words, {
    inputs: [
      [0, 1],
      [0, 3],
    ],
  });
  expect(refused.statusCode, refused.body).toBe(422);
  expect(refused.body).toContain("sample 2: 3 has no embedding: layer 0 (Embedding) takes whole numbers from 0 to 2");
});

describe("asking a model", () => {
  test("whose checkpoint does not say how its rows are prepared finds that beside it, as it was kept once", async () => {
    const id = await train({
      model: { layers: [{ type: "Linear", out_features: 3 }] },
      ...{ loss: "CrossEntropyLoss", optimizer: "Adam", epochs: 1, data: { builtin: "iris" } },
    });
    const ask = () => predict(id, { inputs: [[5.1, 3.5, 1.4, 0.2]] });
    const { store, log, redis } = api.parts;
    const [newest] = await log.checkpoints(id);
    if (!newest) throw new Error("There is no checkpoint.");
    const { tensors, metadata } = decodeSafetensors(await store.read(newest.key));
    const { about = "", ...rest } = metadata;
    const stored = await store.put(`jobs/${id}/checkpoints/1-1-4.safetensors`, encodeSafetensors(tensors, rest));
    const older = { ...newest, ...stored, key: `jobs/${id}/checkpoints/1-1-4.safetensors` };
    await store.remove(newest.key);
    await redis.hset(log.keys.state(id), "checkpoints", JSON.stringify([older]));
    await store.put(`jobs/${id}/preprocess.json`, Buffer.from(about));
    const response = await ask();
    expect(response.statusCode, response.body).toBe(200);
    expect(response.json()).toMatchObject({ classes: ["setosa", "versicolor", "virginica"], checkpoint: { epoch: 1 } });
  });

  test("whose newest checkpoint does not even begin as it was written asks the one before", async () => {
    const id = await train({
      model: { layers: [{ type: "Linear", out_features: 3 }] },
      ...{ loss: "CrossEntropyLoss", optimizer: "Adam", epochs: 1, data: { builtin: "iris" } },
    });
    const { store, log, redis } = api.parts;
    const [whole] = await log.checkpoints(id);
    if (!whole) throw new Error("There is no checkpoint.");
    const key = `jobs/${id}/1-2-8.safetensors`;
    const bytes = await store.read(whole.key);
    await store.put(key, bytes.fill(0, 20, 24));
    await redis.hset(log.keys.state(id), "checkpoints", JSON.stringify([{ ...whole, key, epoch: 2 }, whole]));
    const response = await predict(id, { inputs: [[5.1, 3.5, 1.4, 0.2]] });
    expect(response.json()).toMatchObject({ checkpoint: { epoch: 1 } });
    for (const path of ["predictions", "model"]) {
      expect((await api.app.inject(`/v1/jobs/${id}/${path}`)).statusCode, path).toBe(200);
    }
  });

  test("takes rows in feature order, prepares them as in training, and names the classes", async () => {
    const response = await predict(votes, {
      inputs: [
        ["y", "n"],
        ["n", "y"],
        ["", ""],
      ],
    });
    expect(response.statusCode, response.body).toBe(200);
    const { outputs, labels, probabilities, classes, checkpoint } = response.json();
    expect(labels.slice(0, 2)).toEqual(["left", "right"]);
    expect(classes).toEqual(["left", "right"]);
    expect(outputs).toHaveLength(3);
    expect(outputs[0][0]).toBeLessThan(0.5);
    expect(probabilities[1][1]).toBeCloseTo(outputs[1][0], 6);
    expect(probabilities[1][0] + probabilities[1][1]).toBeCloseTo(1, 6);
    expect(checkpoint.epoch).toBe(30);
  });

  test("takes objects by column name, in any order", async () => {
    const byName = await predict(votes, { inputs: [{ b: "n", a: "y" }] });
    const byOrder = await predict(votes, { inputs: [["y", "n"]] });
    expect(byName.json()).toEqual(byOrder.json());
  });

  test("gives probabilities that are the softmax of logits", async () => {
    const { outputs, probabilities } = (await predict(points, { inputs: [[5.1, 3.5, 1.4, 0.2]] })).json();
    const powers = outputs[0].map(Math.exp);
    const sum = powers.reduce((a: number, b: number) => a + b);
    powers.forEach((power: number, i: number) => {
      expect(probabilities[0][i]).toBeCloseTo(power / sum, 5);
    });
  });

  test("gives the same answer for a row alone and among ten thousand", async () => {
    const alone = (await predict(points, { inputs: [[5.1, 3.5, 1.4, 0.2]] })).json();
    const many = (await predict(points, { inputs: Array(10_000).fill([5.1, 3.5, 1.4, 0.2]) })).json();
    expect(many.outputs).toHaveLength(10_000);
    expect(many.outputs[9_999]).toEqual(alone.outputs[0]);
  });

  test.each([
    [{ inputs: [["y"]] }, /inputs\[0\]/],
    [
      {
        inputs: [
          ["y", "n"],
          ["y", "maybe"],
        ],
      },
      /inputs\[1\]/,
    ],
    [{ inputs: [{ a: "y", bb: "n" }] }, /did you mean "b"/],
    [{ inputs: [{ __proto__: null, constructor: "y" }] }, /constructor/],
    [{ inputs: [] }, /at least one row/],
    [{ inputs: "x" }, /array of rows/],
    [{ input: [[1, 2]] }, /did you mean "inputs"/],
    [{ inputs: [[["y"], ["n"]]] }, /inputs/],
    [[["y", "n"]], /expects? .*object/i],
    [null, /expects? .*object/i],
  ])("%j is a 422 that says where", async (payload, said) => {
    const response = await predict(votes, payload);
    expect(response.statusCode).toBe(422);
    expect(response.json().type).toMatch(/\/invalid-inputs$/);
    const { errors } = response.json();
    expect(errors.map(({ path, message }: Mistake) => `${path}: ${message}`).join("\n")).toMatch(said);
  });
});

describe("downloading a model", () => {
  test("as safetensors: PyTorch's names and shapes, with spec and preprocessing beside them", async () => {
    const response = await api.app.inject(`/v1/jobs/${votes}/model`);
    expect(response.headers["content-disposition"]).toContain(`${votes}.safetensors`);
    const { tensors, metadata } = decodeSafetensors(response.rawPayload);
    expect([...tensors].map(([name, { shape }]) => [name, shape])).toEqual([
      ["0.weight", [1, 2]],
      ["0.bias", [1]],
    ]);
    expect(metadata["format"]).toBe("pt");
    expect(JSON.parse(metadata["spec"] ?? "")).toMatchObject({ loss: { type: "BCELoss" } });
    expect(JSON.parse(metadata["preprocess"] ?? "")).toMatchObject({ features: ["a", "b"] });
    expect(JSON.parse(metadata["classes"] ?? "")).toEqual(["left", "right"]);
  });

  test("as JSON, whose weights start another job where this one ended", async () => {
    const model = (await api.app.inject(`/v1/jobs/${points}/model?format=json`)).json();
    expect(Object.keys(model.weights)).toEqual(["0.weight", "0.bias"]);
    const again = await train({
      model: { layers: [{ type: "Linear", out_features: 3 }], init: { weights: model.weights } },
      loss: "CrossEntropyLoss",
      optimizer: { type: "SGD", lr: 1e-12 },
      epochs: 1,
      data: { builtin: "iris" },
    });
    const inputs = [[5.1, 3.5, 1.4, 0.2]];
    expect((await predict(again, { inputs })).json().outputs).toEqual(
      (await predict(points, { inputs })).json().outputs,
    );
  });

  test("the best weights as well as the last", async () => {
    for (const which of ["best", "last"]) {
      const response = await api.app.inject(`/v1/jobs/${points}/model?format=json&checkpoint=${which}`);
      expect(response.json().checkpoint.which).toBe(which);
    }
    expect((await api.app.inject(`/v1/jobs/${points}/model?checkpoint=first`)).statusCode).toBe(400);
  });
});

test("a deleted job's model can't be asked any more, although its weights were ready in memory", async () => {
  const id = await train({
    model: { layers: [{ type: "Linear", out_features: 1 }] },
    loss: "MSELoss",
    optimizer: "SGD",
    epochs: 1,
    data: { builtin: "sine", samples: 20 },
  });
  expect((await predict(id, { inputs: [[0.5]] })).statusCode).toBe(200);
  await api.app.inject({ method: "DELETE", url: `/v1/jobs/${id}` });
  expect((await predict(id, { inputs: [[0.5]] })).statusCode).toBe(404);
});

describe("a spec that starts from a job", () => {
  const starting = (init: object) => ({
    model: { layers: [{ type: "Linear", out_features: 3 }], init },
    loss: "CrossEntropyLoss",
    optimizer: "SGD",
    epochs: 1,
    data: { builtin: "iris" },
  });
  const submit = (payload: object) => api.app.inject({ method: "POST", url: "/v1/jobs", payload });

  test("is trained from its weights, be they the last or the best", async () => {
    for (const checkpoint of ["last", "best"]) {
      const id = await train(starting({ job_id: points, checkpoint }));
      expect((await api.app.inject(`/v1/jobs/${id}`)).json().spec.model.init).toEqual({
        job_id: points,
        checkpoint,
        only: null,
      });
    }
  });

  test("is refused where there is nothing to start from, or where it does not fit", async () => {
    const missing = await submit(starting({ job_id: "job_nothing" }));
    expect([missing.statusCode, missing.json().errors]).toEqual([
      422,
      [{ path: "model.init.job_id", message: expect.stringMatching(/^there is no job "job_nothing"/) }],
    ]);
    const misfit = await submit(starting({ job_id: votes }));
    expect(misfit.json().errors).toHaveLength(2);
    const { body } = await api.app.inject({
      method: "POST",
      url: "/v1/jobs/validate",
      payload: starting({ job_id: votes }),
    });
    expect(JSON.parse(body)).toMatchObject({ valid: false, errors: misfit.json().errors });
  });

  test("is told that the other job has no weights yet", async () => {
    const idle = await startTestApi();
    const payload = starting({ weights: {} });
    const { id } = (await idle.app.inject({ method: "POST", url: "/v1/jobs", payload })).json();
    const answer = await idle.app.inject({ method: "POST", url: "/v1/jobs", payload: starting({ job_id: id }) });
    expect(answer.json().errors[0].message).toContain(`job ${id} is queued and has stored no weights`);
    await idle.close();
  });
});
