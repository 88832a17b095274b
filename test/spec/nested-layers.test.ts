/** Layers that hold layers, and layers that need more than one sample: what a spec with them becomes, and what is said. */
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { catalogue, JobSpec } from "../../src/spec/index.ts";
import { accepted, inline, iris, mistakesOf } from "./specs-of-the-tests.ts";

const withLayers = (...layers: unknown[]) => ({ ...iris, model: { layers } });

const block = {
  type: "Residual",
  layers: [
    { type: "Linear", out_features: 4 },
    { type: "Sequential", layers: [{ type: "Tanh" }, { type: "BatchNorm1d" }] },
  ],
};

describe("layers that hold layers", () => {
  const model = withLayers({ type: "Tanh" }, block, { type: "Linear", out_features: 3 });

  test("have the sizes of what they hold filled in", async () => {
    const { spec } = await accepted(model);
    expect(spec.model.layers[1]).toMatchObject({
      type: "Residual",
      layers: [
        { type: "Linear", in_features: 4, out_features: 4, bias: true },
        { type: "Sequential", layers: [{ type: "Tanh" }, { type: "BatchNorm1d", num_features: 4, eps: 1e-5 }] },
      ],
    });
    expect((await accepted(JSON.parse(JSON.stringify(spec)))).spec).toEqual(spec);
    expect(JobSpec.safeParse(JSON.parse(JSON.stringify(spec))).success).toBe(true);
  });

  test("are listed in the summary with what they hold, named as PyTorch's nested Sequential names it", async () => {
    const { summary } = await accepted(model);
    expect(summary.layers.map(({ name, type, parameters }) => [name, type, parameters])).toEqual([
      ["0", "Tanh", 0],
      ["1", "Residual", 0],
      ["1.0", "Linear", 20],
      ["1.1", "Sequential", 0],
      ["1.1.0", "Tanh", 0],
      ["1.1.1", "BatchNorm1d", 8],
      ["2", "Linear", 15],
    ]);
    expect(summary.parameters).toBe(43);
    // 2·4·4 of one Linear, 2·4·3 of the other, 8·4 of each Tanh, 20 of BatchNorm1d and 4 of the sum.
    expect(summary.flops_per_sample).toBe(32 + 24 + 64 + 20 + 4);
  });

  test("take weights by those names, running statistics included", async () => {
    const weights = { "1.0.bias": [1, 2, 3, 4], "1.1.1.running_mean": [0, 0, 0, 0] };
    await accepted({ ...model, model: { ...model.model, init: { weights } } });
    const wrong = { ...model.model, init: { weights: { "1.1.bias": [1] } } };
    expect(await mistakesOf({ ...model, model: wrong })).toMatchObject([{ path: 'model.init.weights["1.1.bias"]' }]);
  });

  test("have every mistake in them told with its whole path", async () => {
    const broken = withLayers(
      { type: "ReLU" },
      {
        type: "Residual",
        layers: [
          { type: "Linear", in_features: 7, out_features: 4 },
          {
            type: "Sequential",
            layers: [
              { type: "Linear", in_features: 5, out_features: 4 },
              { type: "Tanh", inplac: true },
            ],
          },
        ],
      },
      { type: "Sequential", layers: [{ type: "Linear", in_features: 9, out_features: 3 }] },
    );
    const paths = (await mistakesOf(broken)).map(({ path, message }) => `${path}: ${message}`);
    expect(paths).toEqual([
      expect.stringMatching(/^model\.layers\[1\]\.layers\[1\]\.layers\[1\]\.inplac: unknown field "inplac"/),
      "model.layers[1].layers[0].in_features: expects 4, the output of layer 0 (ReLU), got 7",
      "model.layers[1].layers[1].layers[0].in_features: expects 4, the output of layer 1.0 (Linear), got 5",
      "model.layers[2].layers[0].in_features: expects 4, the output of layer 1 (Residual), got 9",
    ]);
  });

  test("say what is unknown, missing or too much inside of them", async () => {
    const of = async (layer: unknown) =>
      (await mistakesOf(withLayers(layer))).map(({ path, message }) => `${path}: ${message}`);
    expect(await of({ type: "Residual", layers: [{ type: "Linea", out_features: 4 }] })).toContainEqual(
      expect.stringMatching(/^model\.layers\[0\]\.layers\[0\]\.type: unknown layer "Linea".*Linear/),
    );
    expect(await of({ type: "Residual" })).toEqual([
      "model.layers[0].layers: is required: an array of at least one layer",
    ]);
    expect(await of({ type: "Residual", layers: [] })).toEqual([
      expect.stringMatching(/^model\.layers\[0\]\.layers: expects an array of at least one layer/),
    ]);
    expect(await of({ type: "Residual", layers: [{ type: "Linear", out_features: 3 }] })).toEqual([
      "model.layers[0].layers: x + f(x) needs layers that give back the shape they get, [4], and these give [3] (the data gives [4])",
    ]);
    let deep: unknown = { type: "Tanh" };
    for (let i = 0; i < 500; i++) deep = { type: "Sequential", layers: [deep] };
    expect(await of(deep)).toEqual([expect.stringContaining("is nested more than 8 deep")]);
    const many = { type: "Sequential", layers: Array.from({ length: 600 }, () => ({ type: "Tanh" })) };
    expect((await mistakesOf(withLayers(many, many))).map(({ message }) => message)).toContain(
      "at most 1,000 are taken in all, those inside of others included",
    );
  });

  test("make no endless schema", () => {
    const { $defs = {} } = z.toJSONSchema(JobSpec, { io: "input" });
    expect($defs["Residual"]).toMatchObject({
      properties: { layers: { type: "array", items: { $ref: "#/$defs/Layer" } } },
    });
    const entry = catalogue().layers.find(({ type }) => type === "Residual");
    expect(JSON.stringify(entry).length).toBeLessThan(5000);
    expect(JSON.stringify(entry)).toContain('"Linear"');
  });
});

describe("a layer that can't train on one sample", () => {
  const model = { layers: [{ type: "BatchNorm1d" }, { type: "Linear", out_features: 2 }] };

  test("is refused with batches of one", async () => {
    expect(await mistakesOf({ ...inline, model, batch_size: 1 })).toEqual([
      {
        path: "batch_size",
        message: "1 makes batches too small for layer 0 (BatchNorm1d), which trains on 2 samples or more at once",
      },
    ]);
  });

  test("is refused when the last batch is one sample, unless that is left out", async () => {
    expect(await mistakesOf({ ...inline, model, batch_size: 3 })).toEqual([
      {
        path: "batch_size",
        message:
          'leaves a last batch of 1 (4 rows in batches of 3), and layer 0 (BatchNorm1d) trains on 2 samples or more at once; use another batch_size, or "drop_last": true',
      },
    ]);
    await accepted({ ...inline, model, batch_size: 3, drop_last: true });
    await accepted({ ...inline, model, batch_size: 2 });
  });
});
