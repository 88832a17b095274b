/** A thread that helps: kernels of its own over the memory of all, doing parts of the programs that another thread runs. */
import { workerData } from "node:worker_threads";
import { instantiateKernels } from "./kernel-module.ts";

export interface HelperOrder {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Addresses: of this thread's own scratch memory, and of what all threads share. */
  readonly scratch: number;
  readonly team: number;
}

/** Words of the team's memory, as kernels/team.ts has them. */
const UNFINISHED = 64 / 4;
const FAILED = 320 / 4;

function isOrder(data: unknown): data is HelperOrder {
  return typeof data === "object" && data !== null && "module" in data && "memory" in data && "team" in data;
}

function help({ module, memory, scratch, team }: HelperOrder): void {
  const kernels = instantiateKernels(module, memory);
  kernels.scratch.value = scratch;
  kernels.team.value = team;
  try {
    kernels.help();
  } catch (error) {
    // Whoever waits for this part must not wait for ever.
    const words = new Int32Array(memory.buffer, team);
    Atomics.store(words, FAILED, 1);
    Atomics.notify(words, UNFINISHED);
    throw error;
  }
}

if (isOrder(workerData)) help(workerData);
else throw new TypeError("helper-thread.ts runs as a worker thread; helper-threads.ts starts it.");
