/** Keras code: whether every layer has a rule, and what is refused. What it computes, test/differential/keras.test.ts says. */
import { strFromU8, unzipSync } from "fflate";
import { expect, test } from "vitest";
import { layers } from "../../../src/engine/definitions.ts";
import { exportKeras } from "../../../src/interchange/keras/export-keras.ts";
import { kerasRules } from "../../../src/interchange/keras/layers.ts";
import { NotExpressibleError } from "../../../src/interchange/trained-file.ts";
import { layerCases, trainedFile } from "../layer-cases.ts";

test("every layer has a rule", () => {
  expect([...kerasRules.keys()].sort()).toEqual([...layers.keys()].sort());
});

test("what is refused is known, and says which layer and why", () => {
  const refused = layerCases().flatMap((given) => {
    try {
      exportKeras(trainedFile(given));
      return [];
    } catch (error) {
      if (!(error instanceof NotExpressibleError)) throw error;
      expect(error.path).toBe("model.layers[0]");
      expect(error.message).toMatch(/^\w+ can't be written for Keras: /);
      return [given.name];
    }
  });
  expect(refused.sort()).toEqual([
    "lstm-projected",
    "maxpool-dilated",
    "trained-batchnorm2d-without-statistics",
    "trained-conv2d-uneven",
    "trained-conv3d-dilated",
    "trained-conv3d-groups-circular",
    "trained-convtranspose2d",
    "trained-convtranspose2d-uneven",
    "trained-fold",
    "trained-lstm-projected-both-ways",
    "trained-maxpool2d-uneven",
    "trained-multiheadattention-more-keys",
    "trained-unfold",
    "transposed-grouped",
  ]);
});

test("the code is a Sequential, whose weights lie beside it by layer", () => {
  const given = layerCases().find(({ name }) => name === "cnn");
  if (!given) throw new Error("There is no such case.");
  const files = unzipSync(exportKeras(trainedFile(given)));
  const model = strFromU8(files["model.py"] ?? new Uint8Array());
  expect(model).toContain("keras.Input((1, 8, 8))");
  // Tensors of PyTorch, one of Keras' backends, do not become arrays by themselves.
  expect(model).toContain("return ops.convert_to_numpy(load()(prepare(rows)))");
  expect(model).toContain("layers.Conv2D(4, (3, 3), use_bias=False)");
  expect(model).toContain("layers.BatchNormalization(epsilon=0.00001, momentum=0.9)");
  const arrays = Object.keys(unzipSync(files["weights.npz"] ?? new Uint8Array()));
  // A Permute and a padding stand before the first convolution.
  expect(arrays.slice(0, 5)).toEqual(["2/0.npy", "3/0.npy", "3/1.npy", "3/2.npy", "3/3.npy"]);
});
