/** Convolution in hand-written tiles against its definition. */
import { afterAll, describe, expect, it } from "vitest";
import { createGpuBackend } from "../../../../src/engine/backends/gpu/gpu-backend.ts";
import {
  type ConvolutionShape,
  tiledConvolution,
  tiledConvolutionInput,
  tiledConvolutionWeight,
} from "../../../../src/engine/backends/gpu/tiled-convolution.ts";
import { runOnDevice, runReference } from "../device-call.ts";
import type { Call } from "../samples.ts";
import { Source } from "../source.ts";
import { hasWebgpu } from "./lines.ts";

const plain: ConvolutionShape = {
  ...{ batch: 2, groups: 1, channels: 16, height: 7, width: 6, features: 18, outHeight: 7, outWidth: 6 },
  ...{ kernelHeight: 3, kernelWidth: 3, strideY: 1, strideX: 1, dilationY: 1, dilationX: 1, padTop: 1, padLeft: 1 },
};

// Software takes seconds to compile a tile, so few shapes have to show much each.
const SLOW = { timeout: 120_000 };
const shapes: Readonly<Record<string, ConvolutionShape>> = {
  plain,
  "in groups, with strides and dilation": {
    ...{ ...plain, groups: 2, channels: 32, features: 36, height: 12, width: 15, dilationY: 3, dilationX: 2 },
    ...{ strideY: 2, strideX: 3, outHeight: 4, outWidth: 5, padTop: 2, padLeft: 0 },
  },
};

it("is left to a plain kernel where tiles would be mostly empty", () => {
  expect(tiledConvolution({ ...plain, features: 3 }, false)).toBeUndefined();
  expect(tiledConvolutionInput({ ...plain, channels: 3 })).toBeUndefined();
  expect(tiledConvolutionWeight({ ...plain, features: 3 }, 2, 1)).toBeUndefined();
});

describe.skipIf(!hasWebgpu)("on a GPU", async () => {
  const backend = hasWebgpu ? await createGpuBackend() : null;
  afterAll(() => backend?.dispose());

  const check = (p: ConvolutionShape, names: readonly (keyof ReturnType<typeof arraysOf>)[]) => {
    for (const name of names) {
      const call: Call = { arrays: arraysOf(p)[name], params: { ...p } };
      const got = runOnDevice(backend!, name, call)["out"]!;
      const want = runReference(name, call)["out"]!;
      // Whole numbers, so every order of adding gives the same.
      const far = Array.from(got).findIndex((value, i) => value !== want[i]);
      if (far >= 0) expect({ name, at: far, value: got[far] }).toEqual({ name, at: far, value: want[far] });
    }
  };

  it.each(Object.entries(shapes))("convolves %s, and takes the gradients", SLOW, (_, p) => {
    expect(tiledConvolution(p, false) && tiledConvolutionInput(p) && tiledConvolutionWeight(p, 2, 1)).toBeDefined();
    check(p, ["convolution", "biasedConvolution", "convolutionInput", "convolutionWeight"]);
  });

  it("sums gradients of weights over several images at once where there are many weights", SLOW, () => {
    const many = { batch: 60, channels: 128, features: 64, height: 2, width: 2, outHeight: 2, outWidth: 2 };
    check({ ...plain, ...many }, ["convolutionWeight"]);
  });
});

function arraysOf(p: ConvolutionShape) {
  const source = new Source(11);
  const whole = (n: number) => Float32Array.from(source.integers(n, -3, 3));
  const inputs = p.batch * p.channels * p.height * p.width;
  const outputs = p.batch * p.features * p.outHeight * p.outWidth;
  const weights = (p.features * p.channels * p.kernelHeight * p.kernelWidth) / p.groups;
  const [x, g, weight, bias] = [whole(inputs), whole(outputs), whole(weights), whole(p.features)];
  const out = (n: number) => new Float32Array(n);
  return {
    convolution: { out: out(outputs), x, weight },
    biasedConvolution: { out: out(outputs), x, weight, bias },
    convolutionInput: { out: out(inputs), g, weight },
    convolutionWeight: { out: out(weights), g, x },
  };
}
