/** The TypeScript client, over a real service: what it promises, and that it keeps to the contract. */
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  Epochd,
  JobEndedError,
  type JobEvent,
  type JobSpec,
  ProblemError,
  UnreachableError,
} from "../../src/client/index.ts";
import { decodeSafetensors } from "../../src/engine/index.ts";
import { npy } from "../data/arrays/arrays-of-the-tests.ts";
import { type CheckedFetch, checkedFetch } from "./contract-check.ts";
import { breakableWay, startServiceForClients } from "./service-of-the-tests.ts";

let service: Awaited<ReturnType<typeof startServiceForClients>>;
let checked: CheckedFetch;
let client: Epochd;

beforeAll(async () => {
  service = await startServiceForClients();
  checked = await checkedFetch(service.url);
  client = new Epochd({ url: service.url, fetch: checked.fetch });
});
afterAll(() => service.close());

const iris = {
  name: "iris",
  metadata: { team: "a" },
  model: { layers: [{ type: "Linear", out_features: 3 }] },
  loss: "CrossEntropyLoss",
  optimizer: { type: "Adam", lr: 0.05 },
  epochs: 8,
  data: { builtin: "iris" },
  metrics: ["accuracy"],
} satisfies JobSpec;

/** Trains until it is told to stop. */
const endless = { ...iris, name: "endless", epochs: 1_000_000 } satisfies JobSpec;

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
const seqs = (events: readonly { seq: number }[]) => events.map(({ seq }) => seq);
const oneToN = (events: readonly unknown[]) => events.map((_, i) => i + 1);

test("a job from its spec to its predictions", async () => {
  const run = await client.train(iris);
  const losses: (number | null)[] = [];
  const events: JobEvent[] = [];
  for await (const event of run.events()) {
    events.push(event);
    if (event.event === "epoch") losses.push(event.loss);
  }
  expect(seqs(events)).toEqual(oneToN(events));
  expect(losses).toHaveLength(8);
  expect(events.at(-1)?.event).toBe("completed");

  const job = await run.completed();
  expect([job.id, job.status, job.name]).toEqual([run.id, "completed", "iris"]);
  expect((await run.history()).loss).toEqual(losses);
  const rows = [
    [5.1, 3.5, 1.4, 0.2],
    [6.3, 3.3, 6, 2.5],
  ];
  const { outputs, labels, classes, probabilities } = await run.predict(rows, { checkpoint: "best" });
  expect([outputs.length, labels?.length, probabilities?.length]).toEqual([2, 2, 2]);
  for (const label of labels ?? []) expect(classes).toContain(label);

  const { tensors } = decodeSafetensors(new Uint8Array(await (await run.model()).arrayBuffer()));
  expect([...tensors.keys()]).toEqual(["0.weight", "0.bias"]);
  expect(JSON.parse(await (await run.model({ format: "json" })).text()).job_id).toBe(run.id);
  expect((await run.spec()).epochs).toBe(8);
});

test("events behind one that is known, and nothing where all of them are", async () => {
  const run = await client.train(iris);
  const events = await all(run.events());
  expect(await all(run.events({ after: 4 }))).toEqual(events.slice(4));
  expect(await all(run.events({ after: events.length }))).toEqual([]);
});

test("many rows are answered in order, however many there are", async () => {
  const run = await client.train(iris);
  await run.completed();
  async function* rows() {
    for (let i = 0; i < 2500; i++) yield [5 + (i % 7) / 10, 3, 1 + (i % 5), 0.2];
  }
  const lines = await all(run.predictAll(rows()));
  const { outputs, labels } = await run.predict(await all(rows()));
  expect(lines.map(({ output }) => output)).toEqual(outputs);
  expect(lines.map(({ label }) => label)).toEqual(labels);
  const row = [1, 2, 3, 4];
  for (const at of [2, 1001, 1700]) {
    const withMistake = Array.from({ length: 2000 }, (_, i) => (i === at - 1 ? ["one", 2, 3, 4] : row));
    await expect(all(run.predictAll(withMistake))).rejects.toThrow(`line ${at}[0]: `);
  }
  const behindHeader = run.predictAll([row, [1, 2]], { firstLine: 2 });
  await expect(all(behindHeader)).rejects.toMatchObject({ errors: [{ path: "line 3" }] });
});

