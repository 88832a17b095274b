/**
 * The GPU backend: instructions as gpu.js kernels, on WebGPU or in gpu.js's own WebAssembly.
 *
 * It keeps the books (who has which allocation) and leaves the work to its device's thread: what is ordered here is done
 * there, in order, and only reads wait. So an error of the device is thrown by a later call than the one that caused it.
 */
import {
  type Backend,
  type Command,
  type DeviceBuffer,
  OutOfMemoryError,
  type Program,
  type TypedArray,
} from "../../backend.ts";
import type { Instruction } from "../../instructions.ts";
import type { DeviceCommand, DeviceFacts, GpuMode, Span } from "./executor.ts";
import type { WebgpuOptions } from "./facade.ts";
import { SlotNumbers } from "./slot-numbers.ts";
import { type Line, ThreadLine } from "./thread-line.ts";
import { WebasmExecutor } from "./webasm-executor.ts";
import { fromWords, toWords } from "./words.ts";

export interface GpuBackendOptions extends WebgpuOptions {
  /** "webgpu": a GPU. "webasm": gpu.js in WebAssembly, for machines without one: slow, and right. */
  readonly mode?: GpuMode;
  /** How much memory tensors may take; by default, as much as the device gives. */
  readonly maxBytes?: number;
  /** Whether mode "webasm", too, gets a thread of its own, which it does not need. */
  readonly thread?: boolean;
  /** What {@link gpuShared} has made, for whoever may want to end this thread before the backend is there. */
  readonly shared?: SharedArrayBuffer;
}

/** Throws UnavailableError, whose message says what is missing, if the mode can't run on this machine. */
export async function createGpuBackend(options: GpuBackendOptions = {}): Promise<GpuBackend> {
  const { mode = "webgpu", maxBytes = Number.POSITIVE_INFINITY, thread = false } = options;
  const line =
    mode === "webgpu" || thread ? await ThreadLine.open(mode, options, options.shared) : new WebasmExecutor();
  return new GpuBackend(line, maxBytes);
}

/** Each allocation has so many addresses: no buffer is larger. */
const SLOT_BYTES = 2 ** 33;

export class GpuBackend implements Backend {
  readonly name = "gpu";
  /** The adapter, its driver, and the mode in which gpu.js runs. */
  readonly facts: DeviceFacts;
  readonly #line: Line;
  readonly #maxBytes: number;
  readonly #slots = new SlotNumbers();
  #live = 0;
  #peak = 0;
  #programs = 0;

  constructor(line: Line, maxBytes: number) {
    this.#line = line;
    this.facts = line.facts;
    this.#maxBytes = maxBytes;
  }

  /** For settleGpu; undefined where there is no thread. */
  get shared(): SharedArrayBuffer | undefined {
    return this.#line.shared;
  }

  get variant(): GpuMode {
    return this.facts.mode;
  }

  get memory(): { readonly live: number; readonly peak: number } {
    return { live: this.#live, peak: this.#peak };
  }

  allocate(bytes: number): DeviceBuffer {
    if (!Number.isInteger(bytes) || bytes < 0) throw new RangeError(`A buffer can't have ${bytes} bytes.`);
    const { maxBufferBytes } = this.facts;
    if (bytes > maxBufferBytes) throw new OutOfMemoryError(bytes, this.#live, maxBufferBytes);
    if (this.#live + bytes > this.#maxBytes) throw new OutOfMemoryError(bytes, this.#live, this.#maxBytes);
    const slot = this.#slots.take();
    this.#line.allocate(slot, Math.max(1, Math.ceil(bytes / 4)));
    this.#live += bytes;
    this.#peak = Math.max(this.#peak, this.#live);
    return new GpuBuffer(slot, bytes);
  }

  free(buffer: DeviceBuffer): void {
    if (!(buffer instanceof GpuBuffer)) throw new TypeError("This buffer is not one that this backend allocated.");
    const slot = buffer.release();
    this.#line.free(slot);
    this.#slots.giveBack(slot);
    this.#live -= buffer.bytes;
  }

  write(buffer: DeviceBuffer, values: TypedArray, byteOffset = 0): void {
    const { slot, offset } = this.#range(buffer, values, byteOffset);
    if (values.length > 0) this.#line.write(slot, offset, toWords(values));
  }

  read<T extends TypedArray>(buffer: DeviceBuffer, into: T, byteOffset = 0): T {
    const { slot, offset, words } = this.#range(buffer, into, byteOffset);
    if (into instanceof Float32Array) {
      this.#line.read(slot, offset, into);
      return into;
    }
    const held = new Float32Array(words);
    this.#line.read(slot, offset, held);
    return fromWords(held, into);
  }

  run(instruction: Instruction, buffers: readonly DeviceBuffer[], params: readonly number[]): void {
    this.#line.run(located({ instruction, buffers, params }));
  }

  compile(commands: readonly Command[]): Program {
    const number = ++this.#programs;
    this.#line.compile(number, commands.map(located));
    let disposed = false;
    return {
      commands: commands.length,
      run: (times) => {
        if (disposed) throw new Error("This program has been disposed of.");
        if (times > 0) this.#line.replay(number, times);
      },
      dispose: () => {
        if (!disposed) this.#line.discard(number);
        disposed = true;
      },
    };
  }

  /** Ends the device's thread and frees all that it holds. Nothing made here may be used afterwards. */
  async dispose(): Promise<void> {
    await this.#line.dispose();
  }

  #range(buffer: DeviceBuffer, values: TypedArray, byteOffset: number): Span {
    const size = values.BYTES_PER_ELEMENT;
    if (buffer.address === 0) throw new Error("This buffer has been freed.");
    if (byteOffset < 0 || byteOffset % size !== 0 || byteOffset + values.byteLength > buffer.bytes) {
      throw new RangeError(
        `${values.length} elements of ${size} bytes at byte ${byteOffset} do not lie within a buffer of ${buffer.bytes} bytes.`,
      );
    }
    const { slot, offset } = spanOf(buffer);
    return { slot, offset: offset + byteOffset / 4, words: values.byteLength / 4 };
  }
}

function located({ instruction, buffers, params }: Command): DeviceCommand {
  if (buffers.length !== instruction.bufferCount || params.length !== instruction.paramTypes.length) {
    throw new TypeError(
      `Instruction ${instruction.name} takes ${instruction.bufferCount} buffers and ${instruction.paramTypes.length} ` +
        `parameters, but got ${buffers.length} and ${params.length}.`,
    );
  }
  const freed = buffers.findIndex(({ address }) => address === 0);
  if (freed >= 0) {
    throw new Error(
      `Instruction ${instruction.name}: buffer ${freed} has been freed. Free a tensor's buffer only after its last use.`,
    );
  }
  return { instruction, spans: buffers.map(spanOf), params };
}

function spanOf({ address, bytes }: DeviceBuffer): Span {
  const slot = Math.floor(address / SLOT_BYTES);
  return { slot, offset: (address - slot * SLOT_BYTES) / 4, words: Math.max(1, Math.ceil(bytes / 4)) };
}

class GpuBuffer implements DeviceBuffer {
  readonly bytes: number;
  #slot: number;

  constructor(slot: number, bytes: number) {
    this.bytes = bytes;
    this.#slot = slot;
  }

  /** 0 after it has been freed. */
  get address(): number {
    return this.#slot * SLOT_BYTES;
  }

  release(): number {
    const slot = this.#slot;
    if (slot === 0) throw new Error("This buffer has been freed before. Whoever allocates a buffer frees it, once.");
    this.#slot = 0;
    return slot;
  }
}
