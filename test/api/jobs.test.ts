import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Job } from "../../src/jobs/job.ts";
import { type ApiFixture, smallSpec, startTestApi } from "./api-fixture.ts";
import { JobScript } from "./job-script.ts";

let api: ApiFixture;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const get = async (url: string) => (await api.app.inject(url)).json();
const post = (url: string, payload?: object) => api.app.inject({ method: "POST", url, ...(payload && { payload }) });

describe("a new job", () => {
  test("is queued, and its address is in Location", async () => {
    const response = await post("/v1/jobs", { ...smallSpec, metadata: { team: "a" } });
    expect(response.statusCode).toBe(202);
    const job = Job.parse(response.json());
    expect(response.headers["location"]).toBe(`/v1/jobs/${job.id}`);
    expect(job).toMatchObject({ name: "small", metadata: { team: "a" }, status: "queued", queue_position: 1 });
    expect(job.spec).toMatchObject({ batch_size: 32, model: { layers: [{ in_features: 2 }, {}, { in_features: 8 }] } });
    expect(job.model_summary.parameters).toBe(2 * 8 + 8 + 8 * 2 + 2);
    expect(await get(`/v1/jobs/${job.id}`)).toEqual(response.json());
  });

  test("with much data in it is told as it is read later: by the hash of that data", async () => {
    const inputs = Array.from({ length: 600 }, (_, i) => [i / 600, 1 - i / 600]);
    const targets = inputs.map(([x]) => [x]);
    const model = { layers: [{ type: "Linear", out_features: 1 }] };
    const response = await post("/v1/jobs", {
      ...smallSpec,
      model,
      loss: "MSELoss",
      metrics: [],
      data: { inline: { inputs, targets } },
    });
    expect(response.statusCode, response.body).toBe(202);
    const { id, spec } = response.json();
    expect(spec.data.inline).toEqual({
      stored_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      bytes: expect.any(Number),
    });
    expect({ ...(await get(`/v1/jobs/${id}`)), queue_position: 0 }).toEqual({ ...response.json(), queue_position: 0 });
  });

  test("gets its first answer again when the request is repeated, whatever has happened since", async () => {
    const uploaded = await api.app.inject({
      method: "POST",
      url: "/v1/datasets",
      headers: { "content-type": "text/csv" },
      payload: "a,b,y\n1,2,0\n3,4,1\n",
    });
    const { id: dataset_id } = uploaded.json();
    const again = () =>
      api.app.inject({
        method: "POST",
        url: "/v1/jobs",
        headers: { "idempotency-key": "retry" },
        payload: { ...smallSpec, data: { dataset_id, target: "y" }, validation: null },
      });
    const first = await again();
    expect(first.statusCode).toBe(202);
    const { id, progress } = Job.parse(first.json());
    expect(progress.steps).toBeGreaterThan(0);
    await post(`/v1/jobs/${id}/cancel`);
    expect((await api.app.inject({ method: "DELETE", url: `/v1/datasets/${dataset_id}` })).statusCode).toBe(204);
    const retry = await again();
    expect(retry.statusCode).toBe(202);
    expect({ ...retry.json(), queue_position: 0 }).toEqual({ ...first.json(), queue_position: 0 });
  });

  test("can be checked without being made", async () => {
    const before = await get("/v1/jobs");
    const report = (await post("/v1/jobs/validate", smallSpec)).json();
    expect(report).toMatchObject({ valid: true, errors: [], model_summary: { parameters: 42 } });
    expect(report.estimate.seconds).toBeGreaterThan(0);
    expect(await get("/v1/jobs")).toEqual(before);
  });
});

test("jobs are listed in pages, newest first, and filtered by status, name and metadata", async () => {
  const team = `team-${Date.now()}`;
  const made: string[] = [];
  for (let i = 0; i < 5; i++) {
    const job = await new JobScript(api.parts).queue({ name: `n${i % 2}`, metadata: { team } });
    if (i === 3) await job.start();
    made.push(job.id);
  }
  const ids = async (query: string) =>
    (await get(`/v1/jobs?metadata.team=${team}&${query}`)).data.map(({ id }: Job) => id);
  expect(await ids("")).toEqual(made.toReversed());
  expect(await ids("status=running")).toEqual([made[3]]);
  expect(await ids("name=n1")).toEqual([made[3], made[1]]);
  expect(await ids("metadata.other=x")).toEqual([]);

  const pages: string[] = [];
  let cursor = "";
  do {
    const page = await get(`/v1/jobs?metadata.team=${team}&limit=2${cursor}`);
    pages.push(...page.data.map(({ id }: Job) => id));
    cursor = page.next_cursor ? `&cursor=${page.next_cursor}` : "";
  } while (cursor !== "");
  expect(pages).toEqual(made.toReversed());
});

