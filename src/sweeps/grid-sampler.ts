/** Grid search: every combination once, in an order like that of a counter, the last field fastest. */
import type { Field } from "./draw.ts";
import type { Leaf, Node } from "./search-space.ts";

/** A leaf that could take any number between two has no grid; it is given back to be told of. */
export function unlisted(leaves: Iterable<Leaf>): Leaf[] {
  return [...leaves].filter((leaf) => leaf.kind === "number" && leaf.values === null);
}

/** How many combinations there are; beyond `MOST_CELLS`, more than that. */
export function countCells(fields: readonly Field[]): number {
  return product(fields.map(({ node }) => cellsOf(node)));
}

/** Picks the draws of combination `cell`, from 0; leaves are asked in the order in which a point is drawn. */
export function gridPick(fields: readonly Field[], cell: number): (leaf: Leaf) => number {
  const picks = new Map<string, number>();
  assign(
    fields.map(({ node }) => node),
    cell,
    picks,
  );
  return (leaf) => picks.get(leaf.id) ?? 0;
}

export const MOST_CELLS = 1e9;

function cellsOf(node: Node): number {
  switch (node.kind) {
    case "constant":
      return 1;
    case "number":
      return node.values?.length ?? Number.POSITIVE_INFINITY;
    case "choice":
      return sum(node.options.map(cellsOf));
    case "object":
      return product(node.entries.map(([, inner]) => cellsOf(inner)));
    case "array":
      return product(node.items.map(cellsOf));
    case "repeat":
      return sum(countsOf(node.times).map((count) => copiesCells(node.copies, count)));
  }
}

const copiesCells = (copies: readonly (readonly Node[])[], count: number): number =>
  product(copies.slice(0, count).flatMap((copy) => copy.map(cellsOf)));

/** How often a repeat may repeat, by its draws in order. */
function countsOf(times: Leaf): readonly number[] {
  if (times.kind === "number") return times.values ?? [];
  return times.options.map((option) =>
    option.kind === "constant" && typeof option.value === "number" ? option.value : 0,
  );
}

/** Of several nodes at once: the last one counts fastest. */
function assign(nodes: readonly Node[], cell: number, picks: Map<string, number>): void {
  let rest = cell;
  for (const node of nodes.toReversed()) {
    const count = cellsOf(node);
    assignOne(node, rest % count, picks);
    rest = Math.floor(rest / count);
  }
}

function assignOne(node: Node, cell: number, picks: Map<string, number>): void {
  switch (node.kind) {
    case "constant":
      return;
    case "number":
      picks.set(node.id, node.values?.[cell] ?? node.low);
      return;
    case "choice": {
      const [i, within] = locate(node.options.map(cellsOf), cell);
      picks.set(node.id, i);
      const option = node.options[i];
      if (option) assignOne(option, within, picks);
      return;
    }
    case "object":
      assign(
        node.entries.map(([, inner]) => inner),
        cell,
        picks,
      );
      return;
    case "array":
      assign(node.items, cell, picks);
      return;
    case "repeat": {
      const counts = countsOf(node.times);
      const [i, within] = locate(
        counts.map((count) => copiesCells(node.copies, count)),
        cell,
      );
      picks.set(node.times.id, node.times.kind === "number" ? (counts[i] ?? 0) : i);
      assign(node.copies.slice(0, counts[i]).flat(), within, picks);
    }
  }
}

/** In which of the parts, one behind the other, a cell lies, and where within it. */
function locate(sizes: readonly number[], cell: number): [part: number, within: number] {
  let within = cell;
  for (const [i, size] of sizes.entries()) {
    if (within < size) return [i, within];
    within -= size;
  }
  return [0, 0];
}

const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
const product = (counts: readonly number[]): number => counts.reduce((a, b) => Math.min(a * b, MOST_CELLS * 10), 1);
