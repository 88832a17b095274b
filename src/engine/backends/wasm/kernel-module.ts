/** Finds and compiles the kernels that scripts/build-kernels.ts made: the fastest flavour that this machine runs. */
import { readFile } from "node:fs/promises";
import { tableFingerprint } from "./table-fingerprint.ts";

export type KernelFlavour = "simd" | "relaxed-simd";

/** From the one that every engine with SIMD runs to the fastest. */
export const kernelFlavours: readonly KernelFlavour[] = ["simd", "relaxed-simd"];

export const kernelFolder = new URL("../../../../build/kernels/", import.meta.url);

/** What a kernel module gives: the loop that runs programs, and the scratch memory it wants. */
export interface KernelExports {
  run(program: number, times: number): void;
  heapStart(): number;
  /** Where packed matrix blocks go: to be set before the first run. */
  readonly scratch: WebAssembly.Global;
  readonly scratchBytes: WebAssembly.Global;
}

export interface KernelModule {
  readonly flavour: KernelFlavour;
  instantiate(memory: WebAssembly.Memory): KernelExports;
}

/** `strict` numerics never use relaxed SIMD: products are then the same bits on every machine. */
export async function loadKernels(numerics: "fast" | "strict", folder = kernelFolder): Promise<KernelModule> {
  const wanted = numerics === "strict" ? kernelFlavours.slice(0, 1) : kernelFlavours;
  for (const flavour of wanted.toReversed()) {
    const file = new URL(`${flavour}.wasm`, folder);
    const bytes = await readFile(file).catch((cause: unknown) => {
      throw new Error(`No kernels at ${file.pathname}. Build them first: node scripts/build-kernels.ts`, { cause });
    });
    if (!WebAssembly.validate(bytes)) continue;
    const module = await WebAssembly.compile(bytes);
    return {
      flavour,
      instantiate: (memory) => kernelExports(new WebAssembly.Instance(module, { env: { memory } }).exports),
    };
  }
  throw new Error("This JavaScript engine has no WebAssembly SIMD. Use Node 22 or newer.");
}

function kernelExports(exports: WebAssembly.Exports): KernelExports {
  const { run, heapStart, fingerprint, scratch, scratchBytes } = exports;
  if (
    typeof run !== "function" ||
    typeof heapStart !== "function" ||
    typeof fingerprint !== "function" ||
    fingerprint() !== tableFingerprint() ||
    !(scratch instanceof WebAssembly.Global) ||
    !(scratchBytes instanceof WebAssembly.Global)
  ) {
    throw new Error(
      "The kernels were built for another version of the instruction table. Build them again: node scripts/build-kernels.ts",
    );
  }
  return {
    run: (program, times) => void run(program, times),
    heapStart: () => Number(heapStart()),
    scratch,
    scratchBytes,
  };
}
