/** Points of a space that together have every end and every option of it: what is checked before a sweep is taken. */
import { drawPoint, type Field, leavesOf, type Point } from "./draw.ts";
import type { Leaf } from "./search-space.ts";

/** A check takes some milliseconds; a space with more options than this is checked at the first of them. */
const MOST_POINTS = 32;

/** The first has everything at its lower end, the second at its upper one; options come in their order. */
export function extremes(base: unknown, fields: readonly Field[]): Point[] {
  /** By leaf: how many of its ends or options there have been. */
  const seen = new Map<string, number>();
  const isOpen = (leaf: Leaf): boolean => (seen.get(leaf.id) ?? 0) < endsOf(leaf);
  const points: Point[] = [];
  for (let fresh = true; fresh && points.length < MOST_POINTS; ) {
    fresh = false;
    const point = drawPoint(base, fields, (leaf) => {
      if (!isOpen(leaf)) return again(leaf, isOpen);
      fresh = true;
      const at = seen.get(leaf.id) ?? 0;
      seen.set(leaf.id, at + 1);
      return endOf(leaf, at);
    });
    if (fresh) points.push(point);
  }
  return points;
}

const endsOf = (leaf: Leaf): number => (leaf.kind === "choice" ? leaf.options.length : leaf.low === leaf.high ? 1 : 2);

function endOf(leaf: Leaf, at: number): number {
  if (leaf.kind === "choice") return at;
  return (at === 0 ? leaf.values?.[0] : leaf.values?.at(-1)) ?? (at === 0 ? leaf.low : leaf.high);
}

/** One that had all its ends: the option behind which something is open, else the last. */
function again(leaf: Leaf, isOpen: (leaf: Leaf) => boolean): number {
  if (leaf.kind !== "choice") return endOf(leaf, 1);
  const open = leaf.options.findIndex((option) => [...leavesOf(option)].some(isOpen));
  return open === -1 ? leaf.options.length - 1 : open;
}
