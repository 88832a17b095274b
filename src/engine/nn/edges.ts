/** Padding by what an image has: mirrored, repeated, or continued from the other side. */
import { sparseProduct } from "../ops/index.ts";
import { ShapeError } from "../shape.ts";
import { SparseMaps } from "../sparse-map.ts";
import type { Tensor } from "../tensor.ts";

export type EdgeMode = "reflect" | "replicate" | "circular";

/** How many elements to add before and after a dimension; a negative count takes elements away. */
export type Amounts = readonly [before: number, after: number];

/** Where element i of a row of `length` lies, for i outside of it too. */
const SOURCES: Readonly<Record<EdgeMode, (i: number, length: number, amounts: Amounts) => number>> = {
  reflect: (i, length) => (i < 0 ? -i : i >= length ? 2 * (length - 1) - i : i),
  replicate: (i, length) => Math.min(Math.max(i, 0), length - 1),
  // PyTorch crops first, and goes round what is left.
  circular(i, length, amounts) {
    const [first, kept] = cropped(length, amounts);
    return first + ((i - first + kept) % kept);
  },
};

/** The first element that stays and how many do, before anything is added. */
function cropped(length: number, [before, after]: Amounts): readonly [first: number, kept: number] {
  const first = Math.max(-before, 0);
  return [first, length - first - Math.max(-after, 0)];
}

const LIMITS: Readonly<Record<EdgeMode, (length: number, amounts: Amounts) => number>> = {
  reflect: (length) => length - 1,
  replicate: () => Number.POSITIVE_INFINITY,
  circular: (length, amounts) => cropped(length, amounts)[1],
};

/** Throws ShapeError unless a dimension of `length` can be padded so. */
export function checkEdges(mode: EdgeMode, length: number, [before, after]: Amounts, field = "padding"): void {
  const most = LIMITS[mode](length, [before, after]);
  const wanted = Math.max(before, after);
  if (wanted > most) {
    throw new ShapeError(`expects at most ${most} for ${length} elements with ${mode} padding, got ${wanted}`, field);
  }
  if (length + before + after < 1) {
    throw new ShapeError(`takes away ${-before - after} of ${length} elements: none are left`, field);
  }
}

/** Which element of a row of `length` each element of the padded row is. */
export function edgeSources(mode: EdgeMode, length: number, amounts: Amounts): number[] {
  const [before, after] = amounts;
  return Array.from({ length: length + before + after }, (_, i) => SOURCES[mode](i - before, length, amounts));
}

/** Pads the last dimensions of a tensor, each by its own amounts. */
export class Edges {
  readonly #maps: readonly (SparseMaps | null)[];

  constructor(mode: EdgeMode, amounts: readonly Amounts[]) {
    this.#maps = amounts.map(([before, after]) => {
      if (before === 0 && after === 0) return null;
      return new SparseMaps((length) => {
        checkEdges(mode, length, [before, after]);
        return edgeSources(mode, length, [before, after]).map((element) => [[element, 1]]);
      });
    });
  }

  pad(x: Tensor): Tensor {
    let y = x;
    this.#maps.forEach((maps, i) => {
      const dim = x.rank - this.#maps.length + i;
      if (maps) y = sparseProduct(y, dim, maps.for(x.shape[dim] ?? 0));
    });
    return y;
  }
}
