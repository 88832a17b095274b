/** The JSON of Keras models → layers that give the shapes that Keras gives. */
import { expect, test } from "vitest";
import { ImportError } from "../../../src/interchange/import-error.ts";
import { readKerasConfig } from "../../../src/interchange/keras/read-config.ts";
import { placeLayers } from "../../../src/interchange/layer-rules.ts";
import { fixture } from "../fixture.ts";

const models = new Map<string, { config: unknown; output: number[] }>(
  Object.entries(JSON.parse(fixture("keras.json").toString())),
);

test.each([...models.keys()])("the model %s gives what it gives in Keras", (name) => {
  const { config, output = [] } = models.get(name) ?? {};
  const { layers, inputShape } = readKerasConfig(config);
  // Of one position there are channels alone, so that first and last are the same.
  expect(placeLayers(layers, inputShape ?? []).at(-1)?.output).toEqual(output);
});

test("activations become layers, and arguments PyTorch's", () => {
  expect(readKerasConfig(models.get("mlp")?.config)).toMatchObject({
    layers: [
      { type: "Linear", out_features: 8 },
      { type: "ReLU" },
      { type: "Dropout", p: 0.2 },
      { type: "Linear", out_features: 3 },
      { type: "Softmax", dim: -1 },
    ],
    inputShape: [4],
  });
  const { layers, inputShape } = readKerasConfig(models.get("images")?.config);
  expect(inputShape).toEqual([1, 28, 20]);
  expect(layers.slice(0, 5)).toEqual([
    { type: "Conv2d", out_channels: 8, kernel_size: 3, padding: "same" },
    { type: "ReLU" },
    { type: "BatchNorm2d", eps: 0.001, momentum: 0.01, bias: false },
    { type: "MaxPool2d", kernel_size: 2 },
    { type: "ZeroPad2d", padding: [2, 1, 1, 0] },
  ]);
});

const sequential = (...layers: [class_name: string, config: object][]) => ({
  class_name: "Sequential",
  config: { layers: layers.map(([class_name, config]) => ({ class_name, config })) },
});

/** As Keras 2 wrote them. */
const keras2 = (...layers: Parameters<typeof sequential>) => ({ ...sequential(...layers), keras_version: "2.15.0" });

test.each<[why: string, json: unknown, layers: object[]]>([
  ["the slope by its older name", keras2(["LeakyReLU", { alpha: 0.1 }]), [{ type: "LeakyReLU", negative_slope: 0.1 }]],
  [
    "a list instead of a config, as at first",
    { class_name: "Sequential", config: keras2(["Dense", { units: 3 }]).config.layers },
    [{ type: "Linear", out_features: 3 }],
  ],
  [
    "the JSON as a text in JSON",
    JSON.stringify(sequential(["Dense", { units: 3 }])),
    [{ type: "Linear", out_features: 3 }],
  ],
  [
    "a Sequential in another",
    sequential(
      ["InputLayer", { batch_shape: [null, 4] }],
      ["Sequential", sequential(["Dense", { units: 3, activation: "relu" }]).config],
      ["Dense", { units: 1 }],
    ),
    [
      { type: "Sequential", layers: [{ type: "Linear", out_features: 3 }, { type: "ReLU" }] },
      { type: "Linear", out_features: 1 },
    ],
  ],
  [
    "an axis that was found to be the last",
    keras2(["Dense", { units: 3, batch_input_shape: [null, 4] }], ["BatchNormalization", { axis: [1] }]),
    [
      { type: "Linear", out_features: 3 },
      { type: "BatchNorm1d", eps: 0.001, momentum: 0.01 },
    ],
  ],
  [
    "norms without weights",
    sequential(
      ["LayerNormalization", { center: false }],
      ["GroupNormalization", { groups: 2, center: false, scale: false }],
      ["RMSNormalization", {}],
    ),
    [
      { type: "LayerNorm", eps: 0.001, bias: false },
      { type: "GroupNorm", num_groups: 2, eps: 0.001, affine: false },
      { type: "RMSNorm", eps: 1e-6 },
    ],
  ],
  [
    "embeddings that are averaged",
    sequential(["Embedding", { input_dim: 9, output_dim: 2 }], ["GlobalAveragePooling1D", {}], ["Dense", { units: 1 }]),
    [
      { type: "EmbeddingBag", num_embeddings: 9, embedding_dim: 2, mode: "mean" },
      { type: "Linear", out_features: 1 },
    ],
  ],
  [
    "a Dense for each step",
    sequential(
      ["LSTM", { units: 3, return_sequences: true }],
      ["TimeDistributed", { layer: { class_name: "Dense", config: { units: 2, activation: "tanh" } } }],
    ),
    [{ type: "LSTM", hidden_size: 3, return_sequences: true }, { type: "Linear", out_features: 2 }, { type: "Tanh" }],
  ],
  [
    "activations as layers and as functions",
    sequential(
      ["Dense", { units: 2, activation: { class_name: "LeakyReLU", config: { negative_slope: 0.2 } } }],
      ["Dense", { units: 2, activation: { module: "builtins", class_name: "function", config: "relu" } }],
    ),
    [
      { type: "Linear", out_features: 2 },
      { type: "LeakyReLU", negative_slope: 0.2 },
      { type: "Linear", out_features: 2 },
      { type: "ReLU" },
    ],
  ],
])("%s is read", (_, json, layers) => {
  expect(readKerasConfig(json).layers).toEqual(layers);
});

