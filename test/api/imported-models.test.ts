/** Models that are brought along: weights that jobs start from, and architectures that become layers. */
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningWorker, startWorker } from "../../src/workers/start-worker.ts";
import { fixture } from "../interchange/fixture.ts";
import { type ApiFixture, startTestApi } from "./api-fixture.ts";

let api: ApiFixture;
let worker: RunningWorker;

beforeAll(async () => {
  api = await startTestApi();
  worker = await startWorker(api.config, { url: api.broker.url, logger: pino({ level: "silent" }) });
});
afterAll(async () => {
  await worker.close();
  await api.close();
});

const send = (payload: Buffer | string, type = "application/octet-stream", query = "") =>
  api.app.inject({ method: "POST", url: `/v1/models/import${query}`, headers: { "content-type": type }, payload });

const { inputs, outputs } = JSON.parse(fixture("images.json").toString());

const startingFrom = (layers: unknown, init: object, data: object) => ({
  model: { layers, init },
  loss: "MSELoss",
  optimizer: { type: "SGD", lr: 0 },
  epochs: 1,
  data: { inline: data },
});

test("PyTorch's print and its weights are a job that predicts what PyTorch predicts", async () => {
  const described = await send(fixture("images.txt"), "text/plain");
  expect(described.statusCode, described.body).toBe(200);
  const { model } = described.json();
  // A rate and a momentum of 0 keep the weights and the statistics as they came.
  model.layers[1].momentum = 0;
  for (const name of ["images.safetensors", "images.onnx"]) {
    const stored = await send(fixture(name), "application/octet-stream", "?name=images");
    expect(stored.statusCode, stored.body).toBe(201);
    const { id, tensors, parameters } = stored.json();
    expect(stored.headers["location"]).toBe(`/v1/models/${id}`);
    expect(tensors).toContainEqual({ name: "0.weight", shape: [3, 1, 3, 3] });
    expect(parameters).toBeGreaterThan(80);

    const spec = startingFrom(model.layers, { model_id: id }, { inputs, targets: outputs });
    const made = await api.app.inject({ method: "POST", url: "/v1/jobs", payload: spec });
    expect(made.statusCode, made.body).toBe(202);
    // The job has a copy.
    expect((await api.app.inject({ method: "DELETE", url: `/v1/models/${id}` })).statusCode).toBe(204);
    await api.app.inject(`/v1/jobs/${made.json().id}/events`);
    const asked = await api.app.inject({
      method: "POST",
      url: `/v1/jobs/${made.json().id}/predict`,
      payload: { inputs },
    });
    asked
      .json()
      .outputs.flat()
      .forEach((value: number, i: number) => {
        expect(value).toBeCloseTo(outputs.flat()[i], 5);
      });
    const kept = await api.app.inject(`/v1/jobs/${made.json().id}`);
    expect(kept.json().spec.model.init).toEqual({ model_id: id, rename: {}, only: null });
  }
});

test("layers of other names are renamed, or taken in part", async () => {
  const { id } = (await send(fixture("named.safetensors"))).json();
  const layers = [{ type: "Linear", out_features: 3 }, { type: "Tanh" }, { type: "Linear", out_features: 1 }];
  const data = { inputs: [[1, 2]], targets: [[1]] };
  const check = async (init: object) => {
    const payload = startingFrom(layers, { model_id: id, ...init }, data);
    return (await api.app.inject({ method: "POST", url: "/v1/jobs/validate", payload })).json();
  };
  expect((await check({ rename: { hidden: "0", out: "2" } })).errors).toEqual([]);
  expect((await check({ rename: { hidden: "0" }, only: ["0"] })).errors).toEqual([]);
  expect((await check({})).errors[0]).toEqual({
    path: "model.init.model_id",
    message: expect.stringMatching(/^it has a weight "hidden.bias", which this model has not/),
  });
  expect((await check({ rename: { hiden: "0" } })).errors[0]).toEqual({
    path: "model.init.rename.hiden",
    message: 'that model has no layer or weight of this name; did you mean "hidden"?',
  });
});

test("Keras' JSON becomes layers", async () => {
  const { config } = JSON.parse(fixture("keras.json").toString()).mlp;
  const response = await send(JSON.stringify(config), "application/json");
  expect(response.statusCode, response.body).toBe(200);
  expect(response.json()).toMatchObject({
    format: "keras",
    input_shape: [4],
    model: { layers: [{ type: "Linear" }, {}, {}, {}, {}] },
  });
});

test("what can't be read is told by its line, and is no weight", async () => {
  const line = await send("Sequential(\n  (0): ReLu()\n)", "text/plain");
  expect([line.statusCode, line.json().errors]).toEqual([
    422,
    [{ path: "line 2", message: 'there is no layer ReLu; did you mean "ReLU"?' }],
  ]);
  for (const [body, type, status] of [
    ["not a model", "application/octet-stream", 422],
    ["{", "application/json", 400],
    ["", "text/plain", 422],
    ["x", "image/png", 415],
  ] as const) {
    expect([type, (await send(body, type)).statusCode]).toEqual([type, status]);
  }
  expect((await send(Buffer.alloc(2 ** 20 + 1, 32), "text/plain")).statusCode).toBe(413);
});

test("imported models are listed, shown and removed", async () => {
  const { id } = (await send(fixture("named.safetensors"), "application/octet-stream", "?name=mine")).json();
  expect((await api.app.inject("/v1/models?limit=1")).json()).toMatchObject({ data: [{ id, name: "mine" }] });
  expect((await api.app.inject(`/v1/models/${id}`)).json()).toMatchObject({ format: "safetensors", parameters: 13 });
  expect((await api.app.inject({ method: "DELETE", url: `/v1/models/${id}` })).statusCode).toBe(204);
  for (const method of ["GET", "DELETE"] as const) {
    const gone = await api.app.inject({ method, url: `/v1/models/${id}` });
    expect([gone.statusCode, gone.json().detail]).toEqual([404, expect.stringMatching(/^There is no model "mdl_/)]);
  }
});
