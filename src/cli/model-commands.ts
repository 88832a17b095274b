/** What the terminal client does with a trained model: ask it, keep it as a file. */
import { access, constants, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { ModelFormat, Run, Which } from "../client/index.ts";
import { type Call, type Command, clientOf, text, UsageError, wordsOf, writeLine } from "./options.ts";
import { rowsIn } from "./rows.ts";

const MODEL_FLAGS = { "checkpoint=WHICH": "last (the newest weights) or best" };

export const predict: Command = {
  usage: "predict JOB [ROWS]",
  summary: "ask a model, while it trains or afterwards",
  flags: MODEL_FLAGS,
  help: `ROWS is a file: .csv with a header, .ndjson with a row in each line, or .json with an array of rows; "-" or nothing
reads lines of NDJSON from the standard input. The answers are lines of JSON, in the order of the rows.`,
  async run(call) {
    const [id = "", path = "-"] = call.words.length === 1 ? [...call.words, "-"] : wordsOf(call, "JOB", "ROWS");
    const run = clientOf(call).run(id);
    const checkpoint = which(call);
    const { rows, firstLine } = await rowsIn(path, run);
    for await (const answer of run.predictAll(rows, { firstLine, ...(checkpoint && { checkpoint }) }))
      await writeLine(answer);
    return 0;
  },
};

export const download: Command = {
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

/** Asked before a training, which may be long. */
export async function assertWritable(path: string): Promise<void> {
  if (path !== "-") await access(dirname(path), constants.W_OK).catch(unwritable(path));
}

const unwritable = (path: string) => (error: Error) => {
  throw new UsageError(`${path} can't be written: ${error.message}`);
};

/** Writes the model where it is wanted. */
export async function save(
  run: Run,
  path: string,
  options: { format: ModelFormat; checkpoint?: Which | undefined },
): Promise<void> {
  const { format, checkpoint } = options;
  const model = await run.model({ format, ...(checkpoint && { checkpoint }) });
  if (path === "-") process.stdout.write(new Uint8Array(await model.arrayBuffer()));
  else await writeFile(path, model.stream()).catch(unwritable(path));
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
export function formatOf(word: string): ModelFormat {
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
