/** A trained model as a folder of PyTorch code, zipped: model.py with the network and its training, and the numbers. */
import { encodeSafetensors, type TensorData } from "../../engine/index.ts";
import { pythonFolder } from "../python/folder.ts";
import { call } from "../python/source.ts";
import type { TrainedFile, TrainingState } from "../trained-file.ts";
import { writeLayers } from "./layers.ts";
import { writeTraining } from "./training.ts";

export function exportPyTorch(file: TrainedFile): Uint8Array<ArrayBuffer> {
  const { weights, training } = file;
  const state = training?.state ?? null;
  return pythonFolder(file, {
    framework: "PyTorch",
    packages: "torch safetensors numpy",
    model: { holds: "the network as `nn.Sequential`, and its training", source: modelSource(file) },
    numbers: {
      "weights.safetensors": { holds: "its `state_dict`", bytes: encodeSafetensors(weights, { format: "pt" }) },
      ...(state && {
        "training.safetensors": {
          holds: "the optimizer's state, the rates of the steps to come, and the order of the rows in the next epoch",
          bytes: encodeSafetensors(stateTensors(state), { format: "pt" }),
        },
      }),
    },
    notes: training ? trainingText(training.facts.target !== null, state !== null, training.facts.random) : "",
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

function modelSource({ about, layers, training }: TrainedFile): string {
  const written = writeLayers(layers, "        ");
  const trained = training && writeTraining(training.facts, training.state !== null);
  const classes = [...written.forms, ...(trained?.forms ?? [])];
  return `${trained ? "import itertools\n" : ""}import pathlib${trained ? "\nimport sys" : ""}

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

${goesOn ? exact : "The weights of the best epoch go without an optimizer's state: it starts afresh."} Learning rates are written out step by step, as the job's schedule has them up to the last planned epoch, one more if that is over; then the last one stays.
`;
}
