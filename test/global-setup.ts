/** Before any test: the WebAssembly kernels, rebuilt only when their sources changed. */
import { buildKernels } from "../scripts/build-kernels.ts";

export async function setup(): Promise<void> {
  await buildKernels();
}
