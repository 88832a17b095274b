/** A loss that does not go with the last layer or the targets is refused, with what would. */
import { describe, expect, test } from "vitest";
import { accepted, inline, iris, mistakesOf, votes } from "./specs-of-the-tests.ts";

describe("the loss is checked against the last layer and the targets", () => {
  const two = { ...iris, model: { layers: [{ type: "Linear", out_features: 2 }] } };
  test.each<[string, unknown, string, RegExp]>([
    ["fewer outputs than classes", two, "loss", /^the last layer has 2 outputs, so classes are 0 … 1/],
    [
      "BCELoss on outputs that are no probabilities",
      { ...votes, model: { layers: [{ type: "Linear", out_features: 1 }] } },
      "loss",
      /^wants outputs from 0 to 1/,
    ],
    [
      "BCELoss on two outputs for one target",
      { ...votes, model: { layers: [{ type: "Linear", out_features: 2 }, { type: "Sigmoid" }] } },
      "loss",
      /\[2\] .* \[1\]/,
    ],
    [
      "BCELoss on targets beyond 1",
      {
        ...inline,
        ...{ loss: "BCELoss", model: votes.model },
        model: { layers: [{ type: "Linear", out_features: 1 }, { type: "Sigmoid" }] },
        data: { inline: { inputs: [[1], [2]], targets: [0, 2] } },
      },
      "loss",
      /targets from 0 to 1/,
    ],
    [
      "several classes per row for one row of outputs",
      { ...inline, data: { inline: { inputs: [[1], [2]], targets: [[0], [1]] } } },
      "loss",
      /^wants one class index or label per row beside outputs \[2\], got targets of shape \[1\]/,
    ],
    [
      "more weights than classes",
      { ...iris, loss: { type: "CrossEntropyLoss", weight: [1, 2] } },
      "loss.weight",
      /^expects 3 numbers/,
    ],
  ])("%s", async (_what, spec, path, message) => {
    expect(await mistakesOf(spec)).toEqual([{ path, message: expect.stringMatching(message) }]);
  });
  test("a class out of range in the request is named with its row", async () => {
    const spec = { ...inline, data: { inline: { inputs: [[1], [2], [3]], targets: [0, 1, 3] } } };
    expect(await mistakesOf(spec)).toEqual([
      {
        path: "data.inline.targets[2]",
        message: "3 is out of range: the last layer has 2 outputs, so classes are 0 … 1",
      },
    ]);
  });
  test("so is one among the classes of a sequence, with its step", async () => {
    const model = {
      layers: [
        { type: "Unflatten", unflattened_size: [1, 2] },
        { type: "Conv1d", out_channels: 2, kernel_size: 1 },
      ],
    };
    const inputs = [
      [1, 2],
      [3, 4],
    ];
    const targets = [
      [0, 1],
      [1, 2],
    ];
    expect(await mistakesOf({ ...inline, model, data: { inline: { inputs, targets } } })).toEqual([
      { path: "data.inline.targets[1][1]", message: expect.stringMatching(/^2 is out of range/) },
    ]);
  });
  test("a Sigmoid is still known behind layers that only reshape", async () => {
    const layers = [...votes.model.layers, { type: "Flatten" }, { type: "Identity" }];
    await accepted({ ...votes, model: { layers } });
  });
});
