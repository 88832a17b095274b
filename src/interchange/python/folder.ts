/** A folder of Python code, zipped: model.py and the numbers of one framework, and what a folder for any of them has. */
import { readFileSync } from "node:fs";
import type { TrainedFile } from "../trained-file.ts";
import { zip } from "../zip.ts";
import { docstring } from "./source.ts";

const PREPARE = readFileSync(new URL("./prepare.py", import.meta.url), "utf8");

/** What differs from framework to framework. */
export interface PythonFolder {
  /** `Keras 3` */
  readonly framework: string;
  /** What pip installs. */
  readonly packages: string;
  /** What model.py holds, and what stands in it below its docstring. */
  readonly model: { readonly holds: string; readonly source: string };
  /** Files of numbers by name, and what they hold. */
  readonly numbers: Readonly<Record<string, { readonly holds: string; readonly bytes: Uint8Array }>>;
  /** What the README ends with. */
  readonly notes: string;
}

export function pythonFolder({ about }: TrainedFile, folder: PythonFolder): Uint8Array<ArrayBuffer> {
  const { job_id, checkpoint, preprocess, classes, spec } = about;
  const summary = `${about.name ?? job_id}: trained by epochd (${job_id}), as it was after epoch ${checkpoint.epoch}. README.md says how it is used.`;
  const numbers = Object.entries(folder.numbers);
  return zip({
    "README.md": readme(about, folder),
    "model.py": `${docstring(summary)}\n\n${folder.model.source}`,
    "prepare.py": PREPARE,
    "preprocess.json": JSON.stringify({ preprocess, classes }, null, 2),
    "spec.json": JSON.stringify(spec, null, 2),
    ...Object.fromEntries(numbers.map(([name, { bytes }]) => [name, bytes])),
  });
}

function readme({ name, job_id, checkpoint, preprocess }: TrainedFile["about"], folder: PythonFolder): string {
  const { framework, packages, model, numbers, notes } = folder;
  const features = preprocess.features ?? [];
  const columns =
    features.length === 0 ? "" : `: ${features.slice(0, 8).join(", ")}${features.length > 8 ? ", …" : ""}`;
  const files = Object.entries(numbers).map(([file, { holds }]) => `| \`${file}\` | ${holds} |\n`);
  return `# ${onOneLine(name ?? job_id)}

Trained by epochd as ${job_id}; this is the network ${checkpoint.which === "best" ? "of its best epoch until then" : "as it was"} after epoch ${checkpoint.epoch}, for ${framework}.

    pip install ${packages}

| file | holds |
|---|---|
| \`model.py\` | ${model.holds} |
| \`prepare.py\`, \`preprocess.json\` | from rows as they are in the data to what the network gets |
${files.join("")}| \`spec.json\` | the job's spec |

Ask it:

    from model import predict
    predict([[…]])          # one list for each row${onOneLine(columns)}
${notes}`;
}

/** Where a line break would end a heading or a block of code. */
const onOneLine = (text: string): string => text.replace(/\s+/g, " ");
