/** The curves of a chart, with their figures under the pointer, or the newest while there is none. */
import type { ReadonlySignal } from "@preact/signals";
import { useCalm } from "../shared/calm.ts";
import type { Curve } from "./curve.ts";
import type { ChartWindow } from "./window.ts";

interface Props {
  readonly curves: readonly Curve[];
  readonly window: ChartWindow;
  readonly version: ReadonlySignal<number>;
  readonly xName: string;
  readonly formatX: (value: number) => string;
  readonly formatY: (value: number) => string;
}

export function Legend({ curves, window, version, xName, formatX, formatY }: Props) {
  useCalm(version);
  const place = window.cursor.value;
  const shown = curves.filter(({ pale }) => !pale);
  const at = placeOf(shown[0], place);
  for (const { refresh } of shown) refresh?.();
  return (
    <ul class="legend" aria-live={place === null ? "off" : "polite"}>
      <li>
        <span class="label">{xName}</span>
        <span class="value">{at === null ? "—" : formatX(at)}</span>
      </li>
      {shown.map((curve) => (
        <li key={curve.id}>
          <Swatch curve={curve} />
          <span class="label" title={curve.label}>
            {curve.label}
          </span>
          <span class="value">{formatY(figureOf(curve, place))}</span>
        </li>
      ))}
    </ul>
  );
}

export function Swatch({ curve: { color, dash = [] } }: { curve: Pick<Curve, "color" | "dash"> }) {
  return (
    <svg width="22" height="8" aria-hidden="true">
      <line
        x1="1"
        x2="21"
        y1="4"
        y2="4"
        stroke-width="2.5"
        stroke-dasharray={dash.join(" ")}
        style={{ stroke: `var(${color})` }}
      />
    </svg>
  );
}

function placeOf(curve: Curve | undefined, place: number | null): number | null {
  if (!curve || curve.x.length === 0) return null;
  return place === null ? curve.x.last : curve.x.at(curve.x.nearest(place));
}

/** The newest is the last that is a number: validation may come seldom. */
function figureOf({ x, y }: Curve, place: number | null): number {
  if (place !== null) return y.at(x.nearest(place));
  for (let i = y.length - 1; i >= Math.max(0, y.length - 1000); i--) if (!Number.isNaN(y.at(i))) return y.at(i);
  return Number.NaN;
}
