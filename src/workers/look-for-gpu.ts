/** Whether this machine has a GPU that computes: asked once, never for long, and an answer whatever happens. */
import { findGpu, type GpuAnswer } from "../engine/index.ts";

/** A driver that says nothing for so long is not waited for. */
const PATIENCE_MS = 30_000;

export async function lookForGpu(find: () => Promise<GpuAnswer> = findGpu): Promise<GpuAnswer> {
  const late = Promise.withResolvers<GpuAnswer>();
  const timer = setTimeout(() => late.resolve({ available: false, why: tooLate }), PATIENCE_MS);
  timer.unref();
  try {
    return await Promise.race([find(), late.promise]);
  } catch (error) {
    return { available: false, why: `The GPU could not be opened: ${error instanceof Error ? error.message : error}` };
  } finally {
    clearTimeout(timer);
  }
}

const tooLate = `The GPU's driver has not answered for ${PATIENCE_MS / 1000} s. Until the worker is started again it counts as none.`;
