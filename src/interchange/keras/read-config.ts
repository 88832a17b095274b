/** The JSON of a Keras `Sequential` (`model.to_json()`) → layers, or which of its layers can't become some. */
import { z } from "zod";
import { nearest } from "../../data/nearest-name.ts";
import { MAX_DEPTH } from "../../spec/check-layers.ts";
import { ImportError, type ImportedArchitecture, type ImportMistake } from "../import-error.ts";
import { KerasConfig, type KerasReader, type LayerSpec, type Place, refusal } from "./keras-config.ts";
import { activationLayers, kerasLayers } from "./keras-layers.ts";

const KerasLayer = z.looseObject({ class_name: z.string(), config: z.looseObject({ name: z.string().optional() }) });
type KerasLayer = z.infer<typeof KerasLayer>;
const Layers = z.looseObject({ layers: z.array(KerasLayer) });
const Sequential = z.looseObject({
  class_name: z.literal("Sequential"),
  // At first, Keras wrote the list alone.
  config: Layers.or(z.array(KerasLayer).transform((layers) => ({ layers }))),
  keras_version: z.string().optional(),
});

export function readKerasConfig(json: unknown): ImportedArchitecture {
  const model = Sequential.safeParse(typeof json === "string" ? parsed(json) : json);
  if (!model.success) {
    const found = Object(json)["class_name"];
    const what = typeof found === "string" && found !== "Sequential" ? `; this is a ${found}` : "";
    throw refusal(
      `expects what model.to_json() gives of a keras.Sequential, { "class_name": "Sequential", "config": { "layers": […] } }${what}`,
    );
  }
  const { config, keras_version = "3" } = model.data;
  const [first] = config.layers;
  const shape = first ? batchShape(first.config) : null;
  const [inputShape, place] = shape
    ? inputOf(shape, config.layers)
    : [null, { layout: "unknown", dimensions: 0 } as const];
  const reader = new Reader(Number.parseInt(keras_version, 10) < 3);
  const { layers } = reader.all(config.layers, "config", place);
  if (reader.mistakes.length > 0) throw new ImportError(reader.mistakes);
  return { layers, inputShape, rename: {} };
}

/** The JSON as the text that it is, which JSON can hold once more: `requests.post(…, json=model.to_json())`. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

class Reader {
  readonly mistakes: ImportMistake[] = [];
  readonly #beforeKeras3: boolean;

  constructor(beforeKeras3: boolean) {
    this.#beforeKeras3 = beforeKeras3;
  }

  all(theirs: readonly KerasLayer[], around: string, first: Place, depth = 1): { layers: LayerSpec[]; place: Place } {
    const layers: LayerSpec[] = [];
    let place = first;
    for (const [i, layer] of theirs.entries()) {
      const { class_name, config } = layer;
      if (class_name === "InputLayer") continue;
      const at = `${around}.layers[${i}]`;
      try {
        const pooled = poolOfEmbeddings(layers.at(-1), class_name);
        if (pooled) layers.pop();
        const made = pooled ?? this.#one(layer, at, place, depth);
        layers.push(...made.layers);
        place = made.place;
      } catch (error) {
        if (!(error instanceof ImportError)) throw error;
        const path = `${at} (${class_name}${config.name === undefined ? "" : ` ${JSON.stringify(config.name)}`})`;
        this.mistakes.push(...error.mistakes.map(({ message }) => ({ path, message })));
      }
    }
    return { layers, place };
  }

  #one({ class_name, config }: KerasLayer, at: string, place: Place, depth: number): ReturnType<KerasReader> {
    if (class_name === "Sequential") {
      if (depth === MAX_DEPTH) throw refusal(`is nested more than ${MAX_DEPTH} deep`);
      const within = Layers.safeParse(config);
      if (!within.success) throw refusal("expects a list of layers in its config");
      const made = this.all(within.data.layers, `${at}.config`, place, depth + 1);
      return { layers: [{ type: "Sequential", layers: made.layers }], place: made.place };
    }
    if (this.#beforeKeras3 && config["activation"] === "hard_sigmoid")
      throw refusal('the activation "hard_sigmoid" of Keras 2 is min(1, max(0, 0.2·x + 0.5)), which PyTorch has not');
    const read = Object.hasOwn(kerasLayers, class_name) ? kerasLayers[class_name] : undefined;
    if (!read) {
      const instead = Object.hasOwn(PREPARES, class_name) ? `; leave it out: ${PREPARES[class_name]}` : "";
      throw refusal(`there is no layer for it${instead || nearest(class_name, Object.keys(kerasLayers))}`);
    }
    const made = read(new KerasConfig(config), place);
    if (config["activation"] === undefined || OWN_ACTIVATION.has(class_name)) return made;
    return { ...made, layers: [...made.layers, ...activationLayers(config["activation"], made.place)] };
  }
}

/** Layers that prepare data, and what does that here. */
const PREPARES: Readonly<Record<string, string>> = {
  Rescaling: '"scale" in data.preprocess does that',
  Normalization: '"standardize": true in data.preprocess does that',
};

/** The pool over all steps of embeddings is here one layer with them. */
function poolOfEmbeddings(before: LayerSpec | undefined, class_name: string): ReturnType<KerasReader> | null {
  const mode = { GlobalAveragePooling1D: "mean", GlobalMaxPooling1D: "max" }[class_name];
  if (mode === undefined || before?.["type"] !== "Embedding") return null;
  return { layers: [{ ...before, type: "EmbeddingBag", mode }], place: { layout: "features", dimensions: 0 } };
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
