/** The threads that help the one that runs programs: started when there is something to share, ended with the backend. */
import { Worker } from "node:worker_threads";
import type { Heap } from "./heap.ts";
import type { HelperOrder } from "./helper-thread.ts";
import type { KernelExports } from "./kernel-module.ts";

const PROGRAM = new URL("./helper-thread.ts", import.meta.url);

/** Words of the team's memory, as kernels/team.ts has them: helpers that have arrived, and parts that helpers have done. */
const ARRIVED = 384 / 4;
const HELPED = 448 / 4;

export class HelperThreads {
  readonly #module: WebAssembly.Module;
  readonly #heap: Heap;
  readonly #team: number;
  readonly #scratchBytes: number;
  readonly #program: URL;
  readonly #threads = new Set<Worker>();
  #started = 0;
  /** No more are to be started. */
  #closed = false;

  /** `program` is the file of the threads. */
  constructor(module: WebAssembly.Module, kernels: KernelExports, heap: Heap, program = PROGRAM) {
    this.#module = module;
    this.#heap = heap;
    this.#program = program;
    this.#scratchBytes = kernels.scratchBytes.value;
    this.#team = heap.reserve(kernels.teamBytes.value);
    kernels.team.value = this.#team;
  }

  /** Whether none has been started, and some may be. */
  get areUnused(): boolean {
    return this.#started === 0 && !this.#closed;
  }

  /** Those that have been started and have not ended. */
  get running(): number {
    return this.#threads.size;
  }

  /** Those that have been ready to help. */
  get arrived(): number {
    return Atomics.load(this.#heap.ints, (this.#team >>> 2) + ARRIVED);
  }

  /** The parts of instructions that they have done so far. */
  get partsDone(): number {
    return Atomics.load(this.#heap.ints, (this.#team >>> 2) + HELPED);
  }

  /**
   * Starts threads until there are `count`. It does not wait for them: whoever runs a program does what nobody else does,
   * and a thread that can't start is missed by nobody.
   */
  ensure(count: number): void {
    while (!this.#closed && this.#started < count) this.#start();
  }

  /** Ends all, whatever they do. */
  close(): void {
    this.#closed = true;
    for (const thread of this.#threads) void thread.terminate();
  }

  #start(): void {
    try {
      const scratch = this.#heap.reserveAsIs(this.#scratchBytes);
      const { memory } = this.#heap;
      const order: HelperOrder = { module: this.#module, memory, scratch, team: this.#team };
      const thread = new Worker(this.#program, { workerData: order, name: "wasm helper", execArgv: [] });
      thread.on("error", (error) => this.#lose(error));
      thread.on("exit", () => this.#threads.delete(thread));
      // Whoever waits for nothing else may go.
      thread.unref();
      this.#threads.add(thread);
      this.#started++;
    } catch (error) {
      this.#lose(error);
    }
  }

  /** Goes on with those that there are. */
  #lose(error: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    const reason = error instanceof Error ? error.message : String(error);
    process.emitWarning(`A helper thread of the WebAssembly backend ended, the others do its work: ${reason}`);
  }
}
