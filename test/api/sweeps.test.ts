import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { startWorker } from "../../src/workers/start-worker.ts";
import { untilSweep } from "../sweep-fixture.ts";
import { type ApiFixture, smallSpec, startTestApi } from "./api-fixture.ts";

// A worker, its threads and those that predict start here, on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 120_000 });

let api: ApiFixture;
let address: string;
beforeAll(async () => {
  api = await startTestApi();
  address = await api.listen();
});
afterAll(() => api.close());

const sweep = {
  name: "rates",
  base: { ...smallSpec, name: undefined, validation: { split: 0.25 } },
  space: { "optimizer.lr": { log_uniform: [0.001, 0.1] } },
  trials: 3,
};

const json = (method: "GET" | "POST" | "DELETE", url: string, body?: unknown, headers: Record<string, string> = {}) =>
  api.app.inject({
    method,
    url,
    headers: {
      accept: "application/json",
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

const mistakesOf = async (body: unknown) => {
  const response = await json("POST", "/v1/sweeps", body);
  expect(response.statusCode, response.body).toBe(422);
  expect(response.headers["content-type"]).toMatch(/^application\/problem\+json/);
  return response.json().errors;
};

describe("POST /v1/sweeps", () => {
  test("takes a sweep with its defaults, once for an idempotency key", async () => {
    const headers = { "idempotency-key": "once" };
    const response = await json("POST", "/v1/sweeps", sweep, headers);
    expect(response.statusCode, response.body).toBe(202);
    const { id, ...made } = response.json();
    expect(id).toMatch(/^swp_[0-9a-z]{26}$/);
    expect(response.headers.location).toBe(`/v1/sweeps/${id}`);
    expect(made).toMatchObject({
      name: "rates",
      status: "queued",
      spec: {
        strategy: { type: "random" },
        trials: 3,
        parallel: 16,
        objective: { metric: "val_loss", mode: "min" },
        asha: null,
      },
      trials: { drawn: 0 },
      best: null,
      links: { self: `/v1/sweeps/${id}`, jobs: `/v1/jobs?metadata.sweep=${id}` },
    });
    expect((await json("POST", "/v1/sweeps", sweep, headers)).json().id).toBe(id);
    expect((await json("POST", "/v1/sweeps", { ...sweep, trials: 4 }, headers)).statusCode).toBe(409);
    expect((await json("GET", `/v1/sweeps/${id}`)).json()).toMatchObject({ id, leaderboard: [] });
    const list = (await json("GET", "/v1/sweeps?limit=1")).json();
    expect(list.data.map((one: { id: string }) => one.id)).toEqual([id]);
    expect((await json("POST", `/v1/sweeps/${id}/cancel`)).json()).toMatchObject({ status: "cancelled" });
    expect((await json("POST", `/v1/sweeps/${id}/resume`)).statusCode).toBe(409);
    expect((await json("DELETE", `/v1/sweeps/${id}`)).statusCode).toBe(204);
    expect((await json("GET", `/v1/sweeps/${id}`)).statusCode).toBe(404);
  });

  test.each([
    [{ ...sweep, base: undefined }, "base", "is required: a job spec"],
    [{ ...sweep, spaces: {} }, "spaces", 'unknown field "spaces"; did you mean "space"?'],
    [{ ...sweep, trials: 0 }, "trials", "expects at least 1, got 0"],
    [{ ...sweep, strategy: "bayes" }, "strategy", /expects .*"tpe"/],
    [{ ...sweep, strategy: "grid" }, 'space["optimizer.lr"]', /add "steps"/],
    [{ ...sweep, objective: { metric: "val_acuracy" } }, "objective.metric", /did you mean "val_accuracy"/],
    [{ ...sweep, asha: { min_epochs: 3 } }, "asha.min_epochs", "expects less than the 3 epochs of base, got 3"],
    [{ ...sweep, asha: {}, space: { epochs: { int: [2, 4] } } }, "space.epochs", /asha decides/],
    [{ ...sweep, space: { "model.layers[7].p": { choice: [1] } } }, 'space["model.layers[7].p"]', /has 3 entries/],
    [
      { ...sweep, space: { "optimizer.lrr": { choice: [1] } } },
      'space["optimizer.lrr"]',
      /unknown field "lrr"; did you mean "lr"\?/,
    ],
    [{ ...sweep, base: { ...sweep.base, loss: "CrossEntropy" } }, "base.loss", /did you mean "CrossEntropyLoss"/],
    [
      {
        ...sweep,
        space: {
          "optimizer.betas": {
            choice: [
              [0.9, 0.99],
              [2, 0.99],
            ],
          },
        },
      },
      'space["optimizer.betas"].choice[1][0]',
      /where optimizer.betas = option 2/,
    ],
    [
      { ...sweep, space: { "model.layers": { choice: [[{ type: "Linear", out_features: { int: [0, 4] } }]] } } },
      'space["model.layers"].choice[0][0].out_features',
      /at least 1/,
    ],
    [{ ...sweep, base: { ...sweep.base, metadata: { trial: "a" } } }, "base.metadata.trial", /the sweep itself/],
  ])("tells the mistake in %j", async (body, path, message) => {
    const errors = await mistakesOf(body);
    expect(errors).toContainEqual({
      path,
      message: typeof message === "string" ? message : expect.stringMatching(message),
    });
  });

  test("knows no sweep that there is not", async () => {
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/trials"],
      ["GET", "/events"],
      ["GET", "/model"],
      ["POST", "/predict"],
      ["POST", "/cancel"],
      ["POST", "/pause"],
      ["POST", "/resume"],
      ["DELETE", ""],
    ] as const) {
      const response = await json(method, `/v1/sweeps/swp_nothing${path}`);
      expect(response.statusCode, `${method} ${path}`).toBe(404);
      expect(response.json().detail).toMatch(/no sweep "swp_nothing"/);
    }
  });
});

test("a sweep's life over HTTP: events, leaderboard, trials, and the best model under it", async () => {
  const { id } = (await json("POST", "/v1/sweeps", sweep)).json();
  expect((await json("GET", `/v1/sweeps/${id}/model`)).statusCode).toBe(409);
  const worker = await startWorker(api.config, { url: api.broker.url, logger: pino({ level: "silent" }) });
  try {
    const stream = await (await fetch(`${address}/v1/sweeps/${id}/events`)).text();
    await untilSweep(api.parts, id, "completed");
    const ids = [...stream.matchAll(/^id: (\d+)$/gm)].map(([, seq]) => Number(seq));
    expect(ids).toEqual(ids.map((_, i) => i + 1));
    expect(stream).toMatch(/event: completed\ndata: .*\n\n$/);
    const again = await fetch(`${address}/v1/sweeps/${id}/events`, {
      headers: { "last-event-id": String(ids.at(-1)) },
    });
    expect(again.status).toBe(204);
    const page = (await json("GET", `/v1/sweeps/${id}/events?after=1&limit=2`)).json();
    expect(page.data.map(({ seq }: { seq: number }) => seq)).toEqual([2, 3]);

    const found = (await json("GET", `/v1/sweeps/${id}?limit=2`)).json();
    expect(found).toMatchObject({
      status: "completed",
      last_seq: ids.length,
      trials: { completed: 3 },
      leaderboard: [{ number: found.best.number }, {}],
    });
    const trials = (await json("GET", `/v1/sweeps/${id}/trials?limit=2`)).json();
    expect(trials.data.map(({ number }: { number: number }) => number)).toEqual([0, 1]);
    const rest = (await json("GET", `/v1/sweeps/${id}/trials?cursor=${trials.next_cursor}`)).json();
    expect(rest).toMatchObject({ data: [{ number: 2 }], next_cursor: null });
    const last = (await json("GET", `/v1/sweeps/${id}/trials?limit=2&cursor=1`)).json();
    expect(last).toMatchObject({ data: [{ number: 1 }, { number: 2 }], next_cursor: null });
    const behind = (await json("GET", `/v1/sweeps/${id}/trials?cursor=3`)).json();
    expect(behind).toEqual({ data: [], next_cursor: null });
    const jobs = (await json("GET", found.links.jobs)).json();
    expect(jobs.data).toHaveLength(3);

    // Node's fetch follows, as curl -L does.
    const model = await (await fetch(`${address}/v1/sweeps/${id}/model?format=json&checkpoint=best`)).json();
    expect(model).toMatchObject({ job_id: found.best.job_id, checkpoint: { which: "best" } });
    const body = JSON.stringify({ inputs: [[0.1, 0.2]] });
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${address}/v1/sweeps/${id}/predict`, { method: "POST", body, headers });
    expect((await answer.json()).outputs).toHaveLength(1);
    expect((await json("DELETE", `/v1/sweeps/${id}`)).statusCode).toBe(204);
    expect((await json("GET", `/v1/jobs/${found.best.job_id}`)).statusCode).toBe(404);
  } finally {
    await worker.close();
  }
});

test("a key sees its own sweeps alone, its trials are its own, and no data set of another", async () => {
  const guarded = await startTestApi({ keysRequired: true });
  const worker = await startWorker(guarded.config, { url: guarded.broker.url, logger: pino({ level: "silent" }) });
  try {
    const [mine, other] = await Promise.all(["mine", "other"].map((name) => guarded.parts.keys.create(name)));
    const as = (key: typeof mine, method: "GET" | "POST" | "DELETE", url: string, body?: object) =>
      guarded.app.inject({
        method,
        url,
        headers: { authorization: `Bearer ${key?.secret}`, ...(body && { "content-type": "application/json" }) },
        ...(body && { body: JSON.stringify(body) }),
      });
    const { id } = (await as(mine, "POST", "/v1/sweeps", { ...sweep, trials: 2 })).json();
    await untilSweep(guarded.parts, id, "completed");
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/trials"],
      ["GET", "/events"],
      ["GET", "/model"],
      ["POST", "/cancel"],
      ["DELETE", ""],
    ] as const) {
      const response = await as(other, method, `/v1/sweeps/${id}${path}`);
      expect([response.statusCode, response.json().detail]).toEqual([404, expect.stringMatching(/no sweep/)]);
    }
    expect((await as(other, "GET", "/v1/sweeps")).json().data).toEqual([]);
    expect((await as(other, "GET", "/v1/jobs")).json().data).toEqual([]);
    expect((await as(mine, "GET", "/v1/sweeps")).json().data).toHaveLength(1);
    expect((await as(mine, "GET", "/v1/jobs")).json().data).toHaveLength(2);
    expect((await guarded.app.inject(`/v1/sweeps/${id}`)).statusCode).toBe(401);

    const upload = await guarded.app.inject({
      method: "POST",
      url: "/v1/datasets",
      headers: { authorization: `Bearer ${mine?.secret}`, "content-type": "text/csv" },
      body: "x,y\n1,0\n2,1\n3,0\n4,1\n",
    });
    const base = { ...sweep.base, data: { dataset_id: upload.json().id, target: "y" }, validation: null };
    const response = await as(other, "POST", "/v1/sweeps", { ...sweep, base });
    expect(response.statusCode).toBe(422);
    expect(response.json().errors[0].path).toBe("base.data.dataset_id");
  } finally {
    await worker.close();
    await guarded.close();
  }
});
