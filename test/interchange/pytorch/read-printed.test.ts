/** `print(nn.Sequential(…))` → layers. */
import { expect, test } from "vitest";
import { ImportError } from "../../../src/interchange/import-error.ts";
import { placeLayers } from "../../../src/interchange/layer-rules.ts";
import { readPrinted } from "../../../src/interchange/pytorch/read-printed.ts";
import { fixture } from "../fixture.ts";

const mistakesOf = (text: string) => {
  try {
    readPrinted(text);
    return [];
  } catch (error) {
    if (error instanceof ImportError) return error.mistakes;
    throw error;
  }
};

const printed = (...lines: string[]): string => `Sequential(\n${lines.map((line) => `  ${line}\n`).join("")})\n`;

test("every layer with its arguments, nested ones too", () => {
  const { layers, rename } = readPrinted(fixture("images.txt").toString());
  expect(layers.map(({ type }) => type)).toEqual([
    "Conv2d",
    "BatchNorm2d",
    "LeakyReLU",
    "MaxPool2d",
    "Sequential",
    "Dropout",
    "Linear",
  ]);
  expect(layers[0]).toMatchObject({ in_channels: 1, out_channels: 3, kernel_size: [3, 3], padding_mode: "reflect" });
  expect(layers[4]).toMatchObject({ layers: [{ type: "Flatten" }, { bias: false }, { approximate: "none" }] });
  expect(placeLayers(layers, [1, 4, 4]).at(-1)?.output).toEqual([2]);
  expect(rename).toEqual({});
});

test("layers that have names are told, for their weights", () => {
  const { layers, rename } = readPrinted(
    printed("(conv): Linear(2, 3)", "(rest): Sequential(", "  (act): ReLU(inplace=True)", "  (1): Linear(3, 1)", ")"),
  );
  expect(layers).toEqual([
    { type: "Linear", in_features: 2, out_features: 3 },
    {
      type: "Sequential",
      layers: [
        { type: "ReLU", inplace: true },
        { type: "Linear", in_features: 3, out_features: 1 },
      ],
    },
  ]);
  // Without those that have no weights, which init.rename would not find.
  expect(rename).toEqual({ conv: "0", "rest.1": "1.1" });
});

test("layers that wait for their first input leave its size open", () => {
  const { layers } = readPrinted(
    printed(
      "(0): LazyConv2d(0, 8, kernel_size=(3, 3), stride=(1, 1))",
      "(1): LazyBatchNorm2d(0, eps=1e-05)",
      "(2): LazyLinear(in_features=0, out_features=4, bias=True)",
    ),
  );
  expect(layers).toEqual([
    { type: "Conv2d", out_channels: 8, kernel_size: [3, 3], stride: [1, 1] },
    { type: "BatchNorm2d", eps: 1e-5 },
    { type: "Linear", out_features: 4, bias: true },
  ]);
});

test("a Sequential that is compiled, or spread over devices, is read within", () => {
  const compiled = `OptimizedModule(\n  (_orig_mod): DataParallel(\n    (module): ${printed("(0): ReLU()", "(1): Linear(2, 3)")}  )\n)\n`;
  const { layers, rename } = readPrinted(compiled);
  expect(layers).toEqual([{ type: "ReLU" }, { type: "Linear", in_features: 2, out_features: 3 }]);
  expect(rename).toEqual({ "_orig_mod.module.1": "1" });
  expect(mistakesOf("DataParallel(\n  (module): Net(\n    (fc): Linear(2, 3)\n  )\n)")).toEqual([
    { path: "line 2", message: expect.stringMatching(/^expects "Sequential\(".*got "Net\("/) },
  ]);
});

test.each<[why: string, text: string, path: string, message: RegExp]>([
  ["another module", "Net(\n  (fc): Linear(2, 3)\n)", "line 1", /^expects "Sequential\(".*got "Net\("/],
  ["nothing", "", "line 1", /^expects "Sequential\("/],
  ["an unknown layer", printed("(0): ReLu()"), "line 2", /^there is no layer ReLu; did you mean "ReLU"\?/],
  [
    "an argument that can't be read",
    printed("(0): Linear(2, lambda: 3)"),
    "line 2",
    /^Linear: "lambda: 3" can't be read/,
  ],
  ["an argument of the wrong kind", printed("(0): ReLU()", "(1): Dropout(p=2)"), "line 3", /^Dropout: p: /],
  ["too many arguments", printed("(0): ReLU(1, 2, 3)"), "line 2", /^ReLU takes at most 1/],
  ["sequences that don't come samples first", printed("(0): LSTM(3, 4)"), "line 2", /batch_first=True/],
  [
    "a layer whose print hides how it works",
    printed("(0): TransformerEncoderLayer(", "  (self_attn): MultiheadAttention(", "  )", ")", "(1): ReLU()"),
    "line 2",
    /^TransformerEncoderLayer holds other layers.*Write it by hand/,
  ],
  ["no layer at all", printed("what is this"), "line 2", /^expects a layer such as/],
  ["an end that is missing", "Sequential(\n  (0): ReLU()\n", "the end", /closes Sequential/],
  ["tuples without an end to them", printed(`(0): Linear(${"(".repeat(50_000)}, 3)`), "line 2", /can't be read/],
])("%s is refused by its line", (_, text, path, message) => {
  expect(mistakesOf(text)).toEqual([{ path, message: expect.stringMatching(message) }]);
});

test("modules nested without end are refused", () => {
  expect(mistakesOf("Sequential(\n".concat("(0): Sequential(\n".repeat(20_000)))[0]?.message).toMatch(
    /nested more than 8/,
  );
});
