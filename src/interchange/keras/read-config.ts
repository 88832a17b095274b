/** The JSON of a Keras `Sequential` (`model.to_json()`) → layers, or which of its layers can't become some. */
import { z } from "zod";
import { nearest } from "../../data/nearest-name.ts";
import { ImportError, type ImportedArchitecture, type ImportMistake } from "../import-error.ts";
import { KerasConfig, type LayerSpec, type Place, refusal } from "./keras-config.ts";
import { activationLayers, kerasLayers } from "./keras-layers.ts";

const KerasLayer = z.looseObject({ class_name: z.string(), config: z.looseObject({ name: z.string().optional() }) });
const Sequential = z.looseObject({
  class_name: z.literal("Sequential"),
  config: z.looseObject({ layers: z.array(KerasLayer) }),
});

export function readKerasConfig(json: unknown): ImportedArchitecture {
  const model = Sequential.safeParse(json);
  if (!model.success) {
    const found = Object(json)["class_name"];
    const what = typeof found === "string" ? `; this is a ${found}` : "";
    throw refusal(
      `expects what model.to_json() gives of a keras.Sequential, { "class_name": "Sequential", "config": { "layers": […] } }${what}`,
    );
  }
  const mistakes: ImportMistake[] = [];
  const layers: LayerSpec[] = [];
  let inputShape: readonly number[] | null = null;
  let place: Place = { layout: "unknown", dimensions: 0 };
  for (const [i, { class_name, config }] of model.data.config.layers.entries()) {
    const path = `config.layers[${i}] (${class_name}${config.name === undefined ? "" : ` ${JSON.stringify(config.name)}`})`;
    const shape = i === 0 ? batchShape(config) : null;
    if (shape) [inputShape, place] = inputOf(shape, model.data.config.layers);
    if (class_name === "InputLayer") continue;
    try {
      const read = Object.hasOwn(kerasLayers, class_name) ? kerasLayers[class_name] : undefined;
      if (!read) throw refusal(`there is no layer for it${nearest(class_name, Object.keys(kerasLayers))}`);
      const made = read(new KerasConfig(config), place);
      layers.push(...made.layers);
      place = made.place;
      if (config["activation"] !== undefined && !OWN_ACTIVATION.has(class_name)) {
        layers.push(...activationLayers(config["activation"], place));
      }
    } catch (error) {
      if (!(error instanceof ImportError)) throw error;
      mistakes.push(...error.mistakes.map(({ message }) => ({ path, message })));
    }
  }
  if (mistakes.length > 0) throw new ImportError(mistakes);
  return { layers, inputShape, rename: {} };
}

/** Layers whose `activation` is part of what they compute, or all that they do. */
const OWN_ACTIVATION = new Set(["LSTM", "GRU", "SimpleRNN", "Bidirectional", "Activation"]);

function batchShape(config: Readonly<Record<string, unknown>>): (number | null)[] | null {
  const found = z.array(z.int().positive().nullable()).safeParse(config["batch_shape"] ?? config["batch_input_shape"]);
  return found.success ? found.data.slice(1) : null;
}

/** Whether a matrix is steps of features or channels of positions, the layers after it say. */
function inputOf(
  shape: readonly (number | null)[],
  layers: readonly { readonly class_name: string }[],
): [readonly number[] | null, Place] {
  const known = shape.every((size): size is number => size !== null) ? shape : null;
  const first = layers.find(({ class_name }) => class_name !== "InputLayer")?.class_name ?? "";
  const overChannels = shape.length >= 3 || /Conv|Pool|UpSampling1D|ZeroPadding1D|SpatialDropout/.test(first);
  if (shape.length < 2) return [known, { layout: "features", dimensions: 0 }];
  if (!overChannels) return [known, { layout: "steps", dimensions: 0 }];
  const last = known?.at(-1);
  const channelsFirst = known && last !== undefined ? [last, ...known.slice(0, -1)] : null;
  return [channelsFirst, { layout: "channels", dimensions: shape.length - 1 }];
}
