/** Layers in PyTorch's words. What they compute, test/differential/pytorch.test.ts says. */
import { expect, test } from "vitest";
import { layers } from "../../../src/engine/definitions.ts";
import { isOfPyTorch, writeLayers } from "../../../src/interchange/pytorch/layers.ts";
import { fixture } from "../fixture.ts";

test("every layer is one of torch.nn, or has a class of its own", () => {
  const known = new Set<string>(JSON.parse(fixture("torch-nn.json").toString()));
  expect([...layers.keys()].filter((type) => isOfPyTorch(type) && !known.has(type))).toEqual([]);
});

test("arguments are told as a person would: in their order, without defaults", () => {
  const written = writeLayers(
    [
      { type: "Conv2d", in_channels: 1, out_channels: 4, kernel_size: [3, 5], stride: 1, padding: "same", bias: false },
      {
        type: "Residual",
        layers: [
          { type: "Dropout", p: 0.5 },
          { type: "GELU", approximate: "tanh" },
        ],
      },
      { type: "LSTM", input_size: 3, hidden_size: 4, num_layers: 1, bidirectional: true, return_sequences: false },
    ],
    "",
  );
  expect(written.calls).toEqual([
    'nn.Conv2d(1, 4, (3, 5), padding="same", bias=False)',
    'Residual(nn.Dropout(), nn.GELU(approximate="tanh"))',
    "LSTM(3, 4, bidirectional=True)",
  ]);
  expect(written.forms.map((text) => text.split("\n")[0])).toEqual([
    "class Residual(nn.Sequential):",
    "class Recurrent:",
    "class LSTM(Recurrent, nn.LSTM):",
  ]);
});
