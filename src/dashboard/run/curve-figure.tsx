/** A chart with its title and what one can choose about it. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Chart, type Columns, type Curve } from "../chart/chart.ts";

interface Props {
  readonly title: string;
  readonly curves: Curve[];
  readonly columns: Columns;
  readonly logarithmic: boolean;
  readonly children?: ComponentChildren;
}

export function CurveFigure({ title, curves, columns, logarithmic, children }: Props) {
  const parent = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  useEffect(() => {
    if (!parent.current) return;
    chart.current = new Chart(parent.current);
    return () => chart.current?.close();
  }, []);
  useEffect(() => chart.current?.setLogarithmic(logarithmic), [logarithmic]);
  useEffect(() => chart.current?.show(curves, columns));
  return (
    <figure class="card">
      <figcaption class="row">
        <h2>{title}</h2>
        <div class="push row">{children}</div>
      </figcaption>
      <div ref={parent} role="img" aria-label={title} />
    </figure>
  );
}
