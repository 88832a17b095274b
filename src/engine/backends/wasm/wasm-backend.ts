/** The CPU backend: kernels in WebAssembly with 128-bit SIMD, over one linear memory that holds all buffers. */
import type { Backend, Command, DeviceBuffer, Program, TypedArray } from "../../backend.ts";
import type { Instruction } from "../../instructions.ts";
import type { Block } from "./allocator.ts";
import { encode, encodedWords, LONGEST_RECORD } from "./encoder.ts";
import { Heap } from "./heap.ts";
import { type KernelExports, type KernelFlavour, type KernelModule, loadKernels } from "./kernel-module.ts";

export interface WasmBackendOptions {
  /** How much memory tensors may take; at most, and by default, 4 GiB. */
  readonly maxBytes?: number;
  /**
   * "fast" uses fused multiply-add in matrix products where the machine has it; "strict" gives the same bits everywhere.
   * Everything but matrix products is the same in both.
   */
  readonly numerics?: "fast" | "strict";
}

export async function createWasmBackend(options: WasmBackendOptions = {}): Promise<Backend> {
  const { maxBytes = 2 ** 32, numerics = "fast" } = options;
  return new WasmBackend(await loadKernels(numerics), maxBytes);
}

class WasmBackend implements Backend {
  readonly name = "wasm";
  readonly writesOver = true;
  readonly variant: KernelFlavour;
  readonly #heap: Heap;
  readonly #kernels: KernelExports;
  /** Room for one record and the end mark: where eager instructions are written. */
  readonly #eager: number;

  constructor(kernels: KernelModule, maxBytes: number) {
    this.variant = kernels.flavour;
    this.#heap = new Heap(maxBytes);
    this.#kernels = kernels.instantiate(this.#heap.memory);
    this.#heap.open(this.#kernels.heapStart());
    this.#eager = this.#heap.allocate((LONGEST_RECORD + 1) * 4).start;
    this.#kernels.scratch.value = this.#heap.allocate(this.#kernels.scratchBytes.value).start;
    this.#heap.live = 0;
    this.#heap.peak = 0;
  }

  get memory(): { readonly live: number; readonly peak: number } {
    return { live: this.#heap.live, peak: this.#heap.peak };
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
    const end = encode(this.#heap, this.#eager >>> 2, instruction, buffers, params);
    this.#heap.ints[end] = 0;
    this.#kernels.run(this.#eager, 1);
  }

  compile(commands: readonly Command[]): Program {
    const bytes = commands.reduce((sum, { instruction }) => sum + encodedWords(instruction) * 4, 4);
    const buffer = this.allocate(bytes);
    let at = buffer.address >>> 2;
    try {
      for (const { instruction, buffers, params } of commands) {
        at = encode(this.#heap, at, instruction, buffers, params);
      }
    } catch (error) {
      this.free(buffer);
      throw error;
    }
    this.#heap.ints[at] = 0;
    return {
      commands: commands.length,
      run: (times) => {
        if (buffer.address === 0) throw new Error("This program has been disposed of.");
        this.#kernels.run(buffer.address, times);
      },
      dispose: () => this.free(buffer),
    };
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
