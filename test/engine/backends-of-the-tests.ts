/**
 * The backends on which the engine's tests run: the CPU's, in both numerics. EPOCHD_TEST_BACKEND=webasm or webgpu runs them
 * on gpu.js in that mode instead; where there is no such device they fail.
 */
import { createGpuBackend } from "../../src/engine/backends/gpu/gpu-backend.ts";
import { type Backend, createWasmBackend } from "../../src/engine/index.ts";
import type { Tolerance } from "./golden/closeness.ts";

const chosen = process.env["EPOCHD_TEST_BACKEND"] ?? "wasm";

/** Whether this run of the tests is one of gpu.js. */
export const onGpu = chosen !== "wasm";

/** A backend that no other test uses; which numerics, is for the CPU alone to heed. */
export function createTestBackend(numerics: "fast" | "strict" = "fast"): Promise<Backend> {
  if (chosen === "wasm") return createWasmBackend({ numerics });
  if (chosen === "webasm" || chosen === "webgpu") return createGpuBackend({ mode: chosen });
  throw new Error(`EPOCHD_TEST_BACKEND is ${JSON.stringify(chosen)}; it may be wasm, webasm or webgpu.`);
}

/** The backends by a name for the test. On the CPU: fused multiply-adds where the machine has them, and plain SIMD. */
export const testBackends: Readonly<Record<string, Backend>> = onGpu
  ? { [chosen]: await createTestBackend() }
  : { fast: await createTestBackend("fast"), strict: await createTestBackend("strict") };

/** A GPU's exponentials and divisions are less exact than a CPU's: what is promised there is 1e-4, or what cancels. */
export function tolerated(onCpu: Tolerance): Tolerance {
  if (!onGpu) return onCpu;
  return { rtol: Math.max(onCpu.rtol, 1e-4), atol: Math.max(onCpu.atol, 2e-5) };
}