test("an uploaded file, from bytes, text and blobs", async () => {
  const csv = `a,b,y\n${Array.from({ length: 30 }, (_, i) => `${i},${i % 4},${i % 2 ? "odd" : "even"}`).join("\n")}\n`;
  const ndjson = '{"a":1}\n{"a":2}\n';
  const asBlob = (parts: BlobPart[], type = "") => new Blob(parts, { type });
  expect(await client.upload(new File([ndjson], "two.ndjson"))).toMatchObject({ rows: 2, name: "two.ndjson" });
  await expect(client.upload(asBlob([csv]))).rejects.toMatchObject({ problem: "invalid-dataset" });
  for (const [data, name, rows] of [
    [asBlob([ndjson]), "two.ndjson", 2],
    [asBlob([ndjson], "text/csv"), "two.jsonl", 2],
    [asBlob([gzipSync(ndjson)]), "two.ndjson.gz", 2],
    [asBlob([ndjson], "application/x-ndjson"), "two", 2],
    [asBlob([new Uint8Array(npy("<f4", [8, 2], new Float32Array(16)))]), "images", 8],
    [new TextEncoder().encode(csv), "parity.csv", 30],
    [asBlob([csv], "text/csv"), "parity", 30],
    [csv, "parity", 30],
  ] as const) {
    const dataset = await client.upload(data, { name });
    expect([dataset.rows, dataset.name]).toEqual([rows, name]);
  }
  const [newest] = await all(client.datasets());
  if (!newest) throw new Error("There is no data set.");
  expect(await client.dataset(newest.id)).toEqual(newest);
  const run = await client.train({
    ...iris,
    model: { layers: [{ type: "Linear", out_features: 2 }] },
    data: { dataset_id: newest.id, target: "y" },
  });
  await run.completed();
  expect((await run.predict([{ a: 1, b: 2 }])).classes).toEqual(["even", "odd"]);
  await run.delete();
  await client.deleteDataset(newest.id);
  await expect(client.dataset(newest.id)).rejects.toMatchObject({ problem: "not-found", status: 404 });
});

test("a run is steered: paused, resumed, changed, cancelled", async () => {
  const run = await client.train(endless);
  const asked = new Set<string>();
  const once = (what: string, ask: () => Promise<unknown>) => {
    if (asked.has(what)) return;
    asked.add(what);
    return ask();
  };
  const types = new Set<string>();
  for await (const event of run.events()) {
    types.add(event.event);
    if (event.event === "epoch") await once("change", () => run.change({ lr: 0.001 }));
    if (event.event === "changed") await once("pause", () => run.pause());
    if (event.event === "paused") await once("resume", () => run.resume());
    if (event.event === "resumed") await once("cancel", () => run.cancel());
  }
  expect([...types]).toEqual(expect.arrayContaining(["changed", "paused", "resumed", "cancelled"]));
  const failure = await run.completed().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(JobEndedError);
  expect(failure).toMatchObject({ job: { status: "cancelled" }, message: `Job ${run.id} was cancelled.` });
});

test("jobs are listed, by what they are", async () => {
  const metadata = { team: crypto.randomUUID() };
  const mine = await Promise.all([1, 2, 3].map(() => client.train({ ...iris, metadata })));
  const ids = (await all(client.jobs({ metadata }))).map(({ id }) => id);
  expect(ids.sort()).toEqual(mine.map(({ id }) => id).sort());
  const asked: string[] = [];
  const counting = new Epochd({
    url: service.url,
    fetch: (input, init) => {
      asked.push(String(input));
      return checked.fetch(input, init);
    },
  });
  for (const limit of [0, 2, 120]) {
    const listed = await all(counting.jobs({ metadata }, { limit }));
    expect(listed).toHaveLength(Math.min(limit, mine.length));
  }
  expect(asked.map((url) => new URL(url).searchParams.get("limit"))).toEqual(["2", "100"]);
  await Promise.all(mine.map((run) => run.completed()));
  expect((await all(client.jobs({ status: "queued" }))).map(({ id }) => id)).toEqual([]);
});

