/** A trained model as a folder of Keras code, zipped: model.py, its weights, its preprocessing. */
import { readFileSync } from "node:fs";
import { encodeNpy } from "../npy.ts";
import { literal, PythonParts } from "../python/source.ts";
import type { TrainedFile } from "../trained-file.ts";
import { zip } from "../zip.ts";
import { KerasModel } from "./keras-model.ts";
import { writeLayers } from "./layers.ts";

const PREPARE = new URL("../python/prepare.py", import.meta.url);
const forms = new PythonParts(new URL("./forms.py", import.meta.url));

/** Throws NotExpressibleError. */
export function exportKeras({ about, layers, weights }: TrainedFile): Uint8Array<ArrayBuffer> {
  const { shape } = about.preprocess;
  const model = new KerasModel(weights);
  writeLayers(model, layers, shape);
  model.channelsFirst();
  const arrays = Array.from(model.arrays, ([name, tensor]) => [`${name}.npy`, encodeNpy(tensor)]);
  return zip({
    "README.md": readme(about),
    "model.py": source(about, model, shape),
    "prepare.py": readFileSync(PREPARE, "utf8"),
    "preprocess.json": JSON.stringify({ preprocess: about.preprocess, classes: about.classes }, null, 2),
    "spec.json": JSON.stringify(about.spec, null, 2),
    "weights.npz": zip(Object.fromEntries(arrays)),
  });
}

const titleOf = ({ name, job_id }: TrainedFile["about"]): string => name ?? job_id;

function source(about: TrainedFile["about"], model: KerasModel, shape: readonly number[]): string {
  return `"""${titleOf(about).replaceAll('"""', "'''")}: trained by epochd (${about.job_id}), as it was after epoch ${about.checkpoint.epoch}. README.md says how it is used."""

import pathlib

import keras
import numpy as np
from keras import layers, ops

from prepare import prepare

WEIGHTS = np.load(pathlib.Path(__file__).parent / "weights.npz")


${forms
  .take(model.forms)
  .map((text) => `${text}\n\n\n`)
  .join("")}def build():
    return keras.Sequential(
        [
            keras.Input(${literal(shape)}),
${model.calls.map((call) => `            ${call},`).join("\n")}
        ]
    )


def load():
    """The trained network, ready to be asked, or trained on: model.compile(…), model.fit(…)."""
    model = build()
    # "3/0" is the first weight of layer 3, "3/self_attn/into/0" that of a part of it.
    for place in {name.rpartition("/")[0] for name in WEIGHTS.files}:
        first, *parts = place.split("/")
        layer = model.layers[int(first)]
        for part in parts:
            layer = layer.layers[int(part)] if part.isdigit() else getattr(layer, part)
        layer.set_weights([WEIGHTS[f"{place}/{i}"] for i in range(len(layer.get_weights()))])
    return model


def predict(rows):
    """What the network makes of rows as they are in the data."""
    return np.array(load()(prepare(rows)))
`;
}

function readme(about: TrainedFile["about"]): string {
  const features = about.preprocess.features;
  return `# ${titleOf(about)}

Trained by epochd as ${about.job_id}; this is the network ${about.checkpoint.which === "best" ? "of its best epoch until then" : "as it was"} after epoch ${about.checkpoint.epoch}, for Keras 3.

    pip install keras tensorflow

| file | holds |
|---|---|
| \`model.py\` | the network as \`keras.Sequential\` |
| \`prepare.py\`, \`preprocess.json\` | from rows as they are in the data to what the network gets |
| \`weights.npz\` | its weights, in Keras' layout |
| \`spec.json\` | the job's spec |

Ask it:

    from model import predict
    predict([[…]])          # one list for each row${features ? `: ${features.slice(0, 8).join(", ")}${features.length > 8 ? ", …" : ""}` : ""}

Samples have channels first, as in the job; where a layer of Keras wants them last, a Permute stands before it. Trained on, it follows Keras' rules: running
statistics, dropout and initial states are its own.
`;
}
