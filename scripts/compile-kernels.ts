/** Compiles the kernels to WebAssembly in a thread of its own: several flavours take no longer than one. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parentPort, Worker, workerData } from "node:worker_threads";

export interface KernelSources {
  /** The project's folder. */
  readonly root: string;
  /** The kernels' folder. */
  readonly sources: string;
  /** The generated file that calls them. */
  readonly dispatch: string;
  /** With fused multiply-add. */
  readonly relaxed: boolean;
}

interface Order {
  readonly compileKernels: KernelSources;
}

/** The bytes of the module. Throws with the compiler's words if the sources are wrong. */
export function compileKernels(order: KernelSources): Promise<Uint8Array> {
  return new Promise((done, failed) => {
    const thread = new Worker(new URL(import.meta.url), { workerData: { compileKernels: order } satisfies Order });
    thread.once("message", done);
    thread.once("error", failed);
    thread.once("exit", (code) => failed(new Error(`The kernels' compiler ended with code ${code}.`)));
  });
}

async function compile({ root, sources, dispatch, relaxed }: KernelSources): Promise<Uint8Array> {
  const { default: asc } = await import("assemblyscript/asc");
  const entry = join(sources, "dispatch.ts");
  let binary: Uint8Array | undefined;
  const options = ["--runtime", "stub", "-O3", "--noAssert", "--enable", "simd", "--enable", "threads"];
  // The backend brings the memory, of any size: this is the most that 32-bit addresses reach.
  options.push("--importMemory", "--sharedMemory", "--maximumMemory", "65536");
  if (relaxed) options.push("--enable", "relaxed-simd");
  const call = [relative(root, entry), ...options, "--baseDir", root, "--outFile", "kernels.wasm"];
  const { error, stderr } = await asc.main(call, {
    readFile: (file, base) => (resolve(base, file) === entry ? dispatch : readIfThere(resolve(base, file))),
    writeFile: (_file, contents) => {
      binary = typeof contents === "string" ? undefined : contents;
    },
    listFiles: (folder, base) => readdirSync(resolve(base, folder)),
  });
  if (error || !binary) throw new Error(`The kernels don't compile:\n${stderr.toString()}`, { cause: error });
  return binary;
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

const isOrder = (data: unknown): data is Order => typeof data === "object" && data !== null && "compileKernels" in data;

if (isOrder(workerData)) parentPort?.postMessage(await compile(workerData.compileKernels));
