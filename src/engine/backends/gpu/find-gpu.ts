/** Whether this machine has a GPU that computes. */
import type { DeviceFacts } from "./executor.ts";
import { tryGpuApart } from "./find-gpu-apart.ts";
import { createGpuBackend, type GpuBackendOptions } from "./gpu-backend.ts";
import { UnavailableError } from "./gpu-errors.ts";

export type GpuAnswer =
  | { readonly available: true; readonly facts: DeviceFacts }
  /** `why` says what to install. */
  | { readonly available: false; readonly why: string };

let answer: Promise<GpuAnswer> | undefined;

/** Asked once in the life of a process, in one apart: it takes some tenths of a second. */
export function findGpu(): Promise<GpuAnswer> {
  answer ??= tryGpuApart();
  return answer;
}

/** Opens a GPU, has it compute something, and closes it again. */
export async function tryGpu(options: GpuBackendOptions = {}): Promise<GpuAnswer> {
  try {
    const backend = await createGpuBackend(options);
    await backend.dispose();
    return { available: true, facts: backend.facts };
  } catch (error) {
    if (error instanceof UnavailableError) return { available: false, why: error.message };
    throw error;
  }
}
