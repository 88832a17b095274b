/** Specs of networks over images: what is filled in from the data, and what is said of mistakes. */
import { expect, test } from "vitest";
import { accepted, mistakesOf } from "./specs-of-the-tests.ts";

const digits = (...layers: unknown[]) => ({
  model: { layers },
  loss: "CrossEntropyLoss",
  optimizer: "Adam",
  epochs: 1,
  data: { dataset_id: "digits", target: "digit", preprocess: { scale: 0.0625, shape: [1, 8, 8] } },
});
const classifier = [{ type: "Flatten" }, { type: "Linear", out_features: 10 }];

test("channels follow from the samples", async () => {
  const convolution = { type: "Conv2d", out_channels: 8, kernel_size: 3 };
  const { spec, summary } = await accepted(
    digits(convolution, { type: "MaxPool2d", kernel_size: 2 }, convolution, ...classifier),
  );
  expect(spec.model.layers).toMatchObject([{ in_channels: 1 }, {}, { in_channels: 8 }, {}, { in_features: 8 }]);
  expect(summary.layers.map(({ output_shape }) => output_shape)).toEqual([[8, 6, 6], [8, 3, 3], [8, 1, 1], [8], [10]]);
});

test("mistakes are told together, in terms of the samples that reach the layer", async () => {
  const spoiled = digits(
    { type: "Conv2d", out_channels: 8, kernel_size: 3, in_channels: 3 },
    { type: "MaxPool2d", kernel_size: 20 },
    ...classifier,
  );
  expect(await mistakesOf(spoiled)).toEqual([
    { path: "model.layers[0].in_channels", message: "expects 1, the size of the data's samples, got 3" },
    {
      path: "model.layers[1].kernel_size",
      message:
        "expects a window that reaches over at most 6 elements (6 and padding), got 20 (layer 0 (Conv2d) gives [8, 6, 6])",
    },
  ]);
});

test("an argument of several forms says which there are, or what is wrong with the one that was meant", async () => {
  const said = async (args: object): Promise<unknown> => {
    const given = { type: "Conv2d", out_channels: 8, kernel_size: 3, ...args };
    return (await mistakesOf(digits(given, ...classifier))).map(({ message }) => message);
  };
  expect(await said({ kernel_size: "3" })).toEqual(['expects a number or an array, got "3"']);
  expect(await said({ kernel_size: 0 })).toEqual([expect.stringMatching(/^expects at least 1/)]);
  expect(await said({ kernel_size: [3, 3, 3] })).toEqual(["expects at most 2 values, got 3"]);
  expect(await said({ padding: "sam" })).toEqual(['expects a number or an array or "same" or "valid", got "sam"']);
});
