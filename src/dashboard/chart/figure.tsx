/** A chart with its title, what one can choose about it, and a legend that says the figures under the pointer. */
import "./figure.css";
import { effect, type ReadonlySignal, signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { figure } from "../shared/format.ts";
import { controlByKey, controlByPointer } from "./chart-controls.ts";
import type { Curve, Mark } from "./curve.ts";
import { Legend } from "./legend.tsx";
import { LineChart } from "./line-chart.ts";
import { saveCsv, savePng } from "./save-chart.ts";
import type { ChartWindow } from "./window.ts";

const STILL = signal(0);

export interface FigureProps {
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly window: ChartWindow;
  /** Grows with the curves; left out: they are others when they change. */
  readonly version?: ReadonlySignal<number>;
  readonly marks?: () => readonly Mark[];
  readonly logarithmic?: boolean;
  readonly xName: string;
  readonly formatX: (value: number) => string;
  /** What the legend calls a place, if that is another than what the axis does. */
  readonly nameX?: (value: number) => string;
  readonly formatY?: (value: number) => string;
  /** Of the files that it is saved as, without their endings. */
  readonly fileName: string;
  readonly tall?: boolean;
  readonly children?: ComponentChildren;
}

export function ChartFigure(props: FigureProps) {
  const {
    title,
    curves,
    window,
    version = STILL,
    xName,
    formatX,
    nameX = formatX,
    formatY = figure,
    fileName,
    tall,
    children,
  } = props;
  const parent = useRef<HTMLDivElement>(null);
  const chart = useRef<LineChart | null>(null);
  useEffect(() => {
    if (!parent.current) return;
    const made = new LineChart(parent.current, window, (surface) => controlByPointer(surface, made, window));
    chart.current = made;
    return () => made.close();
  }, [window]);
  // After each render, since what is shown may be other curves; within it, for each time that they grow.
  useEffect(() =>
    effect(() => {
      version.value;
      const { marks = () => [], logarithmic = false } = props;
      chart.current?.show({ curves, marks: marks(), logarithmic, formatX, formatY });
    }),
  );
  const onKey = (event: KeyboardEvent) => {
    const made = chart.current;
    if (!made || event.ctrlKey || event.metaKey || event.altKey) return;
    if (controlByKey(event, made, window, (from, by) => neighbour(curves, from, by, made.extent[1])))
      event.preventDefault();
  };
  return (
    <figure class="card chart-figure">
      <figcaption class="row">
        <h2>{title}</h2>
        <div class="push row chart-tools">
          {children}
          {window.range.value && (
            <button type="button" onClick={() => window.reset()}>
              Show all
            </button>
          )}
          <button
            type="button"
            class="quiet"
            title="Save as a picture"
            onClick={() => savePng(chart.current?.canvas ?? null, title, curves, fileName)}
          >
            PNG
          </button>
          <button
            type="button"
            class="quiet"
            title="Save every number of these curves"
            onClick={() => saveCsv(xName, curves, fileName)}
          >
            CSV
          </button>
        </div>
      </figcaption>
      <div
        ref={parent}
        class={tall ? "chart tall" : "chart"}
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is operated by keys: they move the readout and the window.
        tabIndex={0}
        aria-label={`${title}. Arrow keys move the readout, with shift the window; plus and minus zoom; home shows everything.`}
        onKeyDown={onKey}
      />
      <Legend curves={curves} window={window} version={version} xName={xName} formatX={nameX} formatY={formatY} />
    </figure>
  );
}

/** The next point of the first curve, from the newest on. */
function neighbour(curves: readonly Curve[], from: number | null, by: number, newest: number): number | null {
  const x = curves[0]?.x;
  if (!x || x.length === 0) return null;
  if (from === null) return newest;
  const index = Math.min(Math.max(x.nearest(from) + by, 0), x.length - 1);
  return x.at(index);
}
