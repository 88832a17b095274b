/** Compiles the kernels to WebAssembly in a process of its own: several flavours take no longer than one. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { answerOrders, inOwnProcess } from "./own-process.ts";

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

/** The bytes of the module. Throws with the compiler's words if the sources are wrong. */
export async function compileKernels(sources: KernelSources): Promise<Uint8Array> {
  const bytes = await inOwnProcess(import.meta.url, sources);
  if (!(bytes instanceof Uint8Array)) throw new TypeError("The kernels' compiler gave no bytes.");
  return bytes;
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

const isSources = (order: unknown): order is KernelSources =>
  typeof order === "object" && order !== null && "dispatch" in order && "relaxed" in order;

answerOrders(import.meta.url, async (order) => {
  if (!isSources(order)) throw new TypeError("The kernels' compiler was told of no sources.");
  return compile(order);
});
