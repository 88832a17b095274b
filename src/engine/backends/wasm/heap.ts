/** The linear memory that kernels, on any thread, and JavaScript share, seen as typed arrays, and who has which part of it. */
import { OutOfMemoryError } from "../../backend.ts";
import { ALIGNMENT, Allocator, type Block } from "./allocator.ts";

const PAGE = 65_536;
const INITIAL_PAGES = 32;
/** One page less than 4 GiB, so that the address after the last byte is still a 32-bit number. */
const MOST_PAGES = 65_535;
/** Kernels may read, never write, a vector or two past the end of an array: the last bytes stay unused. */
const GUARD = ALIGNMENT;

export class Heap {
  readonly memory: WebAssembly.Memory;
  /** The whole memory. Growing replaces these: never keep one across an allocation. */
  ints: Int32Array;
  floats: Float32Array;
  doubles: Float64Array;
  live = 0;
  peak = 0;
  readonly #maxPages: number;
  #allocator: Allocator | undefined;

  constructor(maxBytes: number) {
    this.#maxPages = Math.min(Math.max(Math.floor(maxBytes / PAGE), INITIAL_PAGES), MOST_PAGES);
    this.memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: this.#maxPages, shared: true });
    this.ints = new Int32Array(this.memory.buffer);
    this.floats = new Float32Array(this.memory.buffer);
    this.doubles = new Float64Array(this.memory.buffer);
  }

  /** Leaves the bytes before `start` to the kernels' own data. To be called once, before the first allocation. */
  open(start: number): void {
    this.#allocator = new Allocator(start, this.memory.buffer.byteLength - GUARD, (bytes) => this.#grow(bytes));
  }

  /** Throws OutOfMemoryError. The size counts as live until `free`. */
  allocate(bytes: number): Block {
    const block = this.#allocator?.allocate(bytes);
    if (!block) throw new OutOfMemoryError(bytes, this.live, this.#maxPages * PAGE);
    this.live += bytes;
    if (this.live > this.peak) this.peak = this.live;
    return block;
  }

  /** Memory for the backend itself, zeroed: for good, and not counted. Returns its address. Throws OutOfMemoryError. */
  reserve(bytes: number): number {
    const start = this.reserveAsIs(bytes);
    this.ints.fill(0, start >>> 2, (start + bytes + 3) >>> 2);
    return start;
  }

  /** The same with whatever is there: the machine gives pages that nobody has touched only once somebody does. */
  reserveAsIs(bytes: number): number {
    const block = this.#allocator?.allocate(bytes);
    if (!block) throw new OutOfMemoryError(bytes, this.live, this.#maxPages * PAGE);
    return block.start;
  }

  free(block: Block, bytes: number): void {
    this.#allocator?.free(block);
    this.live -= bytes;
  }

  /** Grows by half, so that many small allocations need few growths; by what is asked for when that is too much. */
  #grow(bytes: number): number {
    const pages = this.memory.buffer.byteLength / PAGE;
    const needed = Math.ceil(bytes / PAGE);
    if (pages + needed > this.#maxPages) return 0;
    const added = Math.min(Math.max(needed, pages >> 1), this.#maxPages - pages);
    try {
      this.memory.grow(added);
    } catch {
      // The machine itself has no room.
      return 0;
    }
    this.ints = new Int32Array(this.memory.buffer);
    this.floats = new Float32Array(this.memory.buffer);
    this.doubles = new Float64Array(this.memory.buffer);
    return added * PAGE;
  }
}