test("a sweep, from its spec to the model that it found", async () => {
  const { metadata: _, ...base } = iris;
  const search = await client.sweep({
    base: { ...base, epochs: 2 },
    space: { "optimizer.lr": { log_uniform: [0.001, 0.1] } },
    objective: { metric: "loss" },
    trials: 3,
  });
  const events = await all(search.events());
  expect(seqs(events)).toEqual(oneToN(events));
  expect(events.at(-1)?.event).toBe("completed");
  const { best, leaderboard } = await search.ended();
  expect(leaderboard[0]).toEqual(best);
  expect((await all(search.trials())).map(({ number }) => number)).toEqual([0, 1, 2]);
  const run = await search.best();
  expect(run?.id).toBe(best?.job_id);
  expect((await run?.predict([[5.1, 3.5, 1.4, 0.2]]))?.outputs).toHaveLength(1);
  expect((await all(client.sweeps())).map(({ id }) => id)).toContain(search.id);
  await search.delete();
  await expect(search.sweep()).rejects.toMatchObject({ problem: "not-found" });
});

test("a model that is brought along is one to start from", async () => {
  const first = await client.train(iris);
  await first.completed();
  const { id } = await client.importModel(await first.model(), { name: "mine" });
  const next = await client.train({ ...iris, model: { ...iris.model, init: { model_id: id } } });
  await next.completed();
});

test("layers that PyTorch prints or Keras writes are layers to train", async () => {
  const printed = await client.importLayers(
    "Sequential(\n  (0): Linear(in_features=4, out_features=3, bias=True)\n)\n",
  );
  expect(printed).toMatchObject({ format: "pytorch", model: { layers: [{ type: "Linear", out_features: 3 }] } });
  const dense = { class_name: "Dense", config: { units: 3, activation: "linear" } };
  const keras = { class_name: "Sequential", config: { layers: [dense] } };
  expect(await client.importLayers(JSON.stringify(keras))).toMatchObject({
    format: "keras",
    model: { layers: [{ type: "Linear", out_features: 3 }] },
  });
  await expect(client.importLayers("Sequential(\n  (0): Magic()\n)")).rejects.toMatchObject({ status: 422 });
  expect((await client.validate({ ...iris, model: printed.model })).valid).toBe(true);
});

test("what the service offers and how it is", async () => {
  expect((await client.health()).status).toBe("ok");
  expect((await client.catalog()).layers.map(({ type }) => type)).toContain("Linear");
  expect((await client.workers()).data).toHaveLength(1);
  expect((await client.devices()).data.map(({ device }) => device)).toContain("cpu");
});

describe("what goes wrong has a class", () => {
  test("a refused spec: every mistake, as a ProblemError", async () => {
    const { valid, errors } = await client.validate({ ...iris, epochs: 0, optimizer: { type: "SGD", lr: -1 } });
    expect(valid).toBe(false);
    const refused = await client
      .train({ ...iris, epochs: 0, optimizer: { type: "SGD", lr: -1 } })
      .catch((error: unknown) => error);
    if (!(refused instanceof ProblemError)) throw new Error(`It was not refused: ${refused}`);
    expect([refused.problem, refused.status]).toEqual(["invalid-spec", 422]);
    expect(refused.errors).toEqual(errors);
    expect(refused.message).toContain("\n  optimizer.lr: ");
    expect(refused.requestId).toMatch(/^req_/);
  });

  test("an address that is none: TypeError, at once", () => {
    expect(() => new Epochd({ url: "localhost:3000" })).toThrow(
      new TypeError('url expects an address such as "http://127.0.0.1:3000", got "localhost:3000"'),
    );
  });

  test("a service that is not there: UnreachableError", async () => {
    const nobody = new Epochd({ url: "http://127.0.0.1:9" });
    await expect(nobody.upload("a\n1\n")).rejects.toBeInstanceOf(UnreachableError);
  });

  test.each([
    ["text/html", "<h1>Forbidden</h1>"],
    ["application/json", '{ "detail": "cut o'],
    ["application/json", "null"],
  ])("something else than the service, as %s: its words", async (type, body) => {
    const answer = () => new Response(body, { status: 403, headers: { "content-type": type } });
    const failure = await new Epochd({ fetch: async () => answer() }).health().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ProblemError);
    expect(failure).toMatchObject({ status: 403, detail: body });
  });
});

