/** What a page needs to show a model at work: predictions beside the truth, shapes as far as they are known, a spec to send again. */
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningWorker, startWorker } from "../../src/workers/start-worker.ts";
import { type ApiFixture, smallSpec, startTestApi } from "./api-fixture.ts";

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

async function submit(spec: object): Promise<string> {
  const response = await api.app.inject({ method: "POST", url: "/v1/jobs", payload: spec });
  expect(response.statusCode, response.body).toBe(202);
  return response.json().id;
}

async function train(spec: object): Promise<string> {
  const id = await submit(spec);
  // The stream ends with the job.
  const { body } = await api.app.inject(`/v1/jobs/${id}/events`);
  expect(body).toContain("event: completed");
  return id;
}

test("a classifier's predictions have labels, and so has the truth", async () => {
  const iris = { layers: [{ type: "Linear", out_features: 3 }] };
  const id = await train({ ...smallSpec, model: iris, data: { builtin: "iris" }, validation: { split: 0.2 } });
  const answer = (await api.app.inject(`/v1/jobs/${id}/predictions`)).json();
  expect(answer).toMatchObject({
    ...{ job_id: id, rows_of: "validation", rows: 30, classes: ["setosa", "versicolor", "virginica"] },
    checkpoint: { epoch: 3 },
  });
  expect(answer.features).toEqual(["sepal_length", "sepal_width", "petal_length", "petal_width"]);
  const again = await api.app.inject({
    method: "POST",
    url: `/v1/jobs/${id}/predict`,
    payload: { inputs: answer.inputs },
  });
  expect(again.json().labels).toEqual(answer.labels);
  for (const column of ["outputs", "targets", "labels", "target_labels"]) expect(answer[column]).toHaveLength(30);
  expect(answer.target_labels).toEqual(answer.targets.map((target: number) => answer.classes[target]));
  const right = answer.labels.filter((label: string, i: number) => label === answer.target_labels[i]).length;
  const events = (
    await api.app.inject({ url: `/v1/jobs/${id}/events`, headers: { accept: "application/json" } })
  ).json();
  const last = events.data.findLast(({ event }: { event: string }) => event === "epoch");
  expect(right / 30).toBeCloseTo(last.val_metrics.accuracy, 6);
});

test("a regression's are numbers beside numbers", async () => {
  const model = { layers: [{ type: "Linear", out_features: 1 }] };
  const id = await train({ ...smallSpec, model, loss: "MSELoss", metrics: [], data: { builtin: "sine", samples: 50 } });
  const answer = (await api.app.inject(`/v1/jobs/${id}/predictions`)).json();
  expect(answer).toMatchObject({ rows_of: "training", rows: 50 });
  expect(answer).not.toHaveProperty("labels");
  expect(answer.outputs[0]).toEqual([expect.any(Number)]);
  expect(answer.targets[0]).toEqual([expect.any(Number)]);
});

test("while there are none, that is said", async () => {
  const id = await submit({ ...smallSpec, epochs: 1_000_000, priority: -5 });
  await api.app.inject({ method: "POST", url: `/v1/jobs/${id}/cancel` });
  const response = await api.app.inject(`/v1/jobs/${id}/predictions`);
  expect(response.statusCode).toBe(409);
  expect(response.json().detail).toContain("has stored no predictions yet");
  expect((await api.app.inject("/v1/jobs/job_00000000000000000000000000/predictions")).statusCode).toBe(404);
});

test("a probe event is part of the stream, and its grid stands in the job's spec and in the first of them", async () => {
  const id = await train({ ...smallSpec, probes: { grid: { x: { points: 3 }, y: { points: 2 } } } });
  const { body } = await api.app.inject(`/v1/jobs/${id}/events`);
  const told = body.split("\n\n").filter((event) => event.includes("event: probe"));
  expect(told).toHaveLength(4);
  const [first] = told.map((event) => JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? ""));
  const job = (await api.app.inject(`/v1/jobs/${id}`)).json();
  expect(first).toMatchObject({ epoch: 0, grid: job.spec.probes.grid });
  expect(first.outputs).toHaveLength(6);
});

test("more epochs are refused where their probes would be more than is kept", async () => {
  const probes = { grid: {}, every_epochs: 1 };
  const id = await submit({ ...smallSpec, epochs: 600, device: "cpu", priority: -5, probes });
  const change = (epochs: number) => api.app.inject({ method: "PATCH", url: `/v1/jobs/${id}`, payload: { epochs } });
  const response = await change(10_000);
  // It may have ended by now, which is another reason.
  expect([409, 422]).toContain(response.statusCode);
  if (response.statusCode === 422) expect(response.json().errors).toMatchObject([{ path: "epochs" }]);
  await api.app.inject({ method: "POST", url: `/v1/jobs/${id}/cancel` });
});

test("a spec comes back whole, also what was too large for the job's state, and can be sent again", async () => {
  const inputs = Array.from({ length: 600 }, (_, i) => [Math.sin(i), i / 600]);
  const inline = { inputs, targets: inputs.map(([a = 0]) => (a > 0 ? 1 : 0)) };
  const id = await submit({ ...smallSpec, data: { inline }, probes: { inputs } });
  const job = (await api.app.inject(`/v1/jobs/${id}`)).json();
  expect(job.spec.data.inline).toHaveProperty("stored_sha256");
  const spec = (await api.app.inject(`/v1/jobs/${id}/spec`)).json();
  expect(spec).toMatchObject({ name: "small", data: { inline }, probes: { inputs } });
  const again = (await api.app.inject(`/v1/jobs/${await submit(spec)}`)).json();
  expect(again.spec).toEqual(job.spec);
});

test("a dry run tells the shapes up to the layer at fault", async () => {
  const layers = [
    { type: "Linear", out_features: 8 },
    { type: "ReLU" },
    { type: "Conv2d", out_channels: 3, kernel_size: 3 },
    { type: "Linear", out_features: 2 },
  ];
  const payload = { ...smallSpec, model: { layers } };
  const report = (await api.app.inject({ method: "POST", url: "/v1/jobs/validate", payload })).json();
  expect(report.valid).toBe(false);
  expect(report.errors).toMatchObject([{ path: expect.stringContaining("model.layers[2]") }]);
  expect(report.shapes).toEqual({
    input: [2],
    layers: [
      { name: "0", type: "Linear", output_shape: [8], parameters: 24 },
      { name: "1", type: "ReLU", output_shape: [8], parameters: 0 },
    ],
  });
});
