/** The commands of the terminal client. */
import { writeFile } from "node:fs/promises";
import type { Job, ModelFormat, Run, Which } from "../client/index.ts";
import { type Call, type Command, clientOf, text, UsageError, wholeNumber, wordsOf, writeLine } from "./options.ts";
import { dim, fact, say } from "./screen.ts";
import { readText, SPEC_FLAGS, specOf, uploadFile } from "./spec-file.ts";
import { watch } from "./watch.ts";

const JSON_FLAG = { json: "answers as JSON" };
const MODEL_FLAGS = { "checkpoint=WHICH": "last (the newest weights) or best" };

const train: Command = {
  usage: "train SPEC.json",
  summary: "train a network, and draw its losses as they come",
  flags: {
    ...SPEC_FLAGS,
    "output=FILE": "where to keep the model: .safetensors, .onnx, .zip (code for PyTorch, with weights) or .json",
    detach: "print the job's id and leave it training",
    json: "each event as a line of JSON, instead of a drawing",
  },
  help: `Ctrl-C asks whether to cancel. "-" reads the spec from the standard input.
The exit status: 0 completed, 1 failed, 2 a wrong call or a spec that is refused, 3 cancelled, 130 left running.`,
  async run(call) {
    const [path = ""] = wordsOf(call, "SPEC.json");
    const { flags } = call;
    const output = text(flags["output"]);
    const format = output === undefined ? undefined : formatOf(output);
    const client = clientOf(call);
    const { spec, dataset } = await specOf(path, call, client);
    const run = await client.train(spec);
    if (flags["detach"]) {
      console.log(run.id);
      return 0;
    }
    if (!flags["json"]) await introduce(run, dataset && `${dataset.name}  ${dim(`${dataset.rows} rows`)}`);
    const status = await watch(run, !flags["json"]);
    if (status !== 0 || output === undefined || format === undefined) return status;
    await save(run, output, { format });
    if (!flags["json"]) fact("Model", output);
    return status;
  },
};

async function introduce(run: Run, data: string | null): Promise<void> {
  const { model_summary } = await run.job();
  say();
  fact("Job", run.id);
  if (data) fact("Data", data);
  fact(
    "Model",
    `${model_summary.layers.map(({ type }) => type).join(", ")}  ${dim(`${model_summary.parameters} parameters`)}`,
  );
  say();
}

const check: Command = {
  usage: "check SPEC.json",
  summary: "say what is wrong with a spec and what it would cost; train nothing",
  flags: { ...SPEC_FLAGS, ...JSON_FLAG },
  async run(call) {
    const [path = ""] = wordsOf(call, "SPEC.json");
    const client = clientOf(call);
    const report = await client.validate((await specOf(path, call, client)).spec);
    if (call.flags["json"]) console.log(JSON.stringify(report));
    else if (report.valid) {
      const { estimate, model_summary } = report;
      fact("Valid", `${model_summary?.parameters} parameters, about ${estimate?.seconds} s`);
    } else for (const { path, message } of report.errors) console.error(path === "" ? message : `${path}: ${message}`);
    return report.valid ? 0 : 2;
  },
};

const jobs: Command = {
  usage: "jobs",
  summary: "list jobs, the newest first",
  flags: {
    "status=STATUS": "queued, running, paused, completed, failed or cancelled",
    "limit=N": "how many, 20 by default",
    ...JSON_FLAG,
  },
  async run(call) {
    wordsOf(call);
    let left = wholeNumber(call.flags["limit"], "limit") ?? 20;
    const status = statusOf(text(call.flags["status"]));
    for await (const job of clientOf(call).jobs(status ? { status } : {})) {
      if (left-- <= 0) break;
      console.log(call.flags["json"] ? JSON.stringify(job) : lineOf(job));
    }
    return 0;
  },
};

const STATUSES = ["queued", "running", "paused", "completed", "failed", "cancelled"] as const;

function statusOf(word: string | undefined): Job["status"] | undefined {
  const status = STATUSES.find((known) => known === word);
  if (word === undefined || status) return status;
  throw new UsageError(`--status expects one of ${STATUSES.join(", ")}, got "${word}"`);
}

