/** Before any test: the WebAssembly kernels, rebuilt only when their sources changed. */
export { buildKernels as setup } from "../scripts/build-kernels.ts";