describe("cancelling", () => {
  test("ends a waiting job at once, and doing it again changes nothing", async () => {
    const { id } = await new JobScript(api.parts).queue();
    const first = await post(`/v1/jobs/${id}/cancel`);
    expect([first.statusCode, first.json().status]).toEqual([200, "cancelled"]);
    const again = await post(`/v1/jobs/${id}/cancel`);
    expect([again.statusCode, again.json()]).toEqual([200, first.json()]);
  });

  test("asks the worker of a running job", async () => {
    const { id } = await (await new JobScript(api.parts).queue()).start();
    const response = await post(`/v1/jobs/${id}/cancel`);
    expect([response.statusCode, response.json().cancel_requested]).toEqual([202, true]);
  });

  test("is a 409 for a completed job", async () => {
    const { id } = await (await (await new JobScript(api.parts).queue()).start()).complete();
    const response = await post(`/v1/jobs/${id}/cancel`);
    expect(response.statusCode).toBe(409);
    expect(response.json().detail).toContain("completed");
  });

  test("takes an empty JSON body as no body", async () => {
    const { id } = await new JobScript(api.parts).queue();
    const response = await api.app.inject({
      method: "POST",
      url: `/v1/jobs/${id}/cancel`,
      headers: { "content-type": "application/json" },
    });
    expect(response.statusCode).toBe(200);
  });
});

describe("changing", () => {
  const patch = (id: string, payload: object) => api.app.inject({ method: "PATCH", url: `/v1/jobs/${id}`, payload });

  test("is noted for the worker that has the job or takes it next", async () => {
    const { id } = (await post("/v1/jobs", smallSpec)).json();
    const response = await patch(id, { lr: 0.01, early_stopping: { monitor: "loss" } });
    expect([response.statusCode, response.json().status, response.json().changes]).toEqual([202, "queued", []]);
    expect((await api.parts.log.state(id))?.wishes).toMatchObject([
      { lr: 0.01, early_stopping: { monitor: "loss", mode: "min", patience: 5 } },
    ]);
  });

  test("of a finished job is a 409, also where it asks for fewer epochs than were trained", async () => {
    const job = await (await (await (await new JobScript(api.parts).queue()).start()).train(3)).complete();
    const response = await patch(job.id, { epochs: 1 });
    expect([response.statusCode, response.json().title]).toEqual([409, "Wrong state"]);
  });

  test("is refused with every mistake where it can't be done", async () => {
    const { id } = (await post("/v1/jobs", smallSpec)).json();
    const response = await patch(id, {
      Lr: 1,
      epochs: 0,
      early_stopping: { monitor: "val_loss" },
      checkpoint: "later",
    });
    expect(response.statusCode).toBe(422);
    expect(response.json().errors).toEqual([
      { path: "epochs", message: "expects at least 1, got 0" },
      { path: "checkpoint", message: expect.stringContaining('expects "now"') },
      { path: "Lr", message: 'unknown field "Lr"; did you mean "lr"?' },
      { path: "early_stopping.monitor", message: expect.stringContaining("needs validation data") },
    ]);
    expect((await patch(id, {})).json().detail).toContain("is empty: name one of lr, epochs");
    const running = await (await new JobScript(api.parts).queue({ spec: { metrics: [], validation: null } })).start();
    await running.train(3);
    expect((await patch(running.id, { epochs: 2 })).json().errors).toMatchObject([{ path: "epochs" }]);
  });

  test("is a 409 for a finished job, and a 404 for one that is not there", async () => {
    const job = await new JobScript(api.parts).queue({ spec: { metrics: [], validation: null } });
    await (await job.start()).complete();
    expect((await patch(job.id, { lr: 1 })).statusCode).toBe(409);
    expect((await patch("job_nothing", { lr: 1 })).statusCode).toBe(404);
  });
});