describe("signals end what is under way", () => {
  test.each(["of the call", "of the client"])("one %s, with its own reason", async (whose) => {
    const run = await client.train(endless);
    const stop = new AbortController();
    const own = new Epochd({ url: service.url, ...(whose === "of the client" && { signal: stop.signal }) });
    const following = own.run(run.id).events(whose === "of the call" ? { signal: stop.signal } : {});
    const heard: JobEvent[] = [];
    const ended = (async () => {
      for await (const event of following) {
        heard.push(event);
        if (event.event === "epoch") stop.abort(new Error("enough"));
      }
    })();
    await expect(ended).rejects.toThrow("enough");
    expect(heard.some(({ event }) => event === "epoch")).toBe(true);
    await run.cancel();
    await expect(run.completed()).rejects.toBeInstanceOf(JobEndedError);
  });

  test("who leaves the loop closes the connection", async () => {
    const run = await client.train(endless);
    for await (const event of run.events()) if (event.event === "epoch") break;
    await expect.poll(async () => (await fetch(`${service.url}/metrics`)).text()).toMatch(/^epochd_sse_clients 0$/m);
    await run.cancel();
  });
});

describe("over connections that break", () => {
  test("every event comes once, in order", async () => {
    const way = await breakableWay(service.url);
    way.breakAfter = (connection) => 300 + connection * 400;
    const broken: unknown[] = [];
    const run = await client.train({ ...iris, epochs: 60 });
    const over = new Epochd({ url: way.url }).run(run.id);
    const events = await all(over.events({ onBreak: (error) => void broken.push(error) }));
    expect(events).toEqual(await all(run.events()));
    expect(way.connections).toBeGreaterThan(5);
    expect(broken.length).toBe(way.connections - 1);
    way.close();
  });

  test("a job whose answer is lost is made once", async () => {
    const way = await breakableWay(service.url);
    way.breakAfter = (connection) => (connection <= 2 ? 20 : undefined);
    const metadata = { answer: crypto.randomUUID() };
    const run = await new Epochd({ url: way.url }).train({ ...iris, metadata });
    expect((await all(client.jobs({ metadata }))).map(({ id }) => id)).toEqual([run.id]);
    expect(way.connections).toBe(3);
    way.close();
  });

  test("patience has an end", async () => {
    const way = await breakableWay(service.url);
    way.breakAfter = () => 0;
    const lost = all(new Epochd({ url: way.url }).run("job_x").events({ patienceMs: 100 }));
    await expect(lost).rejects.toBeInstanceOf(UnreachableError);
    way.close();
  });
});

test("with a key, where keys are asked for", async () => {
  const closed = await startServiceForClients({ keysRequired: true });
  const { secret } = await closed.api.parts.keys.create("mine");
  const run = await new Epochd({ url: closed.url, key: secret }).train(iris);
  await run.completed();
  const stranger = new Epochd({ url: closed.url });
  await expect(stranger.run(run.id).job()).rejects.toMatchObject({ problem: "unauthorized" });
  await expect(all(stranger.run(run.id).events())).rejects.toBeInstanceOf(ProblemError);
  await closed.close();
});

/** Runs last: all that was asked above. */
test("all of it was as the served contract says", () => {
  expect(checked.breaches).toEqual([]);
  expect(checked.operations.size).toBeGreaterThan(18);
});
