/** The Python client, by the Python of this machine over a real service. Skipped where there is none. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FILE_TYPES } from "../../../src/client/file-type.ts";
import { breakableWay, listen, startServiceForClients } from "../../client/service-of-the-tests.ts";
import { hasPython, python } from "../../python.ts";

const CLIENT = fileURLToPath(new URL("../../../clients/python", import.meta.url));
const IRIS = fileURLToPath(new URL("../../../examples/data/iris.csv", import.meta.url));
const execute = promisify(execFile);

const SPEC = `
spec = {
    "model": {"layers": [{"type": "Linear", "out_features": 3}]},
    "loss": "CrossEntropyLoss",
    "optimizer": {"type": "Adam", "lr": 0.05},
    "epochs": 60,
    "data": {"builtin": "iris"},
}
`;

describe.skipIf(!hasPython())("the Python client", () => {
  let service: Awaited<ReturnType<typeof startServiceForClients>>;
  let folder: string;
  beforeAll(async () => {
    service = await startServiceForClients();
    folder = await mkdtemp(join(tmpdir(), "epochd-python-"));
  });
  afterAll(async () => {
    await service?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** The program prints one line of JSON. */
  const run = async (program: string, env: Record<string, string> = {}) => {
    const lines = ["import json", "from epochd import *", "client = Client()", SPEC, program];
    const { stdout } = await execute(python, ["-W", "error", "-c", lines.join("\n")], {
      cwd: folder,
      env: { ...process.env, PYTHONPATH: CLIENT, PYTHONDONTWRITEBYTECODE: "1", EPOCHD_URL: service.url, ...env },
    });
    return JSON.parse(stdout);
  };

  test("takes what NumPy and others give as rows, whatever has a tolist()", async () => {
    const said = await run(`
class Array:
    def __init__(self, values):
        self.values = values
    def tolist(self):
        return self.values

run = client.train(spec)
run.completed()
rows = [[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]]
try:
    run.predict([[object()]])
except TypeError as error:
    refused = str(error)
said = {
    "same": run.predict(Array(rows)) == run.predict(rows) == run.predict([[Array(value) for value in row] for row in rows]),
    "lines": list(run.predict_all(Array(row) for row in rows)) == list(run.predict_all(rows)),
    "refused": refused,
}
run.delete()
print(json.dumps(said))`);
    expect(said).toEqual({ same: true, lines: true, refused: "Object of type object is not JSON serializable" });
  });

  test("says at once of an address that it is none", async () => {
    const said = await run(`
try:
    Client("localhost:3000")
except ValueError as error:
    print(json.dumps(str(error)))`);
    expect(said).toBe("url expects an address such as 'http://127.0.0.1:3000', got 'localhost:3000'");
  });

  test("uploads, trains, listens, asks, downloads, cleans up", async () => {
    const said = await run(`
data = client.upload(${JSON.stringify(IRIS)})
spec["data"] = {"dataset_id": data["id"], "target": data["columns"][-1]["name"]}
report = client.validate(spec)
run = client.train(spec)
events = list(run.events())
job = run.completed()
rows = [[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]]
answer = run.predict(rows, checkpoint="best")
lines = list(run.predict_all(rows[i % 2] for i in range(2500)))
model = run.model()
listed = [one["id"] for one in client.jobs(status="completed", limit=1)]
losses = run.history()["loss"]
run.delete()
client.delete_dataset(data["id"])
print(json.dumps({
    "name": data["name"],
    "valid": report["valid"],
    "seqs": [event["seq"] for event in events],
    "last": events[-1]["event"],
    "losses": [event["loss"] for event in events if event["event"] == "epoch"] == losses,
    "status": job["status"],
    "labels": answer["labels"],
    "lines": [line["label"] for line in lines] == answer["labels"] * 1250,
    "model": model[8:9].decode(),
    "listed": run.id in listed,
    "left": [one["id"] for one in client.jobs()] + [one["id"] for one in client.datasets()],
}))
`);
    expect(said).toMatchObject({
      name: "iris.csv",
      valid: true,
      last: "completed",
      losses: true,
      status: "completed",
      lines: true,
      model: "{",
      listed: true,
      left: [],
    });
    expect(said.seqs).toEqual(said.seqs.map((_: number, i: number) => i + 1));
    expect(new Set(said.labels).size).toBe(2);
  });

  test("brings weights along to start from, and layers that PyTorch prints or Keras writes", async () => {
    const said = await run(`
first = client.train(spec)
first.completed()
weights = client.import_model(first.model(), name="mine")
with open("weights.safetensors", "wb") as file:
    file.write(first.model())
again = client.import_model("weights.safetensors")
spec["model"]["init"] = {"model_id": weights["id"]}
job = client.train(spec).completed()
printed = client.import_layers("Sequential(\\n  (0): Linear(in_features=4, out_features=3, bias=True)\\n)")
keras = client.import_layers(json.dumps({"class_name": "Sequential", "config": {"layers": [
    {"class_name": "Dense", "config": {"units": 3, "activation": "linear"}}]}}))
print(json.dumps({
    "names": [weights["name"], again["name"]],
    "same": weights["sha256"] == again["sha256"],
    "status": job["status"],
    "formats": [printed["format"], keras["format"]],
    "layers": [one["model"]["layers"][0]["type"] for one in (printed, keras)],
}))
`);
    expect(said).toEqual({
      names: ["mine", "weights.safetensors"],
      same: true,
      status: "completed",
      formats: ["pytorch", "keras"],
      layers: ["Linear", "Linear"],
    });
  });

  test("hears every event once and in order over connections that break", async () => {
    const way = await breakableWay(service.url);
    way.breakAfter = (connection) => (connection <= 2 ? 20 : 300 + connection * 400);
    const said = await run(
      `
run = Client("${service.url}").train(spec)
over = Client().run(run.id)
print(json.dumps({"same": list(over.events()) == list(run.events()), "behind": next(run.events(after=4))["seq"]}))
`,
      { EPOCHD_URL: way.url },
    );
    expect(said).toEqual({ same: true, behind: 5 });
    expect(way.connections).toBeGreaterThan(5);
    way.close();
  });

  test("does not count a break that was mended against the next one", async () => {
    let connections = 0;
    const pinging = createServer((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      if (++connections > 60) response.end('event: completed\ndata: {"seq":1}\n\n');
      else response.write(": ping\n\n", () => response.destroy());
    });
    const url = await listen(pinging);
    const said = await run(
      `
import epochd
class Clock:
    now = 0.0
    def monotonic(self): return self.now
    def sleep(self, seconds): self.now += seconds
epochd.time = Clock()
print(json.dumps([[event["event"] for event in client.run("job_x").events()], epochd.time.now > 300]))
`,
      { EPOCHD_URL: url },
    );
    expect(said).toEqual([["completed"], true]);
    pinging.close();
  });

  test("makes a job once although its answer is lost", async () => {
    const way = await breakableWay(service.url);
    way.breakAfter = (connection) => (connection <= 2 ? 20 : undefined);
    const said = await run(
      `
run = client.train({**spec, "metadata": {"answer": "lost"}})
print(json.dumps([run.id] == [job["id"] for job in client.jobs(answer="lost")]))
`,
      { EPOCHD_URL: way.url },
    );
    expect(said).toBe(true);
    way.close();
  });

  test("steers a run, and says how it ended", async () => {
    const said = await run(`
run = client.train({**spec, "epochs": 1000000})
types = []
for event in run.events():
    if event["event"] not in types:
        types.append(event["event"])
        if event["event"] == "epoch": run.change({"lr": 0.001})
        if event["event"] == "changed": run.pause()
        if event["event"] == "paused": run.resume()
        if event["event"] == "resumed": run.cancel()
try:
    run.completed()
except JobEndedError as error:
    print(json.dumps([types[-1], error.job["status"], str(error) == f"Job {run.id} was cancelled."]))
`);
    expect(said).toEqual(["cancelled", "cancelled", true]);
  });

  test("knows the endings of data's files that the other client knows", async () => {
    expect(await run("import epochd; print(json.dumps(epochd._TYPES))")).toEqual(FILE_TYPES);
  });

  test("sweeps, and takes the best", async () => {
    const said = await run(`
search = client.sweep({
    "base": {**spec, "epochs": 2},
    "space": {"optimizer.lr": {"log_uniform": [0.001, 0.1]}},
    "objective": {"metric": "loss"},
    "trials": 2,
})
ended = search.ended()
best = search.best()
print(json.dumps([ended["status"], best.id == ended["best"]["job_id"], len(list(search.trials())), len(best.predict([[5.1, 3.5, 1.4, 0.2]])["outputs"])]))
`);
    expect(said).toEqual(["completed", true, 2, 1]);
  });

  test("raises what is wrong, each kind as its own", async () => {
    const said = await run(`
def caught(make):
    try:
        return make()
    except EpochdError as error:
        return [type(error).__name__, getattr(error, "problem", None), len(getattr(error, "errors", []))]
def wrong_line():
    run = client.train({**spec, "epochs": 1})
    run.completed()
    try:
        list(run.predict_all([1, 2] if i == 1700 else [1, 2, 3, 4] for i in range(1, 2001)))
    except ProblemError as error:
        return error.errors[0]["path"]
print(json.dumps([
    caught(lambda: client.train({**spec, "epochs": 0, "optimizer": {"type": "SGD", "lr": -1}})),
    caught(lambda: list(client.run("job_x").events())),
    caught(lambda: Client("http://127.0.0.1:9").upload(b"a\\n1\\n")),
    wrong_line(),
]))
`);
    expect(said).toEqual([
      ["ProblemError", "invalid-spec", 2],
      ["ProblemError", "not-found", 0],
      ["UnreachableError", null, 0],
      "line 1700",
    ]);
  });
});
