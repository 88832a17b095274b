/** A regression's predictions beside the truth, and what is left over. */
import { colorOf } from "../chart/color-of.ts";
import type { Predictions } from "../service/predictions.ts";
import { Canvas } from "../shared/canvas.tsx";
import { count, figure } from "../shared/format.ts";
import { Tiles } from "../shared/tiles.tsx";
import { numbersIn } from "./meaning.ts";
import { Plane, rangeOf } from "./plane.ts";

interface Pair {
  readonly truth: number;
  readonly given: number;
}

export function ResidualsCard({ predictions }: { predictions: Predictions | null }) {
  const pairs = predictions ? pairsOf(predictions) : [];
  if (!predictions || pairs.length === 0) return null;
  const residuals = pairs.map(({ truth, given }) => given - truth);
  const rmse = Math.sqrt(meanOf(residuals.map((residual) => residual ** 2)));
  const mean = meanOf(pairs.map(({ truth }) => truth));
  const spread = meanOf(pairs.map(({ truth }) => (truth - mean) ** 2));
  const r2 = spread === 0 ? null : 1 - rmse ** 2 / spread;
  const { rows, rows_of: of, checkpoint } = predictions;
  const sample = pairs.length < rows ? `${count(pairs.length)} of ${count(rows)}` : count(rows);
  return (
    <section class="card stack" aria-labelledby="try-residuals">
      <div class="row">
        <h2 id="try-residuals">Residuals</h2>
        <span class="soft small push">
          {sample} {of} rows, epoch {checkpoint.epoch}
        </span>
      </div>
      <Tiles
        of={[
          ["typical error (RMSE)", figure(rmse)],
          ["R²", figure(r2)],
          ["mean residual", figure(meanOf(residuals))],
        ]}
      />
      <div class="pair">
        <Canvas
          aspect={0.75}
          mostHeight={340}
          label={`Predictions over true values: RMSE ${figure(rmse)}, R² ${figure(r2)}`}
          draw={(context, width, height) => drawPairs(context, width, height, pairs)}
        />
        <Canvas
          aspect={0.75}
          mostHeight={340}
          label={`How residuals spread: from ${figure(Math.min(...residuals))} to ${figure(Math.max(...residuals))}`}
          draw={(context, width, height) => drawHistogram(context, width, height, residuals)}
        />
      </div>
    </section>
  );
}

/** Where each row has one number to give. */
function pairsOf({ outputs, targets, labels }: Predictions): Pair[] {
  if (labels) return [];
  return outputs.flatMap((output, i) => {
    const [given, another] = numbersIn(output) ?? [];
    const [truth, other] = numbersIn(targets[i]) ?? [];
    const isPair = given !== undefined && truth !== undefined && another === undefined && other === undefined;
    return isPair && Number.isFinite(given) ? [{ truth, given }] : [];
  });
}

const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

function drawPairs(context: CanvasRenderingContext2D, width: number, height: number, pairs: readonly Pair[]): void {
  const all = rangeOf(
    pairs.flatMap(({ truth, given }) => [truth, given]),
    "",
  );
  const plane = new Plane(context, width, height, { ...all, label: "true" }, { ...all, label: "predicted" });
  plane.drawAxes();
  plane.clip(() => {
    context.strokeStyle = colorOf("--soft");
    context.setLineDash([5, 4]);
    context.beginPath();
    context.moveTo(plane.x(all.min), plane.y(all.min));
    context.lineTo(plane.x(all.max), plane.y(all.max));
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = colorOf("--series-1");
    context.globalAlpha = pairs.length > 300 ? 0.45 : 0.75;
    for (const { truth, given } of pairs) {
      context.beginPath();
      context.arc(plane.x(truth), plane.y(given), 3, 0, 2 * Math.PI);
      context.fill();
    }
    context.globalAlpha = 1;
  });
}

function drawHistogram(
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
  residuals: readonly number[],
): void {
  const range = rangeOf(residuals, "predicted − true");
  const bins = Math.max(8, Math.min(40, Math.ceil(Math.sqrt(residuals.length))));
  const counts = new Array<number>(bins).fill(0);
  for (const residual of residuals) {
    const bin = Math.min(bins - 1, Math.floor(((residual - range.min) / (range.max - range.min)) * bins));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const plane = new Plane(context, width, height, range, { min: 0, max: Math.max(...counts) * 1.08, label: "rows" });
  plane.drawAxes();
  context.fillStyle = colorOf("--series-1");
  counts.forEach((n, bin) => {
    const [from, to] = [bin, bin + 1].map((edge) => plane.x(range.min + ((range.max - range.min) * edge) / bins));
    if (from !== undefined && to !== undefined && n > 0)
      context.fillRect(from + 0.5, plane.y(n), to - from - 1, plane.y(0) - plane.y(n));
  });
  context.strokeStyle = colorOf("--ink");
  context.setLineDash([3, 3]);
  context.beginPath();
  context.moveTo(plane.x(0), plane.top);
  context.lineTo(plane.x(0), plane.top + plane.height);
  context.stroke();
  context.setLineDash([]);
}
