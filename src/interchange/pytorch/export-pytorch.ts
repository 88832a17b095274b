/** A trained model as a folder of PyTorch code, zipped: model.py with the network and its training, and the numbers. */

import { readFileSync } from "node:fs";
import { encodeSafetensors, type TensorData } from "../../engine/index.ts";
import { call } from "../python/source.ts";
import type { TrainedFile, TrainingState } from "../trained-file.ts";
import { zip } from "../zip.ts";
import { writeLayers } from "./layers.ts";
import { writeTraining } from "./training.ts";

const PREPARE = new URL("../python/prepare.py", import.meta.url);

export function exportPyTorch(file: TrainedFile): Uint8Array<ArrayBuffer> {
  const { about, weights, training } = file;
  const state = training?.state ?? null;
  return zip({
    "README.md": readme(file),
    "model.py": modelSource(file),
    "prepare.py": readFileSync(PREPARE, "utf8"),
    "preprocess.json": JSON.stringify({ preprocess: about.preprocess, classes: about.classes }, null, 2),
    "spec.json": JSON.stringify(about.spec, null, 2),
    "weights.safetensors": encodeSafetensors(weights, { format: "pt" }),
    ...(state && { "training.safetensors": encodeSafetensors(stateTensors(state), { format: "pt" }) }),
  });
}

function stateTensors({ rows, continuation }: TrainingState): Map<string, TensorData> {
  const { order, lr, momentum, optimizer } = continuation;
  const tensors = new Map<string, TensorData>();
  for (const [name, tensor] of optimizer) tensors.set(`optimizer.${name}`, tensor);
  const pairs =
    momentum && Float64Array.from({ length: 2 * lr.length }, (_, i) => (i % 2 ? momentum : lr)[i >> 1] ?? 0);
  tensors.set("rates", pairs ? { shape: [lr.length, 2], data: pairs } : { shape: [lr.length], data: lr });
  tensors.set("order", { shape: [order.length], data: rows ? order.map((place) => rows[place] ?? 0) : order });
  if (rows) tensors.set("rows", { shape: [rows.length], data: rows });
  return tensors;
}

const titleOf = ({ about }: TrainedFile): string => about.name ?? about.job_id;

function modelSource(file: TrainedFile): string {
  const { about, layers, training } = file;
  const written = writeLayers(layers, "        ");
  const trained = training && writeTraining(training.facts, training.state !== null);
  const classes = [...written.forms, ...(trained?.forms ?? [])];
  return `"""${titleOf(file).replaceAll('"""', "'''")}: trained by epochd (${about.job_id}), as it was after epoch ${about.checkpoint.epoch}. README.md says how it is used."""

${trained ? "import itertools\n" : ""}import pathlib${trained ? "\nimport sys" : ""}

import torch
from safetensors.torch import load_file${trained ? ", save_file" : ""}
from torch import nn

from prepare import ${trained ? "class_numbers, prepare, read_examples" : "prepare"}

HERE = pathlib.Path(__file__).parent
EPOCH = ${about.checkpoint.epoch}


${classes.map((text) => `${text}\n\n\n`).join("")}def build():
    return ${call("nn.Sequential", written.calls, "    ")}


def load():
    """The trained network, ready to be asked."""
    model = build()
    model.load_state_dict(load_file(HERE / "weights.safetensors"))
    return model.eval()


def predict(rows):
    """What the network makes of rows as they are in the data."""
    with torch.no_grad():
        return load()(torch.from_numpy(prepare(rows)))
${trained ? `\n\n${trained.code}\n\n\nif __name__ == "__main__":\n    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1)\n` : ""}`;
}

function readme(file: TrainedFile): string {
  const { about, training } = file;
  return `# ${titleOf(file)}

Trained by epochd as ${about.job_id}; this is the network ${about.checkpoint.which === "best" ? "of its best epoch until then" : "as it was"} after epoch ${about.checkpoint.epoch}, for PyTorch.

    pip install torch safetensors numpy

| file | holds |
|---|---|
| \`model.py\` | the network as \`nn.Sequential\`, and its training |
| \`prepare.py\`, \`preprocess.json\` | from rows as they are in the data to what the network gets |
| \`weights.safetensors\` | its \`state_dict\` |
${training?.state ? "| `training.safetensors` | the optimizer's state, the rates of the steps to come, and the order of the rows in the next epoch |\n" : ""}| \`spec.json\` | the job's spec |

Ask it:

    from model import predict
    predict([[…]])          # one list for each row${about.preprocess.features ? `: ${about.preprocess.features.slice(0, 8).join(", ")}${about.preprocess.features.length > 8 ? ", …" : ""}` : ""}
${training ? trainingText(training.facts.target !== null, training.state !== null, training.facts.random) : ""}`;
}

function trainingText(isTable: boolean, goesOn: boolean, random: readonly string[]): string {
  const file = isTable ? "data.csv" : "data.json";
  const form = isTable
    ? "a CSV with the columns of the training data"
    : 'the training data, `{ "inputs": […], "targets": […] }`';
  const exact =
    random.length === 0
      ? "With the same file its next epoch has the loss that it would have had there; later epochs draw their order by PyTorch's generator."
      : `Its next epoch takes the rows in the order that it would have had there. What ${random.join(" and ")} draws at random comes from PyTorch's generator, so that losses are alike, not equal.`;
  return `
Train it on:

    python model.py ${file} 5     # five more epochs on ${form}

${goesOn ? exact : "The weights of the best epoch go without an optimizer's state: it starts afresh."} Learning rates are written out step by step, as the job's schedule has them.
`;
}
