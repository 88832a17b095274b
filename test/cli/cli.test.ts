/** `epochd …` in a terminal, over a real service. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import { Epochd } from "../../src/client/index.ts";
import { decodeSafetensors } from "../../src/engine/index.ts";
import { startServiceForClients } from "../client/service-of-the-tests.ts";
import { screenOf } from "./screen-of.ts";

const CLI = fileURLToPath(new URL("../../bin/launch.mjs", import.meta.url));
const EXAMPLES = fileURLToPath(new URL("../../examples", import.meta.url));
const VOTES = join(EXAMPLES, "specs/votes.json");
const CSV = join(EXAMPLES, "data/house_votes_84.csv");
const hasScript = spawnSync("script", ["--version"]).status === 0;

let service: Awaited<ReturnType<typeof startServiceForClients>>;
let client: Epochd;
let folder: string;
beforeAll(async () => {
  service = await startServiceForClients();
  client = new Epochd({ url: service.url });
  folder = await mkdtemp(join(tmpdir(), "epochd-cli-"));
});
afterAll(async () => {
  await service?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[], env: Record<string, string> = {}) {
  const { FORCE_COLOR: _f, NO_COLOR: _n, ...inherited } = process.env;
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: folder,
    env: { ...inherited, EPOCHD_URL: service.url, ...env },
  });
  return { child, ...following(child) };
}

function following(child: ChildProcess) {
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name]?.setEncoding("utf8").on("data", (chunk: string) => {
      text[name] += chunk;
    });
  const ended = new Promise<Ended>((resolve) => child.once("close", (status) => resolve({ status, ...text })));
  const until = (pattern: RegExp) =>
    vi.waitFor(() => expect(stripVTControlCharacters(text.stdout)).toMatch(pattern), { timeout: 60_000, interval: 20 });
  return { text, ended, until };
}

const epochd = (...args: string[]): Promise<Ended> => start(args).ended;
const ask = async (input: string, ...args: string[]): Promise<Ended> => {
  const { child, ended } = start(args);
  child.stdin?.end(input);
  return ended;
};
const linesOf = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

/** Trains until someone ends it, a few epochs a second. */
const endless = () =>
  client.train({
    model: {
      layers: [{ type: "Linear", out_features: 256 }, { type: "ReLU" }, { type: "Linear", out_features: 1 }],
    },
    loss: "MSELoss",
    optimizer: { type: "SGD", lr: 1e-3 },
    epochs: 1_000_000,
    batch_size: 16,
    data: { builtin: "sine", samples: 10_000 },
  });

test("train uploads, draws, tells the end, and keeps the model", async () => {
  const { status, stdout, stderr } = await epochd(
    "train",
    VOTES,
    "--data",
    CSV,
    "--epochs",
    "5",
    "--output",
    "votes.safetensors",
  );
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(
    /^ {2}Job +job_\w+\n {2}Data +house_votes_84\.csv {2}435 rows\n {2}Model +Linear, Sigmoid {2}17 parameters$/m,
  );
  expect(stdout.match(/^ {2}epoch \d\/5 {2}loss \d\.\d{4} {2}accuracy \d\.\d{3}$/gm)).toHaveLength(5);
  expect(stdout).toMatch(/── loss {3}╌╌ validation loss/);
  expect(stdout).toMatch(/✔ Completed after 5 epochs, best val_loss \d\.\d{4} in epoch \d\./);
  const { tensors } = decodeSafetensors(await readFile(join(folder, "votes.safetensors")));
  expect([...tensors.keys()]).toEqual(["0.weight", "0.bias"]);
});

