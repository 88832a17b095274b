/** Marks on a chart's canvas: lines for what happened, ticks for checkpoints, rings for points. */
import type uPlot from "uplot";
import { colorOf } from "./color-of.ts";
import type { Mark } from "./curve.ts";

const RADIUS = 5;
const TICK = 7;
/** Two ticks stand at least so far apart. */
const TICK_GAP = 5;

export function drawMarks(plot: uPlot, marks: readonly Mark[]): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const { min = 0, max = 0 } = plot.scales["x"] ?? {};
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top - 10 * ratio, bbox.width, bbox.height + 10 * ratio);
  ctx.clip();
  ctx.lineWidth = 1.5 * ratio;
  let lastTick = Number.NEGATIVE_INFINITY;
  for (const mark of marks) {
    if (mark.x < (min ?? 0) || mark.x > (max ?? 0)) continue;
    const x = plot.valToPos(mark.x, "x", true);
    ctx.strokeStyle = colorOf(mark.color);
    ctx.fillStyle = ctx.strokeStyle;
    ctx.beginPath();
    if (mark.kind === "tick") {
      if (x - lastTick < TICK_GAP * ratio) continue;
      lastTick = x;
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x, bbox.top + bbox.height - TICK * ratio);
      ctx.stroke();
    } else if (mark.kind === "line") {
      ctx.setLineDash([4 * ratio, 4 * ratio]);
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.setLineDash([]);
      ctx.beginPath();
      ctx.arc(x, bbox.top, 3 * ratio, 0, 2 * Math.PI);
      ctx.fill();
    } else if (mark.y !== undefined) {
      const y = plot.valToPos(mark.y, "y", true);
      ctx.arc(x, y, RADIUS * ratio, 0, 2 * Math.PI);
      ctx.stroke();
    }
  }
  ctx.restore();
}
