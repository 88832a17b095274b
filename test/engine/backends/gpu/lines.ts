/** The ways to a device that these tests try: all that this machine has. */
import {
  createGpuBackend,
  type GpuBackend,
  type GpuBackendOptions,
} from "../../../../src/engine/backends/gpu/gpu-backend.ts";
import { UnavailableError } from "../../../../src/engine/backends/gpu/gpu-errors.ts";

/** A GPU, or Chromium's software for one: see `.ci/run`. */
const webgpu = await createGpuBackend().catch((error: unknown) => {
  if (error instanceof UnavailableError) return null;
  throw error;
});
await webgpu?.dispose();

export const hasWebgpu: boolean = webgpu !== null;

export const lines: Readonly<Record<string, GpuBackendOptions>> = {
  "gpu.js's WebAssembly": { mode: "webasm" },
  "gpu.js's WebAssembly in a thread": { mode: "webasm", thread: true },
  ...(hasWebgpu && { WebGPU: { mode: "webgpu" as const } }),
};

/** Opens the same line again. */
export const open = (options: GpuBackendOptions): Promise<GpuBackend> => createGpuBackend(options);
