/** What of a curve to draw between two places at a width: two points for each pixel, its least and its greatest number. */
import type { Series } from "./series.ts";

/** Two slots for each pixel, from left to right. */
export type Slots = (number | null)[];

export interface Frame {
  readonly from: number;
  readonly to: number;
  readonly pixels: number;
}

/**
 * An end of the frame that the next points don't move: less than two pixels behind the last one, and the same until that is
 * passed. A long curve that grows looks the same from event to event, and need not be drawn again.
 */
export function steadyEnd({ from, to, pixels }: Frame): number {
  const step = 2 ** Math.ceil(Math.log2((to - from) / pixels));
  const end = from + Math.ceil((to - from) / step) * step;
  // Not for numbers so large that a pixel is lost in their rounding.
  return end >= to && end - to <= 2 * step ? end : to;
}

/** Where the slots of a frame lie. */
export function slotPositions({ from, to, pixels }: Frame): number[] {
  const step = (to - from) / (2 * pixels - 1);
  return Array.from({ length: 2 * pixels }, (_, i) => from + i * step);
}

/** Fills `slots` with a curve; null where it has no point. Lines that come from outside enter at the edge. */
export function trace(x: Series, y: Series, frame: Frame, slots: Slots): void {
  const { from, to, pixels } = frame;
  slots.length = 2 * pixels;
  slots.fill(null);
  if (!(to > from)) return;
  const first = x.lowerBound(from);
  const end = Math.max(first, x.lowerBound(to + (to - from) * 1e-12));
  const perSlot = (2 * pixels - 1) / (to - from);
  const slotOf = (index: number) => Math.round((x.at(index) - from) * perSlot);

  let pixel = -1;
  let least = -1;
  let greatest = -1;
  const put = () => {
    if (least === -1) return;
    if (least === greatest) slots[Math.min(slotOf(least), slots.length - 1)] = y.at(least);
    else {
      slots[2 * pixel] = y.at(Math.min(least, greatest));
      slots[2 * pixel + 1] = y.at(Math.max(least, greatest));
    }
    least = -1;
    greatest = -1;
  };
  y.visit(first, end, (end - first) / (4 * pixels), (at, _over, low, high) => {
    const here = Math.min(pixels - 1, slotOf(at) >> 1);
    if (here !== pixel) put();
    pixel = here;
    if (low !== -1 && (least === -1 || y.at(low) < y.at(least))) least = low;
    if (high !== -1 && (greatest === -1 || y.at(high) > y.at(greatest))) greatest = high;
  });
  put();
  slots[0] ??= crossing(x, y, first, from);
  slots[slots.length - 1] ??= crossing(x, y, end, to);
}

/** Where the line to the point at `index` crosses a place before it. */
function crossing(x: Series, y: Series, index: number, place: number): number | null {
  const share = (place - x.at(index - 1)) / (x.at(index) - x.at(index - 1));
  const value = y.at(index - 1) + share * (y.at(index) - y.at(index - 1));
  return Number.isNaN(value) ? null : value;
}
