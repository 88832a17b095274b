import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createWasmBackend } from "../../../../src/engine/backends/wasm/wasm-backend.ts";
import { type InstructionName, instructions } from "../../../../src/engine/instructions.ts";
import { firstDifference, runOnDevice, runReference, sameBits } from "../device-call.ts";
import { samples } from "../samples.ts";

/** How far a result may be from the reference, in float32 units in the last place; none where nothing is rounded twice. */
const ulps: Partial<Record<InstructionName, number>> = {
  ...{ exp: 2, expm1: 3, log: 2, log1p: 2, rsqrt: 1.5, sin: 1, cos: 1, tanh: 3, sigmoid: 3, erf: 3, pow: 1 },
  ...{ sigmoidBackward: 3, tanhBackward: 3, softmax: 4, randomUniform: 1, clipByNorm: 1 },
};
/** Where terms cancel, a distance: relative above 1. */
const near: Partial<Record<InstructionName, number>> = {
  ...{ sum: 1e-5, logSoftmax: 2e-6, softmaxBackward: 1e-5, logSoftmaxBackward: 3e-5, matmul: 3e-5, linear: 3e-5 },
  ...{
    scatterAddRows: 1e-5,
    randomNormal: 2e-6,
    accumulate: 1e-12,
    residuals: 1e-9,
    sumSquares: 1e-9,
    sgd: 2e-6,
    adam: 5e-6,
  },
  ...{
    rmsprop: 1e-5,
    adagrad: 1e-5,
    adadelta: 2e-5,
    adamax: 1e-5,
    nadam: 2e-5,
    radam: 2e-5,
    rprop: 1e-5,
    asgd: 5e-6,
    lion: 1e-5,
  },
  ...{ embeddingBackward: 1e-5, renormRows: 1e-6 },
  ...{ recurrent: 1e-4, recurrentBackward: 2e-2 },
  ...{ moments: 1e-5, normalize: 1e-5, normalizeBackward: 1e-3, normalizeWeightBackward: 1e-4, trackMoments: 2e-6 },
  ...{ convolution: 1e-4, biasedConvolution: 1e-4, convolutionInput: 1e-4, convolutionWeight: 1e-3 },
  ...{ scatterAlong: 1e-5, sparseProduct: 1e-5 },
  // The reference's own tanh′ and sigmoid′ cancel when y is far outside of (−1, 1); so do cos and sin near their zeros.
  ...{ tanhBackward: 1e-5, sigmoidBackward: 1e-5 },
};

for (const numerics of ["fast", "strict"] as const) {
  const backend = await createWasmBackend({ numerics });

  describe(`every instruction on the ${backend.variant} kernels`, () => {
    for (const name of Object.keys(instructions) as InstructionName[]) {
      const written = [...instructions[name].writes, ...instructions[name].updates];

      it(`${name} agrees with its reference, and touches nothing else`, () => {
        fc.assert(
          fc.property(samples[name], (call) => {
            const got = runOnDevice(backend, name, call);
            const want = runReference(name, call);
            for (const array of written) {
              const at = firstDifference(got[array]!, want[array]!, ulps[name] ?? 0, near[name] ?? 0);
              if (at >= 0)
                expect({ array, at, value: got[array]![at] }).toEqual({ array, at, value: want[array]![at] });
            }
          }),
          { numRuns: 150 },
        );
      });

      it(`${name} gives the same bits again, and in a program`, () => {
        fc.assert(
          fc.property(samples[name], (call) => {
            const first = runOnDevice(backend, name, call);
            const again = runOnDevice(backend, name, call);
            const replayed = runOnDevice(backend, name, call, (instruction, buffers, params) => {
              const program = backend.compile([{ instruction, buffers, params }]);
              program.run(1);
              program.dispose();
            });
            return written.every((w) => sameBits(first[w]!, again[w]!) && sameBits(first[w]!, replayed[w]!));
          }),
          { numRuns: 20 },
        );
      });
    }
  });
}

describe("pick", () => {
  it("gives NaN, never foreign memory, for an index outside of the row", async () => {
    const backend = await createWasmBackend();
    const arrays = { out: new Float32Array(4), x: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8) };
    const call = { arrays: { ...arrays, index: Int32Array.of(1, 2, -1, 0) }, params: { rows: 4, cols: 2, ignore: -1 } };
    expect(Array.from(runOnDevice(backend, "pick", call)["out"]!)).toEqual([2, Number.NaN, 0, 7]);
  });
});
