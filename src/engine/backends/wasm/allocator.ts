/**
 * Hands out pieces of a linear memory in constant time (two-level segregated fit, Masmano et al., 2004): free blocks
 * are kept in classes by size, bitmaps say which classes have any, and a freed block merges with its neighbours. Small
 * blocks wait for the next request of their size first: eager mode asks for the same few sizes over and over.
 *
 * It knows addresses alone and touches no memory. Everything is a multiple of 64 bytes, a cache line: more than any
 * kernel's alignment needs, and two threads never write to the same line.
 */
export const ALIGNMENT = 64;

/** Eight classes for each power of two. */
const CLASS_BITS = 3;
const CLASSES_PER_POWER = 1 << CLASS_BITS;
/** Sizes are below 2³² bytes = 2²⁶ units. */
const POWERS = 27;
/** How many blocks of a request's own class are tried before a larger class, where any block fits. */
const TRIES = 4;

/** Blocks up to this size are kept whole for a while. */
const LARGEST_KEPT = 4096;

/** A stretch of memory, in use or free. */
export class Block {
  start: number;
  size: number;
  isFree = false;
  /** Neighbours in memory. */
  before: Block | undefined;
  after: Block | undefined;
  /** Neighbours in the class, when free; the next one of those kept. */
  previous: Block | undefined;
  next: Block | undefined;

  constructor(start: number, size: number) {
    this.start = start;
    this.size = size;
  }
}

export class Allocator {
  readonly #grow: (bytes: number) => number;
  readonly #classes: (Block | undefined)[] = new Array(POWERS * CLASSES_PER_POWER).fill(undefined);
  /** Bit p: some class of power p has a block; and for each power, which of its classes. */
  #powers = 0;
  readonly #classesOf = new Uint8Array(POWERS);
  /** By size in units: blocks that were given back and not merged yet. */
  readonly #kept: (Block | undefined)[] = new Array(LARGEST_KEPT / ALIGNMENT + 1).fill(undefined);
  #last: Block | undefined;
  #end: number;

  /**
   * Manages [start, end). `grow` is asked for at least so many bytes more, adjoining `end`, and returns how many there
   * are now: a multiple of 64, or 0 when there is no room.
   */
  constructor(start: number, end: number, grow: (bytes: number) => number) {
    this.#grow = grow;
    this.#end = roundUp(start);
    this.#extend(Math.floor((end - this.#end) / ALIGNMENT) * ALIGNMENT);
  }

  /** A block of at least `bytes`; undefined when there is no room. */
  allocate(bytes: number): Block | undefined {
    const size = Math.max(roundUp(bytes), ALIGNMENT);
    const kept = size <= LARGEST_KEPT ? this.#kept[size / ALIGNMENT] : undefined;
    if (kept) {
      this.#kept[size / ALIGNMENT] = kept.next;
      return kept;
    }
    const block = this.#find(size) ?? this.#findAfterMerging(size) ?? this.#findAfterGrowing(size);
    if (!block) return undefined;
    this.#unlink(block);
    if (block.size > size) this.#split(block, size);
    return block;
  }

  free(block: Block): void {
    const { size } = block;
    if (size > LARGEST_KEPT) {
      this.#merge(block);
      return;
    }
    block.next = this.#kept[size / ALIGNMENT];
    this.#kept[size / ALIGNMENT] = block;
  }

  /** Merges the small blocks that were kept. True if there were any. */
  tidy(): boolean {
    let any = false;
    for (let units = 1; units < this.#kept.length; units++) {
      let block = this.#kept[units];
      this.#kept[units] = undefined;
      while (block) {
        const { next } = block;
        this.#merge(block);
        any = true;
        block = next;
      }
    }
    return any;
  }

  /** All blocks in the order of their addresses. */
  *blocks(): Generator<Block> {
    let first = this.#last;
    while (first?.before) first = first.before;
    for (let block = first; block; block = block.after) yield block;
  }

  #find(size: number): Block | undefined {
    const own = classOf(size);
    let block = this.#classes[own];
    for (let tries = 0; block && tries < TRIES; tries++, block = block.next) if (block.size >= size) return block;

    const power = own >>> CLASS_BITS;
    const larger = this.#classesOf[power]! & (-2 << (own & (CLASSES_PER_POWER - 1)));
    if (larger) return this.#classes[(power << CLASS_BITS) + lowestBit(larger)];
    const powers = this.#powers & (-2 << power);
    if (!powers) return undefined;
    const found = lowestBit(powers);
    return this.#classes[(found << CLASS_BITS) + lowestBit(this.#classesOf[found]!)];
  }

  #findAfterMerging(size: number): Block | undefined {
    return this.tidy() ? this.#find(size) : undefined;
  }

  #findAfterGrowing(size: number): Block | undefined {
    const missing = this.#last?.isFree ? size - this.#last.size : size;
    const grown = missing > 0 ? this.#grow(missing) : 0;
    if (grown > 0) this.#extend(grown);
    // Only the last block can have become large enough, or been overlooked among many in its class.
    if (this.#last?.isFree && this.#last.size >= size) return this.#last;
    for (let block = this.#classes[classOf(size)]; block; block = block.next) if (block.size >= size) return block;
    return undefined;
  }

  #extend(bytes: number): void {
    if (bytes <= 0) return;
    const block = new Block(this.#end, bytes);
    block.before = this.#last;
    if (this.#last) this.#last.after = block;
    this.#last = block;
    this.#end += bytes;
    this.#merge(block);
  }

  #merge(block: Block): void {
    const { before, after } = block;
    let merged = block;
    if (after?.isFree) {
      this.#unlink(after);
      this.#swallow(block, after);
    }
    if (before?.isFree) {
      this.#unlink(before);
      this.#swallow(before, block);
      merged = before;
    }
    this.#link(merged);
  }

  /** Cuts what `block` has beyond `size` off as a free block. */
  #split(block: Block, size: number): void {
    const rest = new Block(block.start + size, block.size - size);
    rest.before = block;
    rest.after = block.after;
    if (rest.after) rest.after.before = rest;
    else this.#last = rest;
    block.after = rest;
    block.size = size;
    this.#link(rest);
  }

  #swallow(block: Block, after: Block): void {
    block.size += after.size;
    block.after = after.after;
    if (block.after) block.after.before = block;
    else this.#last = block;
  }

  #link(block: Block): void {
    const index = classOf(block.size);
    const head = this.#classes[index];
    block.isFree = true;
    block.previous = undefined;
    block.next = head;
    if (head) head.previous = block;
    this.#classes[index] = block;
    this.#classesOf[index >>> CLASS_BITS]! |= 1 << (index & (CLASSES_PER_POWER - 1));
    this.#powers |= 1 << (index >>> CLASS_BITS);
  }

  #unlink(block: Block): void {
    block.isFree = false;
    const { previous, next } = block;
    if (next) next.previous = previous;
    if (previous) {
      previous.next = next;
      return;
    }
    const index = classOf(block.size);
    this.#classes[index] = next;
    if (next) return;
    const power = index >>> CLASS_BITS;
    this.#classesOf[power]! &= ~(1 << (index & (CLASSES_PER_POWER - 1)));
    if (this.#classesOf[power] === 0) this.#powers &= ~(1 << power);
  }
}

/** The class of a size: its highest bit, and the three bits after it. */
function classOf(size: number): number {
  const units = size / ALIGNMENT;
  const power = 31 - Math.clz32(units);
  const fraction = power < CLASS_BITS ? units << (CLASS_BITS - power) : units >>> (power - CLASS_BITS);
  return (power << CLASS_BITS) + (fraction & (CLASSES_PER_POWER - 1));
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
