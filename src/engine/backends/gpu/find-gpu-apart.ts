/**
 * Looks for a GPU in a process of its own: a driver, or what stands for one, may end the process that opens it, and where
 * there is no GPU nobody should have to bear that.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { GpuAnswer } from "./find-gpu.ts";
import type { GpuBackendOptions } from "./gpu-backend.ts";

const run = promisify(execFile);
const program = fileURLToPath(new URL("find-gpu-program.ts", import.meta.url));

/** As tryGpu. Throws if the process ends twice without an answer. */
export async function tryGpuApart(options: GpuBackendOptions = {}): Promise<GpuAnswer> {
  const ask = () => run(process.execPath, [program, JSON.stringify(options)], { timeout: 60_000 });
  const { stdout } = await ask().catch(ask);
  return JSON.parse(stdout);
}
