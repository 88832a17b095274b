/**
 * Lays out the temporaries of a captured step in one arena: buffers that are never alive together share bytes, and the
 * result of an elementwise instruction takes the place of an operand that is not needed afterwards.
 *
 * A buffer lives from the first command that touches it to the last. Placing the largest first at the lowest free
 * offset is the usual greedy heuristic for this (NP-hard) problem; see Pisarchyk & Lee, "Efficient Memory Management
 * for Deep Neural Net Inference", 2020, section 5.
 */
import type { Command, DeviceBuffer } from "./backend.ts";
import { walkedTogether } from "./elementwise.ts";
import type { Layout } from "./workspace.ts";

/** What a WebGPU binding asks of its offset; a CPU is content with less. */
const ALIGNMENT = 256;

/** Bytes of the arena and when they are taken: by one buffer, or by several in turn. */
interface Place {
  readonly bytes: number;
  readonly first: number;
  last: number;
  offset: number;
}

type Places = Map<DeviceBuffer, Place>;

/** `inPlace`: whether the device lets an elementwise instruction write over what it reads. */
export function planMemory(
  commands: readonly Command[],
  temporaries: { has(buffer: DeviceBuffer): boolean },
  inPlace: boolean,
): Layout {
  const places: Places = new Map();
  commands.forEach(({ buffers }, at) => {
    for (const buffer of buffers) {
      if (!temporaries.has(buffer)) continue;
      const known = places.get(buffer);
      if (known) known.last = at;
      else places.set(buffer, { bytes: buffer.bytes, first: at, last: at, offset: 0 });
    }
  });
  if (inPlace) for (const [at, command] of commands.entries()) writeOver(command, at, places);
  const bytes = assignOffsets([...new Set(places.values())]);
  return {
    bytes,
    place(arena) {
      const placed = new Map<DeviceBuffer, DeviceBuffer>();
      for (const [buffer, { offset }] of places) {
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

/** Gives the result the place of an operand that is walked along with it and read here for the last time. */
function writeOver(command: Command, at: number, places: Places): void {
  const [result] = command.buffers;
  const own = result && places.get(result);
  if (!result || own?.first !== at) return;
  const walked = walkedTogether(command);
  const free = command.buffers.find((buffer, i) => {
    const place = walked?.[i] && i > 0 ? places.get(buffer) : undefined;
    return place?.last === at && place.bytes === own.bytes && !readAsOneValue(command, walked, buffer);
  });
  const place = free && places.get(free);
  if (!place) return;
  place.last = own.last;
  places.set(result, place);
}

function readAsOneValue({ buffers }: Command, walked: readonly boolean[] | null, buffer: DeviceBuffer): boolean {
  return buffers.some((other, i) => other === buffer && walked?.[i] === false);
}

/** Gives every place its offset; returns the bytes of all. */
function assignOffsets(places: Place[]): number {
  return places.length <= MOST_BY_SIZE ? assignBySize(places) : assignByTime(places);
}

/** Looking at all pairs of more places would take longer than their memory is worth. */
const MOST_BY_SIZE = 4096;

function assignBySize(places: Place[]): number {
  const byOffset: Place[] = [];
  let total = 0;
  for (const next of places.sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    let offset = 0;
    for (const other of byOffset) {
      if (other.last < next.first || other.first > next.last) continue;
      if (offset + next.bytes <= other.offset) break;
      offset = Math.max(offset, other.offset + align(other.bytes));
    }
    next.offset = offset;
    total = Math.max(total, offset + align(next.bytes));
    byOffset.splice(
      countWhile(byOffset, (other) => other.offset <= offset),
      0,
      next,
    );
  }
  return total;
}

/** As an allocator would: each where the smallest gap that fits begins, when it is first needed. */
function assignByTime(places: Place[]): number {
  const ending = places.toSorted((a, b) => a.last - b.last);
  const gaps: { from: number; to: number }[] = [];
  let total = 0;
  let ended = 0;
  for (const next of places.sort((a, b) => a.first - b.first || b.bytes - a.bytes)) {
    for (let old = ending[ended]; old && old.last < next.first; old = ending[++ended]) addGap(gaps, old);
    const size = align(next.bytes);
    const fitting = gaps.filter(({ from, to }) => to - from >= size);
    const gap = fitting.reduce(
      (best, one) => (!best || one.to - one.from < best.to - best.from ? one : best),
      fitting[0],
    );
    next.offset = gap?.from ?? total;
    if (gap) gap.from += size;
    else total += size;
    if (gap && gap.from === gap.to) gaps.splice(gaps.indexOf(gap), 1);
  }
  return total;
}

/** Makes the bytes of `place` a gap, one with those that it touches. */
function addGap(gaps: { from: number; to: number }[], { offset, bytes }: Place): void {
  const at = countWhile(gaps, ({ from }) => from < offset);
  const added = { from: offset, to: offset + align(bytes) };
  const [before, after] = [gaps[at - 1], gaps[at]];
  if (after?.from === added.to) {
    added.to = after.to;
    gaps.splice(at, 1);
  }
  if (before?.to === added.from) before.to = added.to;
  else gaps.splice(at, 0, added);
}

/** How many items at the head of a sorted list hold to the condition. */
function countWhile<Item>(items: readonly Item[], holds: (item: Item) => boolean): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && holds(item)) low = middle + 1;
    else high = middle;
  }
  return low;
}

const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