test("a job is looked at, asked and downloaded", async () => {
  const { stdout: events } = await epochd("train", VOTES, "--data", CSV, "--epochs", "30", "--name", "mine", "--json");
  const heard = linesOf(events);
  expect(heard.map(({ seq }) => seq)).toEqual(heard.map((_, i) => i + 1));
  expect(heard.at(-1).event).toBe("completed");
  const id = heard[0].job_id;

  expect((await epochd("events", id, "--after", "3")).stdout).toBe(events.split("\n").slice(3).join("\n"));
  expect((await epochd("jobs", "--limit", "1")).stdout).toMatch(
    new RegExp(`^${id} {2}completed +30/30 +\\d\\.\\d{4} {2}mine\n$`),
  );
  expect(JSON.parse((await epochd("show", id)).stdout).status).toBe("completed");
  expect((await epochd("watch", id)).stdout).toMatch(/✔ Completed after 30 epochs/);

  const byCsv = linesOf((await epochd("predict", id, CSV)).stdout);
  expect(byCsv).toHaveLength(435);
  const row = JSON.stringify(["n", "y", "n", "y", "y", "y", "n", "n", "n", "y", "", "y", "y", "y", "n", "y"]);
  const byLine = linesOf((await ask(`${row}\n${row}\n`, "predict", id, "--checkpoint", "best")).stdout);
  expect(byLine.map(({ label }) => label)).toEqual(["republican", "republican"]);
  await writeFile(join(folder, "rows.json"), `{ "inputs": [${row}] }`);
  expect(linesOf((await epochd("predict", id, "rows.json")).stdout)).toHaveLength(1);

  expect((await epochd("download", id)).stdout).toBe(`${id}.safetensors\n`);
  expect(JSON.parse((await epochd("download", id, "--format", "json", "--output", "-")).stdout).job_id).toBe(id);
  expect((await epochd("delete", id)).status).toBe(0);
  expect(await epochd("show", id)).toMatchObject({ status: 1, stderr: expect.stringContaining("There is no job") });
});

