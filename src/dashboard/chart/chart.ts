/** A curve per column over the epochs, in the page's colours, following its width and its theme. */
import "uplot/dist/uPlot.min.css";
import uPlot from "uplot";
import { figure } from "../shared/format.ts";
import { colorOf } from "./color-of.ts";

export interface Curve {
  label: string;
  /** A CSS variable of style.css. */
  color: string;
  dashed?: boolean;
}

export type Columns = [epochs: number[], ...curves: (number | null)[][]];

const HEIGHT = 260;

export class Chart {
  readonly #parent: HTMLElement;
  readonly #resize: ResizeObserver;
  readonly #dark = matchMedia("(prefers-color-scheme: dark)");
  #plot: uPlot | null = null;
  #curves: readonly Curve[] = [];
  #columns: Columns = [[]];
  #logarithmic = false;
  #frame = 0;

  constructor(parent: HTMLElement) {
    this.#parent = parent;
    this.#resize = new ResizeObserver(() => this.#plot?.setSize({ width: parent.clientWidth, height: HEIGHT }));
    this.#resize.observe(parent);
    this.#dark.addEventListener("change", this.#redraw);
  }

  /** Draws at most once per frame, however fast the numbers come. */
  show(curves: readonly Curve[], columns: Columns): void {
    const same = JSON.stringify(curves) === JSON.stringify(this.#curves);
    this.#curves = curves;
    this.#columns = columns;
    if (!same) this.#redraw();
    else if (this.#frame === 0)
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.#plot?.setData(this.#drawable());
        this.#showNewest();
      });
  }

  setLogarithmic(on: boolean): void {
    this.#logarithmic = on;
    this.#redraw();
  }

  close(): void {
    cancelAnimationFrame(this.#frame);
    this.#resize.disconnect();
    this.#dark.removeEventListener("change", this.#redraw);
    this.#plot?.destroy();
  }

  readonly #redraw = (): void => {
    this.#plot?.destroy();
    const color = colorOf;
    const axis = {
      stroke: color("--soft"),
      font: "12px system-ui, sans-serif",
      grid: { stroke: color("--grid"), width: 1 },
      ticks: { show: false },
    };
    this.#plot = new uPlot(
      {
        width: this.#parent.clientWidth,
        height: HEIGHT,
        padding: [8, 8, 0, 0],
        cursor: { y: false },
        hooks: {
          setCursor: [
            (plot) => {
              if ((plot.cursor.left ?? -1) < 0) this.#showNewest();
            },
          ],
        },
        scales: { x: { time: false }, y: this.#logarithmic ? { distr: 3 } : {} },
        axes: [
          { ...axis, size: 34, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000] },
          {
            ...axis,
            size: 58,
            values: (_plot, splits) => splits.map((split) => (split === null ? "" : figure(split))),
          },
        ],
        series: [
          { label: "epoch" },
          ...this.#curves.map((curve) => ({
            label: curve.label,
            stroke: color(curve.color),
            width: 1.8,
            ...(curve.dashed ? { dash: [6, 4] } : {}),
            points: { show: this.#columns[0].length < 3, size: 5 },
            value: (_plot: uPlot, value: number | null) => figure(value),
          })),
        ],
      },
      this.#drawable(),
      this.#parent,
    );
    this.#showNewest();
  };

  /** The legend says the figures under the pointer, and the newest ones while there is none. */
  #showNewest(): void {
    if (this.#plot && (this.#plot.cursor.left ?? -1) < 0) this.#plot.setLegend({ idx: this.#columns[0].length - 1 });
  }

  /** A logarithm has no place for zero and below. */
  #drawable(): Columns {
    const [epochs, ...curves] = this.#columns;
    if (!this.#logarithmic) return this.#columns;
    return [epochs, ...curves.map((curve) => curve.map((value) => (value !== null && value > 0 ? value : null)))];
  }
}
