/** A trained model as a folder of Keras code, zipped: model.py, its weights, its preprocessing. */
import { encodeNpy } from "../npy.ts";
import { pythonFolder } from "../python/folder.ts";
import { literal, PythonParts } from "../python/source.ts";
import type { TrainedFile } from "../trained-file.ts";
import { zip } from "../zip.ts";
import { KerasModel } from "./keras-model.ts";
import { writeLayers } from "./layers.ts";

const forms = new PythonParts(new URL("./forms.py", import.meta.url));

/** Throws NotExpressibleError. */
export function exportKeras(file: TrainedFile): Uint8Array<ArrayBuffer> {
  const { shape } = file.about.preprocess;
  const model = new KerasModel(file.weights);
  writeLayers(model, file.layers, shape);
  model.channelsFirst();
  const arrays = Array.from(model.arrays, ([name, tensor]) => [`${name}.npy`, encodeNpy(tensor)]);
  return pythonFolder(file, {
    framework: "Keras 3",
    packages: "keras tensorflow",
    model: { holds: "the network as `keras.Sequential`", source: source(model, shape) },
    numbers: { "weights.npz": { holds: "its weights, in Keras' layout", bytes: zip(Object.fromEntries(arrays)) } },
    notes: NOTES,
  });
}

const NOTES = `
Samples have channels first, as in the job; where a layer of Keras wants them last, a Permute stands before it. Trained on, it follows Keras' rules: running
statistics, dropout and initial states are its own.
`;

function source(model: KerasModel, shape: readonly number[]): string {
  return `import pathlib

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
    return ops.convert_to_numpy(load()(prepare(rows)))
`;
}