describe("rows to predict", () => {
  let id: string;
  beforeAll(async () => {
    await writeFile(join(folder, "train.csv"), "a,b,note,w,y\n1,2,x,1,0\n3,4,y,2,1\n5,6,z,1,0\n");
    const dataset = await client.upload(await readFile(join(folder, "train.csv"), "utf8"));
    const run = await client.train({
      model: { layers: [{ type: "Linear", out_features: 1 }] },
      ...{ loss: "MSELoss", optimizer: { type: "SGD", lr: 0 }, epochs: 1 },
      data: { dataset_id: dataset.id, features: ["a", "b"], target: "y", weight: "w" },
    });
    await run.completed();
    id = run.id;
  });

  test("are answered as they come", async () => {
    const { child, text, ended } = start(["predict", id]);
    child.stdin?.write("[1,2]\n".repeat(1000));
    await vi.waitFor(() => expect(text.stdout.split("\n")).toHaveLength(1001), { timeout: 60_000, interval: 20 });
    child.stdin?.end("[3,4]");
    expect(linesOf((await ended).stdout)).toHaveLength(1001);
  });

  test("come from the file that was trained on, and from ones that are cut as it may be", async () => {
    const { stdout } = await ask('{"a":1,"b":2}\n\n{"a":3,"b":4}\n{"a":5,"b":6}\n', "predict", id);
    expect(linesOf(stdout)).toHaveLength(3);
    expect((await epochd("predict", id, "train.csv")).stdout).toBe(stdout);
    await writeFile(join(folder, "cut.csv"), '\ufeffb;"a";"note"\r\n2;1;"x;y"\r\n\r\n4;3;\r\n6;5;"z"\r\n');
    expect((await epochd("predict", id, "cut.csv")).stdout).toBe(stdout);
  });

  test.each([
    ["broken.ndjson", "[1,2]\n\n[1,\n", 2, /^epochd: broken\.ndjson: line 3: Unexpected end of JSON input\n/],
    ["broken.json", "[[1,2],", 2, /^epochd: broken\.json is not JSON: /],
    ["none.json", '{"rows":[]}', 2, /^epochd: none\.json holds no rows/],
    ["short.csv", "a,b\n1,2\n3\n", 2, /^epochd: short\.csv: Row 2 has 1 value, but the header names 2 columns\.\n/],
    ["other.csv", "a,c\n1,2\n", 2, /^epochd: other\.csv: there is no column "b", on which the model was trained\n/],
    ["words.csv", `a,b\n${"1,2\n".repeat(1500)}1,two\n`, 2, /^epochd: line 1502\.b: .*"two"/],
    ["away.csv", null, 2, /^epochd: away\.csv: it can't be read: ENOENT/],
  ])("and mistakes in them are told by file and line: %s", async (name, content, status, said) => {
    if (content !== null) await writeFile(join(folder, name), content);
    const ended = await epochd("predict", id, name);
    expect([ended.stderr, ended.status]).toEqual([expect.stringMatching(said), status]);
  });
});

test("data is uploaded and listed", async () => {
  const id = (await epochd("upload", CSV, "--name", "votes")).stdout.trim();
  expect((await epochd("datasets")).stdout).toMatch(new RegExp(`^${id} +435 rows +17 columns {2}votes$`, "m"));
});

test("a run is steered", async () => {
  const { id } = await endless();
  for (const [verb, ends] of [
    ["pause", "paused"],
    ["resume", /queued|running/],
    ["cancel", "cancelled"],
  ] as const) {
    expect((await epochd(verb, id)).status).toBe(0);
    await expect.poll(async () => (await client.run(id).job()).status).toMatch(ends);
  }
  const { status, stdout } = await epochd("watch", id);
  expect([status, stdout]).toEqual([
    3,
    expect.stringMatching(/✘ Cancelled after \d+ epochs; the weights so far are kept\./),
  ]);
});

test("check says what is wrong, and trains nothing", async () => {
  await writeFile(
    join(folder, "wrong.json"),
    JSON.stringify({ ...JSON.parse(await readFile(VOTES, "utf8")), optimizer: { type: "SGD", lr: -1 } }),
  );
  const wrong = await epochd("check", "wrong.json", "--data", CSV);
  expect([wrong.status, wrong.stderr]).toEqual([2, "optimizer.lr: expects at least 0, got -1\n"]);
  const right = await epochd("check", VOTES, "--data", CSV);
  expect([right.status, right.stdout]).toEqual([0, expect.stringMatching(/Valid +17 parameters/)]);
});

test("a model that can't be written where it is wanted is told so, before anything is trained", async () => {
  const nowhere = join(folder, "nowhere", "m.onnx");
  const said = `epochd: ${nowhere} can't be written: `;
  const jobs = (await epochd("jobs")).stdout;
  const trained = await epochd("train", VOTES, "--data", CSV, "--output", nowhere);
  expect([trained.status, trained.stderr.slice(0, said.length)]).toEqual([2, said]);
  expect((await epochd("jobs")).stdout).toBe(jobs);
  const id =
    jobs
      .split("\n")
      .find((line) => line.includes("completed"))
      ?.split(" ")[0] ?? "";
  const downloaded = await epochd("download", id, "--output", nowhere);
  expect([downloaded.status, downloaded.stderr.slice(0, said.length)]).toEqual([2, said]);
});

describe("mistakes are told in words, with a status of their own", () => {
  test.each([
    [["trian", "x.json"], 2, /^epochd: unknown command "trian"; did you mean "train"\?\nepochd --help lists/],
    [["train"], 2, /^epochd: SPEC\.json is missing\nepochd train --help says more\./],
    [["train", "a.json", "b.json"], 2, /"b\.json" is one word too many/],
    [["train", "nowhere.json"], 2, /nowhere\.json can't be read/],
    [["train", VOTES], 2, /is left open \("\$DATASET_ID"\): name a file with --data/],
    [["train", VOTES, "--dat", CSV], 2, /unknown option --dat; did you mean "data"\?/],
    [["train", VOTES, "--epochs", "many", "--data", CSV], 2, /--epochs expects a whole number, got "many"/],
    [["jobs", "--status", "done"], 2, /--status expects one of queued, running/],
    [["train", VOTES, "--data", "nowhere.csv"], 2, /^epochd: nowhere\.csv can't be read: ENOENT/],
    [["upload", "nowhere.csv"], 2, /^epochd: nowhere\.csv can't be read: ENOENT/],
    [["upload", "."], 2, /^epochd: \. can't be read: it is a directory/],
    [
      ["jobs", "--url", "localhost:3000"],
      2,
      /^epochd: url expects an address such as "http:\/\/127.0.0.1:3000", got "localhost:3000"/,
    ],
    [["show", "job_nothing"], 1, /^epochd: There is no job "job_nothing"/],
    [["jobs", "--url", "http://127.0.0.1:9"], 1, /does not answer\. Is it running \(epochd start\)\?/],
  ])("%j", async (args, status, said) => {
    const ended = await epochd(...args);
    expect([ended.status, ended.stdout]).toEqual([status, ""]);
    expect(ended.stderr).toMatch(said);
  });

  test("a refused spec: 2; a failed job: 1", async () => {
    await writeFile(join(folder, "refused.json"), JSON.stringify({ epochs: 0 }));
    expect(await epochd("train", "refused.json")).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/mistakes in the job spec[\s\S]*\n {2}epochs: /),
    });
    const spec = {
      model: { layers: [{ type: "Linear", out_features: 1 }] },
      ...{ loss: "MSELoss", optimizer: { type: "SGD", lr: 1e30 }, epochs: 50, data: { builtin: "sine" } },
    };
    const { status, stdout } = await ask(JSON.stringify(spec), "train", "-");
    expect([status, stdout]).toEqual([1, expect.stringMatching(/✘ Failed after \d+ epochs?: /)]);
  });
});

describe("an interruption", () => {
  test("leaves the job training where there is nobody to ask", async () => {
    const { id } = await endless();
    const { child, until, ended } = start(["watch", id]);
    await until(/epoch +\d+\/1000000/);
    child.kill("SIGINT");
    const { status, stdout } = await ended;
    expect([status, stdout]).toEqual([130, expect.stringContaining(`The job goes on. epochd watch ${id} shows it`)]);
    expect((await client.run(id).job()).status).toBe("running");
    await client.run(id).cancel();
  });

  test.runIf(hasScript)("asks on a terminal, and cancels for a yes", async () => {
    const { id } = await endless();
    const { child, until, ended } = onTerminal(id);
    await until(/epoch +\d+\/1000000/);
    child.stdin?.write("\x03");
    await until(/Cancel the training\?/);
    child.stdin?.write("n\r");
    await until(/Cancel the training\?[\s\S]*epoch +\d+\/1000000/);
    child.stdin?.write("\x03");
    await until(/Cancel the training\?[\s\S]*Cancel the training\?/);
    child.stdin?.write("y\r");
    expect((await ended).status).toBe(3);
    expect((await client.run(id).job()).status).toBe("cancelled");
  });

  test.runIf(hasScript)("has no object any more once the job has ended, which is told", async () => {
    const { id } = await endless();
    const { child, until, ended } = onTerminal(id);
    await until(/epoch +\d+\/1000000/);
    child.stdin?.write("\x03");
    await until(/Cancel the training\?/);
    await client.run(id).cancel();
    const { status, stdout } = await ended;
    expect([status, screenOf(stdout).join("\n")]).toEqual([
      3,
      expect.stringMatching(/Cancel the training\?[^\n]*\n[\s\S]*── loss\n[\s\S]*\n {2}✘ Cancelled after \d+ epochs/),
    ]);
  });

  test.runIf(hasScript)("leaves for a second one", async () => {
    const { id } = await endless();
    const { child, until, ended } = onTerminal(id);
    await until(/epoch +\d+\/1000000/);
    child.stdin?.write("\x03");
    await until(/Cancel the training\?/);
    child.stdin?.write("\x03");
    expect((await ended).status).toBe(130);
    expect((await client.run(id).job()).status).toBe("running");
    await client.run(id).cancel();
  });
});

test.runIf(hasScript)("what is told while the drawing moves stays above it", async () => {
  const { id } = await endless();
  const { text, until, ended } = onTerminal(id);
  await until(/epoch +\d+\/1000000/);
  await client.run(id).pause();
  await until(/Paused after epoch \d+\./);
  await client.run(id).resume();
  await until(/Goes on from epoch \d+/);
  const drawn = text.stdout.length;
  await vi.waitFor(() => expect(text.stdout.slice(drawn)).toMatch(/epoch/), { timeout: 60_000 });
  await client.run(id).cancel();
  expect((await ended).status).toBe(3);
  const screen = screenOf(text.stdout).join("\n");
  expect(screen).toMatch(/Paused after epoch \d+\.\n {2}Goes on from epoch [^\n]+\n {2}── loss\n/);
  expect([screen.match(/── loss/g), screen.match(/\/1000000 /g)]).toEqual([["── loss"], ["/1000000 "]]);
});

function onTerminal(id: string) {
  // `exec`: a shell that stays is ended by the Ctrl-C that is meant for the command (dash; bash gives way by itself).
  const command = `stty rows 40 cols 90; exec ${JSON.stringify(process.execPath)} ${JSON.stringify(CLI)} watch ${id}`;
  const env = { ...process.env, EPOCHD_URL: service.url, TERM: "xterm-256color", SHELL: "/bin/sh" };
  const child = spawn("script", ["-qec", command, "/dev/null"], { env });
  return { child, ...following(child) };
}

test("every command has help, which names its flags", async () => {
  const { stdout } = await epochd("--help");
  for (const { usage } of commands.values()) expect(stdout).toContain(`epochd ${usage}`);
  for (const word of ["start", "keys", "config"]) expect(stdout).toContain(`epochd ${word}`);
  for (const of of ["create", "list", "limit", "revoke"])
    expect(stdout).toMatch(new RegExp(`^  epochd keys .*\\b${of}\\b`, "m"));
  const help = await epochd("train", "--help");
  expect([help.status, help.stdout]).toEqual([
    0,
    expect.stringMatching(/^epochd train SPEC\.json\n[\s\S]*--data FILE {2}[\s\S]*exit status/),
  ]);
  expect((await epochd("help", "predict")).stdout).toMatch(/^epochd predict JOB \[ROWS\]/);
  expect((await epochd("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
