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
