/** The ways to a device that these tests try: all that this machine has. */
import { findGpu } from "../../../../src/engine/backends/gpu/find-gpu.ts";
import {
  createGpuBackend,
  type GpuBackend,
  type GpuBackendOptions,
} from "../../../../src/engine/backends/gpu/gpu-backend.ts";

/** A GPU, or Chromium's software for one: see `.ci/run`. */
export const hasWebgpu: boolean = (await findGpu()).available;

export const lines: Readonly<Record<string, GpuBackendOptions>> = {
  "gpu.js's WebAssembly": { mode: "webasm" },
  "gpu.js's WebAssembly in a thread": { mode: "webasm", thread: true },
  ...(hasWebgpu && { WebGPU: { mode: "webgpu" as const } }),
};

/** Opens the same line again. */
export const open = (options: GpuBackendOptions): Promise<GpuBackend> => createGpuBackend(options);
