/**
 * The CPU backend: kernels in WebAssembly with 128-bit SIMD, over one linear memory that holds all buffers. Large
 * instructions are shared among threads.
 */
import { availableParallelism } from "node:os";
import type { Backend, Command, DeviceBuffer, Program, TypedArray } from "../../backend.ts";
import type { Instruction } from "../../instructions.ts";
import type { Block } from "./allocator.ts";
import { chainsOf, splitChain } from "./chains.ts";
import { encode, encodedWords, encodeStep, LONGEST_RECORD, type Step } from "./encoder.ts";
import { Heap } from "./heap.ts";
import { HelperThreads } from "./helper-threads.ts";
import {
  instantiateKernels,
  type KernelExports,
  type KernelFlavour,
  type KernelModule,
  ownKernels,
} from "./kernel-module.ts";
import { COUNTER_BYTES, LEAST_WORK, MOST_THREADS, type SplitOptions, split } from "./split.ts";

export interface WasmBackendOptions {
  /** How much memory tensors may take; at most, and by default, 4 GiB. */
  readonly maxBytes?: number;
  /**
   * "fast" uses fused multiply-add in matrix products where the machine has it; "strict" gives the same bits everywhere.
   * Everything but matrix products is the same in both.
   */
  readonly numerics?: "fast" | "strict";
  /**
   * How many threads may share the work of a large instruction, 1 to 64: by default as many as the machine has cores. The
   * bits of the results do not depend on it.
   */
  readonly threads?: number;
  /** A thread's share of an instruction takes at least so many nanoseconds, by estimate. 0: share whatever can be shared. */
  readonly leastWork?: number;
}

interface Settings extends Required<Omit<WasmBackendOptions, "numerics">> {
  /** Another helper than the real one, for tests of what real ones hardly ever do. */
  readonly helperProgram?: URL;
}

/** Throws if the kernels have not been built, or if `threads` is no number of threads. */
export async function createWasmBackend(options: WasmBackendOptions = {}): Promise<WasmBackend> {
  const { maxBytes = 2 ** 32, numerics = "fast", leastWork = LEAST_WORK } = options;
  const { threads = Math.min(availableParallelism(), MOST_THREADS) } = options;
  if (!Number.isInteger(threads) || threads < 1 || threads > MOST_THREADS) {
    throw new RangeError(`threads must be a whole number from 1 to ${MOST_THREADS}, got ${threads}.`);
  }
  return new WasmBackend(await ownKernels(numerics), { maxBytes, threads, leastWork });
}

/** Ends the threads of backends that nobody has disposed of. */
const forgotten = new FinalizationRegistry<HelperThreads>((helpers) => helpers.close());

export class WasmBackend implements Backend {
  readonly name = "wasm";
  readonly writesOver = true;
  readonly variant: KernelFlavour;
  readonly helpers: HelperThreads;
  readonly #heap: Heap;
  readonly #kernels: KernelExports;
  readonly #sharing: SplitOptions;
  /** Where eager instructions are written, and how many words there is room for. */
  #eager: number;
  #eagerWords = LONGEST_RECORD + 1;
  /** Why nothing can be run any more. */
  #broken: Error | undefined;