describe("pausing and resuming", () => {
  test("a waiting job happens at once, and doing it again changes nothing", async () => {
    const { id } = await new JobScript(api.parts).queue();
    const first = await post(`/v1/jobs/${id}/pause`);
    expect([first.statusCode, first.json().status]).toEqual([200, "paused"]);
    expect((await post(`/v1/jobs/${id}/pause`)).json()).toEqual(first.json());
    const resumed = await post(`/v1/jobs/${id}/resume`);
    expect([resumed.statusCode, resumed.json().status]).toEqual([200, "queued"]);
    expect((await post(`/v1/jobs/${id}/resume`)).json()).toEqual(resumed.json());
  });

  test("asks the worker of a running job, and there is nothing to resume before it has paused", async () => {
    const { id } = await (await new JobScript(api.parts).queue()).start();
    const response = await post(`/v1/jobs/${id}/pause`);
    expect([response.statusCode, response.json().pause_requested]).toEqual([202, true]);
    const early = await post(`/v1/jobs/${id}/resume`);
    expect([early.statusCode, early.json().detail]).toEqual([409, expect.stringContaining("about to pause")]);
  });

  test("is a 409 for a finished job, and a 404 for one that is not there", async () => {
    const { id } = await (await (await new JobScript(api.parts).queue()).start()).complete();
    for (const call of ["pause", "resume"]) {
      const response = await post(`/v1/jobs/${id}/${call}`);
      expect([response.statusCode, response.json().detail]).toEqual([409, expect.stringContaining("completed")]);
      expect((await post(`/v1/jobs/job_nothing/${call}`)).statusCode).toBe(404);
    }
  });
});

describe("deleting", () => {
  test("removes a finished job and all it stored", async () => {
    const { id } = await (await (await new JobScript(api.parts).queue()).start()).complete();
    await api.parts.store.put(`jobs/${id}/1-1-1.safetensors`, new Uint8Array(8));
    expect((await api.app.inject({ method: "DELETE", url: `/v1/jobs/${id}` })).statusCode).toBe(204);
    for (const path of ["", "/events", "/history", "/model"])
      expect((await api.app.inject(`/v1/jobs/${id}${path}`)).statusCode).toBe(404);
    expect(await api.parts.store.list(`jobs/${id}`)).toEqual([]);
  });

  test("is a 409 for a job that still runs", async () => {
    const { id } = await (await new JobScript(api.parts).queue()).start();
    const response = await api.app.inject({ method: "DELETE", url: `/v1/jobs/${id}` });
    expect(response.statusCode).toBe(409);
    expect(response.json().detail).toContain(`/v1/jobs/${id}/cancel`);
  });
});

describe("the history", () => {
  test("has a column per figure, as long as there are epochs", async () => {
    const job = await (await new JobScript(api.parts).queue()).start();
    await job.train(2, { metrics: { accuracy: 0.5 }, val_loss: 0.7 });
    await job.train(1, { loss: Number.NaN, metrics: { accuracy: 0.6 }, val_loss: 0.8 });
    expect(await get(`/v1/jobs/${job.id}/history`)).toMatchObject({
      job_id: job.id,
      last_seq: 5,
      epoch: [1, 2, 3],
      loss: [1, 0.5, null],
      val_loss: [0.7, 0.7, 0.8],
      metrics: { accuracy: [0.5, 0.5, 0.6] },
      val_metrics: {},
    });
  });

  test("comes as CSV, too", async () => {
    const job = await (await new JobScript(api.parts).queue()).start();
    await job.train(2, { metrics: { accuracy: 0.5 } });
    const response = await api.app.inject(`/v1/jobs/${job.id}/history?format=csv`);
    expect(response.headers["content-type"]).toBe("text/csv; charset=utf-8");
    expect(response.body).toBe(
      "epoch,step,loss,val_loss,lr,samples_per_s,elapsed_ms,metrics.accuracy\n" +
        "1,1,1,,0.1,1000,1,0.5\n2,2,0.5,,0.1,1000,2,0.5\n",
    );
  });
});

test("a job without a checkpoint has no model to download or to ask yet", async () => {
  const { id } = await new JobScript(api.parts).queue();
  const model = await api.app.inject(`/v1/jobs/${id}/model`);
  expect(model.statusCode).toBe(409);
  expect(model.json().detail).toContain("queued");
  expect((await post(`/v1/jobs/${id}/predict`, { inputs: [[1, 2]] })).statusCode).toBe(409);
});