test.each<[why: string, json: unknown, path: string, message: RegExp]>([
  ["another model", { class_name: "Functional", config: { layers: [] } }, "", /this is a Functional/],
  ["no model", 3, "", /^expects what model.to_json\(\) gives/],
  [
    "an unknown layer",
    sequential(["Dense", { units: 3 }], ["Dropuot", { rate: 0.5 }]),
    "config.layers[1] (Dropuot)",
    /did you mean "Dropout"/,
  ],
  [
    "a layer of that other name",
    sequential(["constructor", {}]),
    "config.layers[0] (constructor)",
    /^there is no layer for it/,
  ],
  [
    "an argument of the wrong kind",
    sequential(["Dense", { name: "d", units: "many" }]),
    'config.layers[0] (Dense "d")',
    /^units: /,
  ],
  [
    "an unknown activation",
    sequential(["Dense", { units: 3, activation: "wiggle" }]),
    "config.layers[0] (Dense)",
    /"wiggle" is none of/,
  ],
  [
    "padding that depends on the size",
    sequential(["Conv2D", { filters: 3, kernel_size: 3, strides: 2, padding: "same" }]),
    "config.layers[0] (Conv2D)",
    /ZeroPadding/,
  ],
  [
    "steps where channels must come first",
    sequential(["Embedding", { input_dim: 5, output_dim: 3 }], ["Conv1D", { filters: 2, kernel_size: 2 }]),
    "config.layers[1] (Conv1D)",
    /no layer swaps/,
  ],
  [
    "channels where steps must come first",
    sequential(["Conv1D", { filters: 2, kernel_size: 2 }], ["LSTM", { units: 3 }]),
    "config.layers[1] (LSTM)",
    /no layer swaps/,
  ],
  ...[
    ["Embedding", { input_dim: 5, output_dim: 3, mask_zero: true }, /^mask_zero is true; there are no masks/] as const,
    ["LSTM", { units: 3, dropout: 0.2 }, /^dropout is 0.2; put a Dropout before it/] as const,
    ["GRU", { units: 3, recurrent_dropout: 0.2 }, /^recurrent_dropout is 0.2, which PyTorch has not/] as const,
    ["GRU", { units: 3, reset_after: false }, /^reset_after is false/] as const,
    ["Dropout", { rate: 0.2, noise_shape: [null, 1, 2] }, /^noise_shape is \[null,1,2\]/] as const,
    ["BatchNormalization", { axis: 1, batch_shape: [null, 4, 5, 3] }, /^axis is 1; the last one/] as const,
    ["LayerNormalization", { axis: [1, 2], batch_shape: [null, 4, 5] }, /^axis is \[1,2\]; the last one/] as const,
    ["Rescaling", { scale: 0.1 }, /^there is no layer for it; leave it out: "scale"/] as const,
    ["Activation", { activation: { class_name: "Wiggle", config: {} } }, /^the activation Wiggle is no layer/] as const,
  ].map(([name, config, message]): [string, unknown, string, RegExp] => [
    `${name} with ${JSON.stringify(config)}`,
    sequential([name, config]),
    `config.layers[0] (${name})`,
    message,
  ]),
  [
    "Keras 2's hard_sigmoid",
    keras2(["Dense", { units: 3, activation: "hard_sigmoid" }]),
    "config.layers[0] (Dense)",
    /of Keras 2 is min/,
  ],
  [
    "a layer in a Sequential in another",
    sequential(["Sequential", { name: "inner", ...sequential(["Dense", { units: 3 }], ["Dens", {}]).config }]),
    "config.layers[0].config.layers[1] (Dens)",
    /did you mean "Dense"/,
  ],
  [
    "what is nested without end",
    Array.from({ length: 9 }).reduce<unknown>(
      (inside) => sequential(["Sequential", Object(inside).config ?? sequential().config]),
      null,
    ),
    expect.stringMatching(/^config(\.layers\[0\]\.config){7}\.layers\[0\] \(Sequential\)$/),
    /more than 8 deep/,
  ],
])("%s is refused by its layer", (_, json, path, message) => {
  let mistakes: unknown;
  try {
    readKerasConfig(json);
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    ({ mistakes } = error);
  }
  expect(mistakes).toEqual([{ path, message: expect.stringMatching(message) }]);
});
