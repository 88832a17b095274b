/** Finds and compiles the kernels that scripts/build-kernels.ts made: the fastest flavour that this machine runs. */
import { readFile } from "node:fs/promises";
import { tableFingerprint } from "./table-fingerprint.ts";

export type KernelFlavour = "simd" | "relaxed-simd";

/** From the one that every engine with SIMD runs to the fastest. */
export const kernelFlavours: readonly KernelFlavour[] = ["simd", "relaxed-simd"];

export const kernelFolder = new URL("../../../../build/kernels/", import.meta.url);

/** What a kernel module gives: the loop that runs programs, and the memory it wants. */
export interface KernelExports {
  /** False if a helper died over its part: what the program computes is lost. */
  run(program: number, times: number): boolean;
  /** Does parts of the programs that another thread runs. Never returns. */
  help(): void;
  heapStart(): number;
  /** Where packed matrix blocks go: to be set before the first run, for each thread another place. */
  readonly scratch: WebAssembly.Global;
  readonly scratchBytes: WebAssembly.Global;
  /** Where threads agree on who does what: to be set before the first run, for all threads to the same place. */
  readonly team: WebAssembly.Global;
  readonly teamBytes: WebAssembly.Global;
}

export interface KernelModule {
  readonly flavour: KernelFlavour;
  readonly module: WebAssembly.Module;
}

const compiled = new Map<"fast" | "strict", Promise<KernelModule>>();

/**
 * The kernels of this project, compiled once for all backends of a thread: that takes longer than a small training, and what has
 * run for a while runs faster.
 */
export function ownKernels(numerics: "fast" | "strict"): Promise<KernelModule> {
  const known = compiled.get(numerics);
  if (known) return known;
  const loading = loadKernels(numerics);
  compiled.set(numerics, loading);
  // They may have been built by the next time.
  loading.catch(() => compiled.delete(numerics));
  return loading;
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
    return { flavour, module };
  }
  throw new Error("This JavaScript engine has no WebAssembly SIMD. Use Node 22 or newer.");
}

/**
 * Kernels over that memory, for one thread. Each instance writes the kernels' constants to where they are already: it may
 * do so while another one reads them.
 */
export function instantiateKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): KernelExports {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const { run, help, heapStart, fingerprint, scratch, scratchBytes, team, teamBytes } = exports;
  if (
    typeof run !== "function" ||
    typeof help !== "function" ||
    typeof heapStart !== "function" ||
    typeof fingerprint !== "function" ||
    fingerprint() !== tableFingerprint ||
    !(scratch instanceof WebAssembly.Global) ||
    !(scratchBytes instanceof WebAssembly.Global) ||
    !(team instanceof WebAssembly.Global) ||
    !(teamBytes instanceof WebAssembly.Global)
  ) {
    throw new Error(
      "The kernels were built for another version of the instruction table. Build them again: node scripts/build-kernels.ts",
    );
  }
  return {
    run: (program, times) => run(program, times) !== 0,
    help: () => void help(),
    heapStart: () => Number(heapStart()),
    scratch,
    scratchBytes,
    team,
    teamBytes,
  };
}
