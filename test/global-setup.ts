/** Before any test: the WebAssembly kernels and the dashboard, rebuilt only when their sources changed. */
import { buildDashboard } from "../scripts/build-dashboard.ts";
import { buildKernels } from "../scripts/build-kernels.ts";

export async function setup(): Promise<void> {
  await Promise.all([buildKernels(), buildDashboard()]);
}
