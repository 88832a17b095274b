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
const shapes: Readonly<Record<string, ConvolutionShape>> = {
  plain,
  "in groups, with strides and dilation": {
    ...{ ...plain, groups: 2, channels: 32, features: 36, height: 12, width: 15, dilationY: 3, dilationX: 2 },
    ...{ strideY: 2, strideX: 3, outHeight: 4, outWidth: 5, padTop: 2, padLeft: 0 },
  },
  "with gradients of several images in one sum": {
    ...{ ...plain, batch: 15, channels: 256, features: 128, height: 4, width: 4, outHeight: 4, outWidth: 4 },
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

  it.each(Object.entries(shapes))(
    "convolves %s, and takes the gradients",
    (_, p) => {
      expect(tiledConvolution(p, false) && tiledConvolutionInput(p)).toBeDefined();
      const source = new Source(11);
      const sizes = {
        x: p.batch * p.channels * p.height * p.width,
        g: p.batch * p.features * p.outHeight * p.outWidth,
        weight: (p.features * p.channels * p.kernelHeight * p.kernelWidth) / p.groups,
        bias: p.features,
      };
      const [x, g, weight, bias] = [sizes.x, sizes.g, sizes.weight, sizes.bias].map((n) =>
        Float32Array.from(source.integers(n, -3, 3)),
      );
      const out = (n: number) => new Float32Array(n);
      const calls = {
        convolution: { out: out(sizes.g), x: x!, weight: weight! },
        biasedConvolution: { out: out(sizes.g), x: x!, weight: weight!, bias: bias! },
        convolutionInput: { out: out(sizes.x), g: g!, weight: weight! },
        convolutionWeight: { out: out(sizes.weight), g: g!, x: x! },
      };
      for (const name of ["convolution", "biasedConvolution", "convolutionInput", "convolutionWeight"] as const) {
        const call: Call = { arrays: calls[name], params: { ...p } };
        const got = runOnDevice(backend!, name, call)["out"]!;
        const want = runReference(name, call)["out"]!;
        // Whole numbers, so every order of adding gives the same.
        const far = Array.from(got).findIndex((value, i) => value !== want[i]);
        if (far >= 0) expect({ name, at: far, value: got[far] }).toEqual({ name, at: far, value: want[far] });
      }
    },
    60_000,
  );
});
