/** What a chart draws: curves, and marks on them. */
import type { Series } from "../series/series.ts";

export interface Curve {
  readonly id: string;
  readonly label: string;
  /** A colour token of style/tokens.css. */
  readonly color: string;
  readonly dash?: readonly number[];
  /** Drawn thin and pale, under the others: the raw numbers of a smoothed curve. */
  readonly pale?: boolean;
  readonly x: Series;
  readonly y: Series;
  /** Brings `y` up to what it follows, before it is drawn. */
  readonly refresh?: () => void;
}

/** Something that happened at a place of the x axis, or at a point. */
export interface Mark {
  readonly x: number;
  /** A point; else a line from top to bottom, or a tick at the bottom. */
  readonly y?: number;
  readonly kind: "line" | "tick" | "point";
  readonly label: string;
  readonly color: string;
}

/** Dashes for curves that share a colour, from solid on. */
export const DASHES: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [10, 3, 2, 3]];
export const SERIES_COLORS = Array.from({ length: 8 }, (_, i) => `--series-${i + 1}`);

/** Told apart by colour, and by dashes once there are more than colours. */
export function lookOf(index: number): { color: string; dash: readonly number[] } {
  return {
    color: SERIES_COLORS[index % SERIES_COLORS.length] ?? "--ink",
    dash: DASHES[Math.floor(index / SERIES_COLORS.length) % DASHES.length] ?? [],
  };
}
