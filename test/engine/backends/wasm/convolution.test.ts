/** Convolutions too large for one block of taps, features, channels or positions; small ones are in instructions.test.ts. */
import { describe, expect, it } from "vitest";
import { createWasmBackend } from "../../../../src/engine/backends/wasm/wasm-backend.ts";
import type { InstructionName } from "../../../../src/engine/instructions.ts";
import { firstDifference, runOnDevice, runReference, sameBits } from "../device-call.ts";
import type { Call } from "../samples.ts";
import { Source } from "../source.ts";

const plain = {
  ...{ batch: 1, groups: 1, channels: 1, height: 1, width: 1, features: 1, outHeight: 1, outWidth: 1 },
  ...{ kernelHeight: 1, kernelWidth: 1, strideY: 1, strideX: 1, dilationY: 1, dilationX: 1, padTop: 0, padLeft: 0 },
};
type Geometry = typeof plain;

const shapes: Readonly<Record<string, Partial<Geometry>>> = {
  "two blocks of taps and of features": {
    ...{ batch: 2, channels: 70, features: 100, height: 6, width: 7, outHeight: 6, outWidth: 7 },
    ...{ kernelHeight: 3, kernelWidth: 3, padTop: 1, padLeft: 1 },
  },
  "bands of rows": {
    ...{ channels: 3, features: 2, height: 160, width: 150, outHeight: 80, outWidth: 75 },
    ...{ kernelHeight: 3, kernelWidth: 3, strideY: 2, strideX: 2, padTop: 1, padLeft: 1 },
  },
  "pieces of one long row": {
    ...{ channels: 2, features: 3, width: 70000, outWidth: 70000, kernelWidth: 5, padLeft: 2 },
  },
  "a kernel of more than a block's taps": {
    ...{ batch: 2, channels: 2, features: 2, height: 30, width: 31, outHeight: 6, outWidth: 5 },
    ...{ kernelHeight: 25, kernelWidth: 27 },
  },
  "channels that don't fit together": {
    ...{ channels: 5, features: 2, width: 40010, outWidth: 11, kernelWidth: 2, dilationX: 40000 - 1, strideX: 1 },
  },
  "one feature for each channel": {
    ...{ batch: 3, groups: 6, channels: 6, features: 6, height: 15, width: 14, outHeight: 15, outWidth: 14 },
    ...{ kernelHeight: 3, kernelWidth: 3, padTop: 1, padLeft: 1 },
  },
  "one feature of so many channels that taps take two blocks": {
    ...{ batch: 2, channels: 70, features: 1, height: 9, width: 18, outHeight: 9, outWidth: 18 },
    ...{ kernelHeight: 3, kernelWidth: 3, padTop: 1, padLeft: 1 },
  },
  "many small images": {
    ...{ batch: 50, channels: 4, features: 5, height: 4, width: 3, outHeight: 2, outWidth: 1 },
    ...{ kernelHeight: 3, kernelWidth: 3 },
  },
};

const area = (p: Geometry) => ({
  x: p.batch * p.channels * p.height * p.width,
  g: p.batch * p.features * p.outHeight * p.outWidth,
  weight: ((p.features * p.channels) / p.groups) * p.kernelHeight * p.kernelWidth,
});

function callOf(instruction: InstructionName, params: Geometry): Call {
  const source = new Source(1);
  const sizes = area(params);
  const x = source.floats(sizes.x);
  const g = source.floats(sizes.g);
  const weight = source.floats(sizes.weight);
  const bias = source.floats(params.features);
  if (instruction === "convolutionInput") return { arrays: { out: new Float32Array(sizes.x), g, weight }, params };
  if (instruction === "convolutionWeight") return { arrays: { out: new Float32Array(sizes.weight), g, x }, params };
  return { arrays: { out: new Float32Array(sizes.g), x, weight, bias }, params };
}

for (const numerics of ["fast", "strict"] as const) {
  const backend = await createWasmBackend({ numerics });

  describe(`large convolutions on the ${backend.variant} kernels`, () => {
    for (const [name, shape] of Object.entries(shapes)) {
      for (const instruction of ["biasedConvolution", "convolutionInput", "convolutionWeight"] as const) {
        it(`${instruction} in ${name} agrees with the reference, in the same bits each time`, () => {
          const call = callOf(instruction, { ...plain, ...shape });
          const got = runOnDevice(backend, instruction, call)["out"]!;
          const want = runReference(instruction, call)["out"]!;
          // Sums of up to 70,000 terms around 1, one after the other.
          const near = instruction === "convolutionWeight" ? 3e-2 : 1e-3;
          const at = firstDifference(got, want, 0, near);
          if (at >= 0) expect({ at, value: got[at] }).toEqual({ at, value: want[at] });
          expect(sameBits(got, runOnDevice(backend, instruction, call)["out"]!)).toBe(true);
        });
      }
    }
  });
}

describe("a convolution's bits", () => {
  it("of one image don't depend on the images beside it", async () => {
    const backend = await createWasmBackend();
    const geometry = { ...plain, channels: 3, features: 7, height: 9, width: 10, outHeight: 9, outWidth: 10 };
    const params = { ...geometry, kernelHeight: 3, kernelWidth: 3, padTop: 1, padLeft: 1 };
    const many = callOf("biasedConvolution", { ...params, batch: 9 });
    const all = runOnDevice(backend, "biasedConvolution", many)["out"]!;
    const one = { ...many.arrays, x: many.arrays["x"]!.slice(-270), out: new Float32Array(630) };
    const alone = runOnDevice(backend, "biasedConvolution", { arrays: one, params: { ...params, batch: 1 } })["out"]!;
    expect(sameBits(alone, all.slice(-630))).toBe(true);
  });
});
