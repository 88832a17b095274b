/** The commands of the terminal client. */
import type { Job, Run } from "../client/index.ts";
import { assertWritable, download, formatOf, predict, save } from "./model-commands.ts";
import { type Call, type Command, clientOf, text, UsageError, wholeNumber, wordsOf, writeLine } from "./options.ts";
import { dim, fact, say } from "./screen.ts";
import { SPEC_FLAGS, specOf, uploadFile } from "./spec-file.ts";
import { watch } from "./watch.ts";

const JSON_FLAG = { json: "answers as JSON" };

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
    if (output !== undefined) await assertWritable(output);
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
    const limit = wholeNumber(call.flags["limit"], "limit") ?? 20;
    const status = statusOf(text(call.flags["status"]));
    for await (const job of clientOf(call).jobs(status ? { status } : {}, { limit }))
      console.log(call.flags["json"] ? JSON.stringify(job) : lineOf(job));
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