function lineOf({ id, status, progress, latest, name }: Job): string {
  const loss = typeof latest?.loss === "number" ? latest.loss.toFixed(4) : "–";
  const epochs = `${progress.epoch}/${progress.epochs}`;
  return `${id}  ${status.padEnd(9)}  ${epochs.padStart(9)}  ${loss.padStart(8)}  ${name ?? ""}`.trimEnd();
}

const show: Command = {
  usage: "show JOB",
  summary: "a job, as JSON",
  run: (call) => printed(call, (run) => run.job()),
};

const events: Command = {
  usage: "events JOB",
  summary: "the events of a job, each a line of JSON, until it ends",
  flags: { "after=SEQ": "only those behind this one" },
  async run(call) {
    const [id = ""] = wordsOf(call, "JOB");
    const after = wholeNumber(call.flags["after"], "after");
    for await (const event of clientOf(call)
      .run(id)
      .events(after === undefined ? {} : { after }))
      await writeLine(event);
    return 0;
  },
};

const watchCommand: Command = {
  usage: "watch JOB",
  summary: "draw a job that trains, or has trained",
  help: train.help ?? "",
  async run(call) {
    const [id = ""] = wordsOf(call, "JOB");
    const run = clientOf(call).run(id);
    await introduce(run, null);
    return watch(run, true);
  },
};

/** Commands that ask one thing of a job and print the job. */
async function printed(call: Call, ask: (run: Run) => Promise<unknown>): Promise<number> {
  const [id = ""] = wordsOf(call, "JOB");
  console.log(JSON.stringify(await ask(clientOf(call).run(id)), null, 2));
  return 0;
}

function steering(verb: "cancel" | "pause" | "resume", summary: string): Command {
  return {
    usage: `${verb} JOB`,
    summary,
    async run(call) {
      const [id = ""] = wordsOf(call, "JOB");
      const { status } = await clientOf(call).run(id)[verb]();
      console.log(status);
      return 0;
    },
  };
}

const remove: Command = {
  usage: "delete JOB",
  summary: "remove a finished job and all that it stored",
  async run(call) {
    const [id = ""] = wordsOf(call, "JOB");
    await clientOf(call).run(id).delete();
    return 0;
  },
};

const predict: Command = {
  usage: "predict JOB [ROWS]",
  summary: "ask a model, while it trains or afterwards",
  flags: MODEL_FLAGS,
  help: `ROWS is a file: .csv with a header, .ndjson with a row in each line, or .json with an array of rows; "-" or nothing
reads lines of NDJSON from the standard input. The answers are lines of JSON, in the order of the rows.`,
  async run(call) {
    const [id = "", path = "-"] = call.words.length === 1 ? [...call.words, "-"] : wordsOf(call, "JOB", "ROWS");
    const run = clientOf(call).run(id);
    const checkpoint = which(call);
    for await (const answer of run.predictAll(await rowsIn(path, run), checkpoint ? { checkpoint } : {}))
      await writeLine(answer);
    return 0;
  },
};

async function rowsIn(path: string, run: Run): Promise<Iterable<unknown> | AsyncIterable<unknown>> {
  if (path.endsWith(".csv")) {
    const { parse } = await import("csv-parse/sync");
    const { spec } = await run.job();
    const data = spec["data"];
    const target = typeof data === "object" && data !== null && "target" in data ? data.target : undefined;
    const rows: Record<string, string>[] = parse(await readText(path), { columns: true, bom: true, trim: true });
    // A file to train on is a file to ask about, too: what is to be predicted is not sent.
    return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([column]) => column !== target)));
  }
  const content = await readText(path);
  if (!path.endsWith(".json")) return jsonLines(content, path);
  const read: unknown = JSON.parse(content);
  const rows = typeof read === "object" && read !== null && "inputs" in read ? read.inputs : read;
  if (Array.isArray(rows)) return rows;
  throw new UsageError(`${path} holds no rows: expected an array of them`);
}

