/**
 * `npm run demo`: the whole service, as one of its clients sees it.
 *
 * Starts it, uploads the votes of the US congress of 1984, trains the logistic regression of PyTorch's introduction on
 * them, draws the losses as they arrive, asks the model about five members and keeps it as a file. Ends with 0 when
 * the model is as good as it should be.
 */
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "csv-parse/sync";
import { z } from "zod";
import { bad, dim, fact, good, say, strong, title, trainingView } from "../src/cli/screen.ts";
import { Epochd, type Run } from "../src/client/index.ts";
import { buildDashboard } from "./build-dashboard.ts";
import { buildKernels } from "./build-kernels.ts";
import { startService } from "./service-process.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const CSV = "examples/data/house_votes_84.csv";
const SPEC = "examples/specs/votes.json";
const PARTY = "Class";
const GOOD_ENOUGH = 0.95;
/** Five rows of the file, spread over it. */
const MEMBERS = [1, 100, 200, 300, 400];

const Row = z.record(z.string(), z.string());
const BROKERS: Record<string, string> = {
  external: "the one at REDIS_URL",
  server: "a Redis or Valkey server of its own",
  embedded: "the embedded Valkey",
};

const started = performance.now();
const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interruption.abort());
try {
  await demo();
} catch (error) {
  // What breaks because someone ended it is no failure to explain.
  if (!interruption.signal.aborted) {
    say();
    say(`${bad("✘ The demo failed.")} ${error instanceof Error ? error.message : String(error)}`);
  }
  process.exitCode = interruption.signal.aborted ? 130 : 1;
}

async function demo(): Promise<void> {
  say();
  say(`${title("epochd")} ${dim("training as a service")}`);
  say();
  const built = (await Promise.all([buildKernels(), buildDashboard()])).some((part) => part.built);
  if (built) fact("Kernels", `compiled in ${seconds()}`, "this time only: they are kept");
  const dataDir = await dataDirectory();
  const { signal } = interruption;
  await using service = await startService({ dataDir, port: 3000, signal });
  const client = new Epochd({ url: service.url, signal });
  fact("Service", `${service.url}  ${dim(`ready after ${seconds()}`)}`);
  const { broker } = await client.health();
  fact("Broker", BROKERS[broker.kind] ?? broker.kind, broker.promise);

  const csv = await readFile(join(ROOT, CSV));
  const dataset = await client.upload(csv, { type: "text/csv" });
  fact("Data", CSV, `${dataset.rows} members of the US congress of 1984, 16 votes each: which party?`);

  const spec = JSON.parse((await readFile(join(ROOT, SPEC), "utf8")).replace("$DATASET_ID", dataset.id));
  const run = await client.train(spec);
  const { model_summary } = await run.job();
  fact("Model", `Linear(16 → 1), Sigmoid  ${dim(`${model_summary.parameters} parameters`)}`);
  fact("Training", `BCELoss, SGD  ${dim(`learning rate ${spec.optimizer.lr}; a fifth of the rows to validate`)}`);
  fact("Job", run.id);
  say();

  const accuracy = await train(run);
  say();
  await predict(run, csv);

  const model = join(dataDir, "votes.safetensors");
  await writeFile(model, (await run.model({ format: "safetensors" })).stream());
  goodbye(accuracy, service.url, dataDir, model);
}

/** Follows the job's events to the end; the accuracy on the rows that were kept for validation. */
async function train(run: Run): Promise<number> {
  const view = trainingView();
  let accuracy: number | null | undefined;
  for await (const event of run.events()) {
    if (event.event === "epoch") {
      view.update(event);
      accuracy = event.val_metrics?.["accuracy"];
    } else if (event.event === "failed" || event.event === "cancelled") {
      throw new Error(`The job ended as ${event.event}: ${JSON.stringify(event)}`);
    } else if (event.event === "completed") {
      view.finish();
      if (typeof accuracy !== "number") throw new Error("The job completed without an accuracy.");
      if (accuracy >= GOOD_ENOUGH) return accuracy;
      throw new Error(`The accuracy on unseen rows is ${accuracy.toFixed(3)}, less than ${GOOD_ENOUGH}.`);
    }
  }
  throw new Error("The stream of events ended before the job did.");
}

async function predict(run: Run, csv: Uint8Array): Promise<void> {
  const rows = z.array(Row).parse(parse(Buffer.from(csv), { columns: true }));
  const members = MEMBERS.map((row) => rows[row - 1] ?? {});
  const inputs = members.map(({ [PARTY]: _, ...votes }) => votes);
  const { labels = [], probabilities = [] } = await run.predict(inputs);

  say(dim("Member  Votes             Predicted party     Real party"));
  members.forEach((member, i) => {
    const { [PARTY]: real = "", ...votes } = member;
    const predicted = String(labels[i] ?? "");
    const sure = `${Math.round(Math.max(...(probabilities[i] ?? [])) * 100)} %`.padStart(5);
    const mark = predicted === real ? good("✔") : bad("✘");
    const who = String(MEMBERS[i]).padStart(6);
    say(
      `${who}  ${Object.values(votes).map(ballot).join("")}  ${predicted.padEnd(11)} ${dim(sure)}   ${real.padEnd(11)} ${mark}`,
    );
  });
}

function ballot(vote: string): string {
  if (vote === "y") return good("y");
  return vote === "n" ? bad("n") : dim("·");
}

function goodbye(accuracy: number, url: string, dataDir: string, model: string): void {
  const home = shown(dataDir);
  say();
  say(
    `${good("✔")} ${strong(`${(accuracy * 100).toFixed(1)} % accuracy`)} on members it had not seen, after ${seconds()}.`,
  );
  say();
  fact("Model", shown(model));
  say(dim("           from safetensors.torch import load_file"));
  say(dim("           model = nn.Sequential(nn.Linear(16, 1), nn.Sigmoid())"));
  say(dim(`           model.load_state_dict(load_file("${basename(model)}"))`));
  say();
  say("This service ends with the demo. To start it for good, with this job in it:");
  say();
  say(`    ${strong(`DATA_DIR=${home} npm start`)}`);
  say();
  const origin = new URL(url).port === "3000" ? url : "http://127.0.0.1:3000";
  fact("Dashboard", `${origin}/`);
  fact("Reference", `${origin}/docs`);
  say();
}

/** Kept after the demo, so that the model stays and `npm start` finds the job; elsewhere if it can't be written. */
async function dataDirectory(): Promise<string> {
  const wanted = resolve(process.env["DATA_DIR"] || join(ROOT, "data", "demo"));
  return mkdir(wanted, { recursive: true }).then(
    () => wanted,
    () => mkdtemp(join(tmpdir(), "epochd-demo-")),
  );
}

function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith("..") ? path : near;
}

function seconds(): string {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}
