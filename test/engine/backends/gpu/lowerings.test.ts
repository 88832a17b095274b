/** What lowerings compute, on every way to a GPU that this machine has. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TypedArray } from "../../../../src/engine/backend.ts";
import type { GpuBackend, GpuBackendOptions } from "../../../../src/engine/backends/gpu/gpu-backend.ts";
import { createWasmBackend } from "../../../../src/engine/backends/wasm/wasm-backend.ts";
import { type InstructionName, instructions } from "../../../../src/engine/instructions.ts";
import { runOnDevice, runReference } from "../device-call.ts";
import type { Numbers } from "../reference.ts";
import type { Call } from "../samples.ts";
import { Source } from "../source.ts";
import { gpuSamples, instructionNames } from "./gpu-calls.ts";
import { hasWebgpu, open } from "./lines.ts";

/** How far a result may be from the reference, relative above 1; by default, only as far as one rounding takes it. */
const tolerances: Partial<Record<InstructionName, number>> = {
  ...{ exp: 3e-6, pow: 1e-5, softmaxBackward: 1e-5, logSoftmaxBackward: 3e-5, linear: 3e-5, matmul: 3e-5, sum: 1e-5 },
  ...{ moments: 1e-5, normalize: 1e-5, normalizeBackward: 1e-3, normalizeWeightBackward: 1e-4 },
  ...{ convolution: 1e-4, biasedConvolution: 1e-4, convolutionInput: 1e-4, convolutionWeight: 1e-3 },
  ...{ recurrent: 1e-4, recurrentBackward: 2e-2, adadelta: 3e-5, rmsprop: 2e-5, embeddingBackward: 1e-5 },
};
const ROUNDED = 5e-6;

const ways: readonly (readonly [string, GpuBackendOptions, runs: number])[] = [
  ["gpu.js's WebAssembly", { mode: "webasm" }, 25],
  ...(hasWebgpu ? [["WebGPU", { mode: "webgpu" }, 6] as const] : []),
];

describe.each(ways)("lowerings on %s", (_, options, numRuns) => {
  let backend: GpuBackend;
  beforeAll(async () => {
    backend = await open(options);
  });
  afterAll(() => backend.dispose());

  const check = (name: InstructionName, call: Call, tolerance = tolerances[name] ?? ROUNDED) => {
    const got = runOnDevice(backend, name, call);
    const want = runReference(name, call);
    for (const array of [...instructions[name].writes, ...instructions[name].updates]) {
      const at = firstFar(got[array]!, want[array]!, tolerance);
      if (at >= 0) expect({ array, at, value: got[array]![at] }).toEqual({ array, at, value: want[array]![at] });
    }
  };

  // Software takes seconds to compile a kernel in tiles.
  const slow = { timeout: 120_000 };

  it.each(instructionNames)("%s agrees with its reference, and touches nothing else", slow, (name) => {
    fc.assert(
      fc.property(gpuSamples(name), (call) => check(name, call)),
      { numRuns },
    );
  });

  it("sums, maxima and products of thousands of numbers keep their accuracy", slow, () => {
    const source = new Source(3);
    const reduced = (name: "sum" | "amax", outer: number, length: number, inner: number, tolerance: number) =>
      check(
        name,
        {
          arrays: { out: new Float32Array(outer * inner), x: source.floats(outer * length * inner) },
          params: { outer, length, inner },
        },
        tolerance,
      );
    reduced("sum", 1, 100_000, 1, 1e-4);
    reduced("sum", 3, 2000, 5, 1e-4);
    reduced("sum", 2, 1025, 1, 1e-4);
    reduced("amax", 1, 70_001, 1, 0);
    const [m, n, k] = [3, 8, 2500];
    const params = { m, n, k, transA: 0, transB: 1, batch: 1, strideA: 0, strideB: 0 };
    check(
      "matmul",
      { arrays: { out: new Float32Array(m * n), a: source.floats(m * k), b: source.floats(n * k) }, params },
      1e-4,
    );
  });

  it("softmax of long rows adds up to 1", () => {
    const [outer, length] = [2, 5000];
    const x = new Source(4).floats(outer * length);
    check("softmax", { arrays: { out: new Float32Array(x.length), x }, params: { outer, length, inner: 1 } });
  });

  it("random numbers have the bits of the CPU's", async () => {
    const cpu = await createWasmBackend();
    const state = new Source(5).state();
    for (const [name, params] of [
      ["randomUniform", { n: 1003, low: -0.25, high: 0.5 }],
      ["dropoutMask", { n: 1003, p: 0.3 }],
      ["randomPermutation", { n: 1003 }],
    ] as const) {
      const out = name === "randomPermutation" ? new Int32Array(params.n) : new Float32Array(params.n);
      const call: Call = { arrays: { out, state }, params };
      expect(runOnDevice(backend, name, call), name).toEqual(runOnDevice(cpu, name, call));
    }
  });

  it("a NaN is not lost on the way to the loss", () => {
    const nan = Float32Array.of(1, Number.NaN, 2, -3);
    const unary = ["relu", "exp", "log", "tanh", "sigmoid", "sqrt", "erf", "sin", "expm1", "log1p", "square"] as const;
    for (const name of unary) {
      const got = runOnDevice(backend, name, { arrays: { out: new Float32Array(4), x: nan }, params: { n: 4 } });
      expect(got["out"]![1], name).toBeNaN();
    }
    for (const name of ["softmax", "logSoftmax", "sum", "amax"] as const) {
      const out = new Float32Array(name === "sum" || name === "amax" ? 1 : 4);
      const got = runOnDevice(backend, name, { arrays: { out, x: nan }, params: { outer: 1, length: 4, inner: 1 } });
      expect([...got["out"]!].every(Number.isNaN), name).toBe(true);
    }
  });
});

function firstFar(got: TypedArray, want: Numbers, tolerance: number): number {
  return Array.from(got).findIndex((value, i) => {
    const expected = got instanceof Float32Array ? Math.fround(want[i]!) : want[i]!;
    if (value === expected || (Number.isNaN(value) && Number.isNaN(expected))) return false;
    return !(Math.abs(value - expected) <= tolerance * Math.max(1, Math.abs(expected)));
  });
}
