/** Weights from files that PyTorch wrote: safetensors and ONNX. */
import { expect, test } from "vitest";
import { createWasmBackend, encodeSafetensors, Predictor } from "../../src/engine/index.ts";
import { placeLayers } from "../../src/interchange/layer-rules.ts";
import { exportOnnx } from "../../src/interchange/onnx/export-onnx.ts";
import { readPrinted } from "../../src/interchange/pytorch/read-printed.ts";
import { readWeightsFile } from "../../src/interchange/read-weights-file.ts";
import { fixture } from "./fixture.ts";
import { drawWeights, layerCases, trainedFile } from "./layer-cases.ts";

const { inputs, outputs } = JSON.parse(fixture("images.json").toString());

test.each([
  ["images.safetensors", "safetensors", 6],
  ["images-half.safetensors", "safetensors", 2],
  ["images.onnx", "onnx", 6],
])("%s predicts what PyTorch predicts", async (name, format, digits) => {
  const file = readWeightsFile(fixture(name));
  expect(file.format).toBe(format);
  const layers = placeLayers(readPrinted(fixture("images.txt").toString()).layers, [1, 4, 4]);
  const specs = layers.map(({ type, args }) => ({ type, ...args }));
  // An ONNX file leaves out what its graph does not need.
  const weights = new Map([["1.num_batches_tracked", { shape: [], data: Float32Array.of(1) }], ...file.weights]);
  const predictor = Predictor.create(specs, weights, [1, 4, 4], await createWasmBackend());
  const found = predictor.predict(Float32Array.from(inputs.flat(3)), 3).outputs;
  outputs.flat().forEach((value: number, i: number) => void expect(found[i]).toBeCloseTo(value, digits));
});

test("an ONNX file that was exported here gives back its weights by name", () => {
  const given = layerCases().find(({ name }) => name === "trained-batchnorm1d");
  if (!given) throw new Error("There is no such case.");
  const { weights } = readWeightsFile(exportOnnx(trainedFile(given)));
  for (const [name, { shape, data }] of drawWeights(given)) {
    if (!name.endsWith("num_batches_tracked")) expect(weights.get(name)).toEqual({ shape, data });
  }
});

test("a safetensors file that was exported here says its layers", () => {
  const spec = { model: { layers: [{ type: "ReLU" }] }, loss: {} };
  const bytes = encodeSafetensors(new Map([["a", { shape: [1], data: Float32Array.of(1) }]]), {
    spec: JSON.stringify(spec),
  });
  expect(readWeightsFile(bytes).layers).toEqual([{ type: "ReLU" }]);
});

const safetensors = (header: string, body = ""): Buffer => {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, Buffer.from(header + body, "latin1")]);
};

test.each<[why: string, bytes: Buffer, message: RegExp]>([
  ["other bytes", Buffer.from("no model at all"), /^This is neither a safetensors nor an ONNX file/],
  [
    "a picture",
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13]),
    /^This is neither a safetensors nor an ONNX file/,
  ],
  ["the first bytes of a safetensors file", fixture("images.safetensors").subarray(0, 7), /^This is neither/],
  [
    "a file of torch.save",
    Buffer.from("PK\x03\x04\0\0\x08\x08\0\0state/data.pkl", "latin1"),
    /^This is a zip.*torch\.save.*safetensors\.torch\.save_file\(model\.state_dict\(\)/,
  ],
  ["a pickle", Buffer.from("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P", "latin1"), /^This is a pickle.*save_file/],
  [
    "a file of Keras' weights",
    Buffer.from("\x89HDF\r\n\x1a\n", "latin1"),
    /^This is an HDF5 file.*Keras.*ascontiguousarray\(kernel\.T\)/,
  ],
  ["a file cut short", fixture("images.safetensors").subarray(0, 500), /not a whole safetensors file/],
  ["an ONNX file cut short", fixture("images.onnx").subarray(0, 2000), /no whole ONNX file/],
  ["a header without offsets", safetensors('{"a":{"dtype":"F32","shape":[1]}}', "1234"), /tensor a other than dtype/],
  ["a header that holds null", safetensors('{"a":null}'), /tensor a other than dtype/],
  [
    "a shape of other size",
    safetensors('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', "1234"),
    /shape \[2\] has 4 bytes/,
  ],
  [
    "a dtype that is not known",
    safetensors('{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}', "1"),
    /F8_E4M3; F32, I32/,
  ],
  ["no weights", safetensors("{}"), /holds no weights/],
  [
    "a weight that is no number",
    safetensors('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', "\xff\xff\xff\xff"),
    /a: holds a value that is no finite number/,
  ],
])("%s: refused with what is wrong", (_, bytes, message) => {
  expect(() => readWeightsFile(bytes)).toThrow(message);
});
