/** Models that a real worker trained, downloaded as files of other frameworks. */
import { strFromU8, unzipSync } from "fflate";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeSafetensors } from "../../src/engine/index.ts";
import { type RunningWorker, startWorker } from "../../src/workers/start-worker.ts";
import { type ApiFixture, startTestApi } from "./api-fixture.ts";

let api: ApiFixture;
let worker: RunningWorker;
let flowers: string;

beforeAll(async () => {
  api = await startTestApi();
  worker = await startWorker(api.config, { url: api.broker.url, logger: pino({ level: "silent" }) });
  flowers = await train({
    name: "flowers",
    model: { layers: [{ type: "Linear", out_features: 4 }, { type: "ReLU" }, { type: "Linear", out_features: 3 }] },
    loss: "CrossEntropyLoss",
    optimizer: { type: "Adam", lr: 0.05 },
    epochs: 3,
    data: { builtin: "iris", preprocess: { standardize: true } },
    validation: { split: 0.2 },
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

const download = (id: string, query: string) => api.app.inject(`/v1/jobs/${id}/model?${query}`);

const unpacked = (bytes: Uint8Array): Map<string, Uint8Array> =>
  new Map(Object.entries(unzipSync(new Uint8Array(bytes))));

test("ONNX, with classes and preprocessing in its metadata", async () => {
  const response = await download(flowers, "format=onnx");
  expect(response.statusCode, response.body).toBe(200);
  expect(response.headers["content-disposition"]).toBe(`attachment; filename="${flowers}.onnx"`);
  const text = response.rawPayload.toString("latin1");
  for (const part of ["0.weight", "Gemm", "probabilities", "preprocess", "virginica"]) expect(text).toContain(part);
});

test("PyTorch's code, with all that training goes on from", async () => {
  const response = await download(flowers, "format=pytorch");
  expect(response.statusCode, response.body).toBe(200);
  expect(response.headers["content-type"]).toBe("application/zip");
  const files = unpacked(response.rawPayload);
  const model = strFromU8(files.get("model.py") ?? new Uint8Array());
  expect(model).toContain("nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 3))");
  expect(model).toContain("torch.optim.Adam(model.parameters(), lr=0.05)");
  const training = decodeSafetensors(files.get("training.safetensors") ?? new Uint8Array()).tensors;
  expect(training.get("optimizer.2.bias.exp_avg")?.shape).toEqual([3]);
  // The next epoch takes each of the rows to train on once; they are four fifths of the file's.
  const order = training.get("order")?.data ?? [];
  expect(new Set(order).size).toBe(120);
  expect([...order].sort((a, b) => a - b)).toEqual([...(training.get("rows")?.data ?? [])]);
});

test("Keras' code, or which layer Keras can't express", async () => {
  const response = await download(flowers, "format=keras");
  expect(response.statusCode, response.body).toBe(200);
  expect(strFromU8(unpacked(response.rawPayload).get("model.py") ?? new Uint8Array())).toContain("layers.Dense(4)");
  const unfolding = await train({
    model: {
      layers: [{ type: "Unfold", kernel_size: 2 }, { type: "Flatten" }, { type: "Linear", out_features: 1 }],
    },
    loss: "MSELoss",
    optimizer: "SGD",
    epochs: 1,
    data: {
      inline: {
        inputs: [
          [
            [
              [1, 2],
              [3, 4],
            ],
          ],
          [
            [
              [5, 6],
              [7, 8],
            ],
          ],
        ],
        targets: [1, 2],
      },
    },
  });
  const refused = await download(unfolding, "format=keras");
  expect([refused.statusCode, refused.json().errors]).toEqual([
    422,
    [{ path: "model.layers[0]", message: expect.stringMatching(/^Unfold can't be written for Keras: /) }],
  ]);
});

test("the best weights come without the optimizer of the last", async () => {
  const files = unpacked((await download(flowers, "format=pytorch&checkpoint=best")).rawPayload);
  expect([...files.keys()]).not.toContain("training.safetensors");
  expect(strFromU8(files.get("README.md") ?? new Uint8Array())).toContain("it starts afresh");
});
