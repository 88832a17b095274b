import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ALIGNMENT, Allocator, type Block } from "../../../../src/engine/backends/wasm/allocator.ts";

const never = () => 0;

/** What must hold at any moment: blocks cover the memory without gap or overlap, and no two free ones touch. */
function check(allocator: Allocator, start: number, end: number): void {
  let at = start;
  let previousFree = false;
  for (const block of allocator.blocks()) {
    if (block.start !== at) throw new Error(`a block starts at ${block.start}, but the one before ends at ${at}`);
    if (block.size <= 0 || block.start % ALIGNMENT !== 0) throw new Error(`a block of ${block.size} at ${block.start}`);
    if (block.isFree && previousFree) throw new Error(`two free blocks touch at ${block.start}`);
    previousFree = block.isFree;
    at += block.size;
  }
  if (at !== end) throw new Error(`blocks end at ${at}, the memory at ${end}`);
}

const size = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 20_000 }));
const actions = fc.array(fc.oneof(size, fc.record({ free: fc.nat() })), { maxLength: 200 });

describe("Allocator", () => {
  it("gives out aligned blocks that never overlap, and merges what comes back", () => {
    fc.assert(
      fc.property(actions, (list) => {
        const [start, end] = [64, 64 + 200_000 - (200_000 % ALIGNMENT)];
        const allocator = new Allocator(start, end, never);
        const held: Block[] = [];
        for (const action of list) {
          if (typeof action === "number") {
            const block = allocator.allocate(action);
            if (block && block.size < action) throw new Error("the block is too small");
            if (block) held.push(block);
          } else if (held.length > 0) {
            const [block] = held.splice(action.free % held.length, 1);
            allocator.free(block!);
          }
          check(allocator, start, end);
        }
        const starts = new Set(held.map((block) => block.start));
        expect(starts.size).toBe(held.length);
        for (const block of held) allocator.free(block);
        allocator.tidy();
        check(allocator, start, end);
        expect([...allocator.blocks()]).toHaveLength(1);
      }),
    );
  });

  it("finds room whenever one free block is large enough", () => {
    fc.assert(
      fc.property(actions, size, (list, wanted) => {
        const allocator = new Allocator(0, 64_000, never);
        const held: Block[] = [];
        for (const action of list) {
          if (typeof action === "number") {
            const block = allocator.allocate(action);
            if (block) held.push(block);
          } else if (held.length > 0) allocator.free(held.splice(action.free % held.length, 1)[0]!);
        }
        allocator.tidy();
        const largest = Math.max(0, ...[...allocator.blocks()].map((block) => (block.isFree ? block.size : 0)));
        const needed = Math.max(Math.ceil(wanted / ALIGNMENT), 1) * ALIGNMENT;
        expect(allocator.allocate(wanted) !== undefined).toBe(largest >= needed);
      }),
    );
  });

  it("uses a freed place again for the same size", () => {
    const allocator = new Allocator(0, 1 << 20, never);
    const places = [1000, 3000, 100, 50_000].map((bytes) => [bytes, allocator.allocate(bytes)!] as const);
    allocator.allocate(64);
    const [, second] = places[1]!;
    allocator.free(second);
    expect(allocator.allocate(3000)!.start).toBe(second.start);
  });

  it("merges small blocks when a large one is wanted", () => {
    const allocator = new Allocator(0, 64_000, never);
    const small = Array.from({ length: 1000 }, () => allocator.allocate(64)!);
    expect(allocator.allocate(64)).toBeUndefined();
    for (const block of small) allocator.free(block);
    expect(allocator.allocate(64_000)?.size).toBe(64_000);
  });

  it("asks for more memory only when it has none, and for no more than what is missing", () => {
    const asked: number[] = [];
    const allocator = new Allocator(0, 1024, (bytes) => {
      asked.push(bytes);
      return Math.ceil(bytes / 4096) * 4096;
    });
    allocator.allocate(512);
    expect(asked).toEqual([]);
    expect(allocator.allocate(1024)!.start).toBe(512);
    expect(asked).toEqual([512]);
  });
});