  constructor(kernels: KernelModule, { maxBytes, threads, leastWork, helperProgram }: Settings) {
    this.variant = kernels.flavour;
    this.#heap = new Heap(maxBytes);
    this.#kernels = instantiateKernels(kernels.module, this.#heap.memory);
    this.#heap.open(this.#kernels.heapStart());
    this.#eager = this.#heap.reserve(this.#eagerWords * 4);
    this.#kernels.scratch.value = this.#heap.reserveAsIs(this.#kernels.scratchBytes.value);
    const bytes = threads * COUNTER_BYTES;
    this.#sharing = { threads, leastWork, counters: { address: this.#heap.reserve(bytes), bytes } };
    this.helpers = new HelperThreads(kernels.module, this.#kernels, this.#heap, helperProgram);
    forgotten.register(this, this.helpers);
  }

  get memory(): { readonly live: number; readonly peak: number } {
    return { live: this.#heap.live, peak: this.#heap.peak };
  }

  /** Whether it is as good as a new one: nothing lies in its memory, nothing has failed, no thread was asked to help. */
  get isUnused(): boolean {
    return this.#heap.live === 0 && this.#broken === undefined && this.helpers.areUnused;
  }

  allocate(bytes: number): DeviceBuffer {
    if (!Number.isInteger(bytes) || bytes < 0) throw new RangeError(`A buffer can't have ${bytes} bytes.`);
    return new WasmBuffer(this.#heap.allocate(bytes), bytes);
  }

  free(buffer: DeviceBuffer): void {
    if (!(buffer instanceof WasmBuffer)) throw new TypeError("This buffer is not one that this backend allocated.");
    this.#heap.free(buffer.release(), buffer.bytes);
  }

  write(buffer: DeviceBuffer, values: TypedArray, byteOffset = 0): void {
    const { start, array } = this.#range(buffer, values, byteOffset);
    if (values.length > SHORT) array.set(values, start);
    else for (let i = 0; i < values.length; i++) array[start + i] = values[i]!;
  }

  read<T extends TypedArray>(buffer: DeviceBuffer, into: T, byteOffset = 0): T {
    const { start, array } = this.#range(buffer, into, byteOffset);
    if (into.length > SHORT) into.set(array.subarray(start, start + into.length));
    else for (let i = 0; i < into.length; i++) into[i] = array[start + i]!;
    return into;
  }

  run(instruction: Instruction, buffers: readonly DeviceBuffer[], params: readonly number[]): void {
    const steps = this.#split(instruction, buffers, params);
    if (steps) this.#runSteps(steps);
    else {
      const end = encode(this.#heap, this.#eager >>> 2, instruction, buffers, params);
      this.#heap.ints[end] = 0;
      this.#execute(this.#eager, 1);
    }
  }

  compile(commands: readonly Command[]): Program {
    const steps = this.#sharing.threads === 1 ? commands : chainsOf(commands).flatMap((chain) => this.#share(chain));
    const buffer = this.allocate(wordsOf(steps) * 4);
    try {
      this.#write(steps, buffer.address);
    } catch (error) {
      this.free(buffer);
      throw error;
    }
    return {
      commands: commands.length,
      run: (times) => {
        if (buffer.address === 0) throw new Error("This program has been disposed of.");
        this.#execute(buffer.address, times);
      },
      dispose: () => this.free(buffer),
    };
  }

  dispose(): void {
    this.helpers.close();
  }

  #share(chain: readonly Command[]): readonly Step[] {
    const group = splitChain(chain, this.#sharing);
    if (group) {
      this.helpers.ensure(group.parts.length - 1);
      return [group];
    }
    return chain.flatMap(
      (command): readonly Step[] => this.#split(command.instruction, command.buffers, command.params) ?? [command],
    );
  }

  #split(
    instruction: Instruction,
    buffers: readonly DeviceBuffer[],
    params: readonly number[],
  ): readonly Step[] | undefined {
    if (this.#sharing.threads === 1) return undefined;
    const steps = split(instruction, buffers, params, this.#sharing);
    for (const step of steps ?? []) if ("parts" in step) this.helpers.ensure(step.parts.length - 1);
    return steps;
  }

  #runSteps(steps: readonly Step[]): void {
    const words = wordsOf(steps);
    if (words > this.#eagerWords) {
      this.#eager = this.#heap.reserve(words * 4);
      this.#eagerWords = words;
    }
    this.#write(steps, this.#eager);
    this.#execute(this.#eager, 1);
  }

  #write(steps: readonly Step[], address: number): void {
    let at = address >>> 2;
    for (const step of steps) at = encodeStep(this.#heap, at, step);
    this.#heap.ints[at] = 0;
  }

  #execute(program: number, times: number): void {
    if (this.#broken) throw this.#broken;
    let whole = false;
    try {
      whole = this.#kernels.run(program, times);
    } finally {
      if (!whole) this.#break();
    }
    if (this.#broken) throw this.#broken;
  }

  /** Other threads may still be at work on what has failed, so nothing that follows could be trusted. */
  #break(): void {
    this.#broken = new Error(
      "An instruction failed on one of the threads of the WebAssembly backend, which can't be used any more. " +
        "Make a new backend, with threads: 1 to see where it fails.",
    );
    this.dispose();
  }

  /** The view of the memory with the type of `values`, and where in it the buffer's bytes from `byteOffset` on begin. */
  #range(buffer: DeviceBuffer, values: TypedArray, byteOffset: number): { start: number; array: TypedArray } {
    const { address, bytes } = buffer;
    const size = values.BYTES_PER_ELEMENT;
    if (address === 0) throw new Error("This buffer has been freed.");
    if (byteOffset < 0 || byteOffset % size !== 0 || byteOffset + values.byteLength > bytes) {
      throw new RangeError(
        `${values.length} elements of ${size} bytes at byte ${byteOffset} do not lie within a buffer of ${bytes} bytes.`,
      );
    }
    return { start: (address + byteOffset) / size, array: this.#view(values) };
  }

  #view(like: TypedArray): TypedArray {
    if (like instanceof Float32Array) return this.#heap.floats;
    return like instanceof Int32Array ? this.#heap.ints : this.#heap.doubles;
  }
}

/** With the end mark. */
function wordsOf(steps: readonly Step[]): number {
  return steps.reduce((words, step) => words + encodedWords(step), 1);
}

/** Below this many elements a loop is faster than making a view or calling set. */
const SHORT = 16;

class WasmBuffer implements DeviceBuffer {
  readonly bytes: number;
  #address: number;
  #block: Block | undefined;

  constructor(block: Block, bytes: number) {
    this.bytes = bytes;
    this.#address = block.start;
    this.#block = block;
  }

  /** 0 after it has been freed: no buffer lies there, so a late use is noticed. */
  get address(): number {
    return this.#address;
  }

  release(): Block {
    const block = this.#block;
    if (!block) throw new Error("This buffer has been freed before. Whoever allocates a buffer frees it, once.");
    this.#block = undefined;
    this.#address = 0;
    return block;
  }
}
