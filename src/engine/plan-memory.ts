/**
 * Lays out the temporaries of a captured step in one arena: buffers that are never alive together share bytes.
 *
 * A buffer lives from the first command that touches it to the last. Placing the largest first at the lowest free
 * offset is the usual greedy heuristic for this (NP-hard) problem; see Pisarchyk & Lee, "Efficient Memory Management
 * for Deep Neural Net Inference", 2020, section 5.
 */
import type { Command, DeviceBuffer } from "./backend.ts";

/** What a WebGPU binding asks of its offset; a CPU is content with less. */
const ALIGNMENT = 256;

interface Lifetime {
  readonly buffer: DeviceBuffer;
  readonly first: number;
  last: number;
  offset: number;
}

export interface MemoryPlan {
  readonly bytes: number;
  /** The commands again, with every temporary at its place in `arena`. */
  place(arena: DeviceBuffer): Command[];
}

export function planMemory(
  commands: readonly Command[],
  temporaries: { has(buffer: DeviceBuffer): boolean },
): MemoryPlan {
  const lifetimes = new Map<DeviceBuffer, Lifetime>();
  commands.forEach(({ buffers }, at) => {
    for (const buffer of buffers) {
      if (!temporaries.has(buffer)) continue;
      const known = lifetimes.get(buffer);
      if (known) known.last = at;
      else lifetimes.set(buffer, { buffer, first: at, last: at, offset: 0 });
    }
  });
  const bytes = assignOffsets([...lifetimes.values()]);
  return {
    bytes,
    place(arena) {
      const placed = new Map<DeviceBuffer, DeviceBuffer>();
      for (const { buffer, offset } of lifetimes.values()) {
        placed.set(buffer, { address: arena.address + offset, bytes: buffer.bytes });
      }
      return commands.map(({ instruction, buffers, params }) => ({
        instruction,
        buffers: buffers.map((buffer) => placed.get(buffer) ?? buffer),
        params,
      }));
    },
  };
}

function assignOffsets(lifetimes: Lifetime[]): number {
  const placed: Lifetime[] = [];
  let total = 0;
  for (const next of lifetimes.sort((a, b) => b.buffer.bytes - a.buffer.bytes || a.first - b.first)) {
    let offset = 0;
    for (const other of placed) {
      if (other.last < next.first || other.first > next.last) continue;
      if (offset + next.buffer.bytes <= other.offset) break;
      offset = Math.max(offset, align(other.offset + other.buffer.bytes));
    }
    next.offset = offset;
    total = Math.max(total, offset + next.buffer.bytes);
    placed.push(next);
    placed.sort((a, b) => a.offset - b.offset);
  }
  return align(total);
}

const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
