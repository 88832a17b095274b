/** A curve with so many points that lines between them would only cover each other, drawn as one bar for each pixel. */
import type uPlot from "uplot";
import { Columns } from "../series/columns.ts";
import type { Slots } from "../series/trace.ts";

interface Stroke {
  readonly color: string;
  readonly width: number;
  readonly alpha: number;
  readonly dash?: readonly number[];
}

/** Whether its points lie closer than four pixels. */
export function isCrowded(slots: Slots): boolean {
  let points = 0;
  for (const slot of slots) if (slot !== null) points++;
  return points > slots.length / 8;
}

/** `width`, `alpha` and `dash` are those of a line; dashes count along the x axis. */
export function drawColumns(
  plot: uPlot,
  positions: readonly number[],
  slots: Slots,
  { color, width, alpha, dash = [] }: Stroke,
): void {
  const { ctx, bbox } = plot;
  const thickness = Math.max(1, Math.round(width * devicePixelRatio));
  const columns = new Columns(Math.ceil(bbox.width), thickness);
  slots.forEach((slot, i) => {
    if (slot === null) return;
    columns.lineTo(plot.valToPos(positions[i] ?? 0, "x", true) - bbox.left, plot.valToPos(slot, "y", true));
  });
  const half = thickness / 2;
  const left = Math.round(bbox.left);
  ctx.save();
  ctx.fillStyle = color;
  ctx.globalAlpha = alpha;
  columns.visit((column, low, high) => {
    if (isDrawn(column / devicePixelRatio, dash)) ctx.fillRect(left + column, low - half, 1, high - low + 2 * half);
  });
  ctx.restore();
}

function isDrawn(place: number, dash: readonly number[]): boolean {
  const period = dash.reduce((sum, part) => sum + part, 0);
  if (period === 0) return true;
  let rest = place % period;
  for (const [i, part] of dash.entries()) {
    if (rest < part) return i % 2 === 0;
    rest -= part;
  }
  return true;
}
