/** Layers made of layers, used directly and built from specs. */
import { expect, test } from "vitest";
import {
  buildModel,
  Linear,
  layers,
  ops,
  Residual,
  Sequential,
  ShapeError,
  Tanh,
  tensor,
} from "../../../src/engine/index.ts";
import "../device-of-the-tests.ts";

test("Residual gives x + f(x)", () => {
  const inner = new Linear(3, 3).seed(1);
  const x = tensor([[1, -2, 3]]);
  const y = new Residual(inner, new Tanh()).forward(x);
  expect(y.toList()).toEqual(ops.add(x, ops.tanh(inner.forward(x))).toList());
});

test("Residual refuses layers that change the shape", () => {
  expect(() => new Residual(new Linear(3, 2)).forward(tensor([[1, 2, 3]]))).toThrow("[1, 2] and x [1, 3]");
});

test("weights inside are named by their places", () => {
  const model = buildModel([
    {
      type: "Residual",
      layers: [
        { type: "Linear", in_features: 2, out_features: 2 },
        { type: "Sequential", layers: [{ type: "BatchNorm1d", num_features: 2 }] },
      ],
    },
  ]);
  expect(model.layers[0]).toBeInstanceOf(Residual);
  expect([...model.stateDict().keys()]).toEqual([
    "0.0.weight",
    "0.0.bias",
    "0.1.0.weight",
    "0.1.0.bias",
    "0.1.0.running_mean",
    "0.1.0.running_var",
    "0.1.0.num_batches_tracked",
  ]);
  const same = new Sequential(new Sequential(new Linear(2, 2)));
  expect([...same.stateDict().keys()]).toEqual(["0.0.weight", "0.0.bias"]);
});

test("a mistake inside is named by its place", () => {
  const definition = layers.get("Sequential");
  const given = {
    layers: [{ type: "Tanh" }, { type: "Residual", layers: [{ type: "Linear", in_features: 5, out_features: 4 }] }],
  };
  const resolve = (): unknown => definition?.resolve(definition.args.parse(given), [4]);
  expect(resolve).toThrow(ShapeError);
  expect(resolve).toThrow(
    expect.objectContaining({ field: "layers[1].layers[0].in_features", message: "expects 4, got 5" }),
  );
});
