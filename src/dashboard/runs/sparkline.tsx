/** The course of a loss, as small as a word. */
import type { Trend } from "../../jobs/job.ts";

const WIDTH = 84;
const HEIGHT = 24;
const EDGE = 2;

export function Sparkline({ trend: { losses }, latest }: { trend: Trend; latest: number | null }) {
  const values = [...losses, latest].flatMap((value) => (value === null ? [] : [value]));
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} aria-hidden="true">
      {values.length > 1 && <path d={pathOf(values)} />}
    </svg>
  );
}

function pathOf(values: readonly number[]): string {
  const least = Math.min(...values);
  const span = Math.max(...values) - least || 1;
  const points = values.map((value, i) => {
    const x = EDGE + (i / (values.length - 1)) * (WIDTH - 2 * EDGE);
    const y = HEIGHT - EDGE - ((value - least) / span) * (HEIGHT - 2 * EDGE);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return `M${points.join("L")}`;
}