function* jsonLines(content: string, path: string): Generator<unknown> {
  for (const [i, line] of content.split("\n").entries()) {
    if (line.trim() === "") continue;
    try {
      yield JSON.parse(line);
    } catch (error) {
      throw new UsageError(
        `${path === "-" ? "the standard input" : path}, line ${i + 1}: ${error instanceof Error ? error.message : error}`,
      );
    }
  }
}

const download: Command = {
  usage: "download JOB",
  summary: "keep a model as a file",
  flags: {
    "format=FORMAT":
      "safetensors, onnx, pytorch or keras (zips of code and weights) or json; else what the file's ending says",
    "output=FILE": "where to; JOB.safetensors by default, - for the standard output",
    ...MODEL_FLAGS,
  },
  async run(call) {
    const [id = ""] = wordsOf(call, "JOB");
    const { flags } = call;
    const asked = text(flags["format"]);
    const named = text(flags["output"]);
    const format = asked === undefined ? formatOf(named ?? "") : formatOf(`.${asked}`);
    const output = named ?? `${id}.${FORMATS[format]}`;
    await save(clientOf(call).run(id), output, { format, checkpoint: which(call) });
    if (output !== "-") console.log(output);
    return 0;
  },
};

async function save(
  run: Run,
  path: string,
  options: { format: ModelFormat; checkpoint?: Which | undefined },
): Promise<void> {
  const { format, checkpoint } = options;
  const model = await run.model({ format, ...(checkpoint && { checkpoint }) });
  if (path === "-") process.stdout.write(new Uint8Array(await model.arrayBuffer()));
  else await writeFile(path, model.stream());
}

/** Of each format the ending of its files. */
const FORMATS = {
  safetensors: "safetensors",
  onnx: "onnx",
  pytorch: "zip",
  keras: "zip",
  json: "json",
} as const satisfies Record<ModelFormat, string>;

const isFormat = (word: string): word is ModelFormat => Object.hasOwn(FORMATS, word);

/** By its name, or a file's ending; safetensors if there is none. */
function formatOf(word: string): ModelFormat {
  const ending = /\.(\w+)$/.exec(word)?.[1] ?? "safetensors";
  if (isFormat(ending)) return ending;
  if (ending === FORMATS.pytorch) return "pytorch";
  throw new UsageError(`there is no format "${ending}"; models come as ${Object.keys(FORMATS).join(", ")}`);
}

function which({ flags }: Call): Which | undefined {
  const word = text(flags["checkpoint"]);
  if (word === undefined || word === "last" || word === "best") return word;
  throw new UsageError(`--checkpoint expects last or best, got "${word}"`);
}

const upload: Command = {
  usage: "upload FILE",
  summary: "upload data, and print its id",
  flags: { "name=NAME": "its name, else the file's", ...JSON_FLAG },
  async run(call) {
    const [path = ""] = wordsOf(call, "FILE");
    const dataset = await uploadFile(clientOf(call), path, text(call.flags["name"]));
    console.log(call.flags["json"] ? JSON.stringify(dataset) : dataset.id);
    return 0;
  },
};

const datasets: Command = {
  usage: "datasets",
  summary: "list what was uploaded, the newest first",
  flags: JSON_FLAG,
  async run(call) {
    wordsOf(call);
    for await (const dataset of clientOf(call).datasets()) {
      const { id, name, rows, columns } = dataset;
      const line = `${id}  ${String(rows).padStart(9)} rows  ${String(columns.length).padStart(4)} columns  ${name ?? ""}`;
      console.log(call.flags["json"] ? JSON.stringify(dataset) : line.trimEnd());
    }
    return 0;
  },
};

export const commands: ReadonlyMap<string, Command> = new Map([
  ["train", train],
  ["check", check],
  ["jobs", jobs],
  ["show", show],
  ["watch", watchCommand],
  ["events", events],
  ["cancel", steering("cancel", "end a job before its time; the weights so far are kept")],
  ["pause", steering("pause", "make a job free its worker")],
  ["resume", steering("resume", "let a paused job go on")],
  ["delete", remove],
  ["predict", predict],
  ["download", download],
  ["upload", upload],
  ["datasets", datasets],
]);
