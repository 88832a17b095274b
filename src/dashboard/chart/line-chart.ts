/**
 * Curves over a common axis, however long they are: what reaches uPlot is two points for each pixel that is seen, so a frame
 * costs the same for a hundred points and for a hundred thousand. It draws at most once a frame, however often it is asked to,
 * only while it is on the screen, and only what would look different: most events move no pixel of a long curve.
 */
import "uplot/dist/uPlot.min.css";
import uPlot from "uplot";
import { type Frame, type Slots, slotPositions, steadyEnd, trace } from "../series/trace.ts";
import { appearance } from "../style/theme.ts";
import { colorOf } from "./color-of.ts";
import type { Curve, Mark } from "./curve.ts";
import { drawColumns, isCrowded } from "./draw-columns.ts";
import { drawMarks } from "./draw-marks.ts";
import type { ChartWindow, Range } from "./window.ts";

export interface ChartContents {
  readonly curves: readonly Curve[];
  readonly marks: readonly Mark[];
  readonly logarithmic: boolean;
  readonly formatX: (value: number) => string;
  readonly formatY: (value: number) => string;
}

const NOTHING: ChartContents = { curves: [], marks: [], logarithmic: false, formatX: String, formatY: String };

export class LineChart {
  readonly #parent: HTMLElement;
  readonly #window: ChartWindow;
  readonly #onPlot: (surface: HTMLElement) => void;
  readonly #resize: ResizeObserver;
  readonly #sight: IntersectionObserver;
  readonly #unfollow: (() => void)[];
  #contents = NOTHING;
  #plot: uPlot | null = null;
  #drawn: Drawn | null = null;
  #frame = 0;
  #isSeen = true;

  /** `onPlot` is handed the plot without its axes, for who listens to the pointer; each time that it is made anew. */
  constructor(parent: HTMLElement, window: ChartWindow, onPlot: (surface: HTMLElement) => void = () => {}) {
    this.#parent = parent;
    this.#window = window;
    this.#onPlot = onPlot;
    this.#resize = new ResizeObserver(() => this.#fit());
    this.#resize.observe(parent);
    this.#sight = new IntersectionObserver((entries) => {
      this.#isSeen = entries.at(-1)?.isIntersecting ?? true;
      this.draw();
    });
    this.#sight.observe(parent);
    this.#unfollow = [
      appearance.subscribe(() => this.#rebuild()),
      window.range.subscribe(() => this.draw()),
      window.cursor.subscribe((place) => this.#point(place)),
    ];
  }

  /** What is shown from now on. Curves that only grow need `draw` alone. */
  show(contents: ChartContents): void {
    const same = lookOf(contents) === lookOf(this.#contents);
    this.#contents = contents;
    if (same && this.#plot) this.draw();
    else this.#rebuild();
  }

  /** Draws what has grown, within the next frame. */
  draw(): void {
    if (this.#frame !== 0 || !this.#plot || !this.#isSeen) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#fill();
    });
  }

  /** Everything there is to see on the x axis. */
  get extent(): Range {
    let from = Number.POSITIVE_INFINITY;
    let to = Number.NEGATIVE_INFINITY;
    for (const { x } of this.#contents.curves) {
      if (x.length === 0) continue;
      from = Math.min(from, x.at(0));
      to = Math.max(to, x.last);
    }
    if (from > to) return [0, 1];
    return from === to ? [from - 0.5, to + 0.5] : [from, to];
  }

  /** As it looks now, on the screen or not. */
  get canvas(): HTMLCanvasElement | null {
    this.#fill();
    return this.#plot?.ctx.canvas ?? null;
  }

  /** Where a pixel from the left edge of the plot is. */
  placeOf(pixel: number): number {
    return this.#plot?.posToVal(pixel, "x") ?? 0;
  }

  close(): void {
    cancelAnimationFrame(this.#frame);
    this.#resize.disconnect();
    this.#sight.disconnect();
    for (const stop of this.#unfollow) stop();
    this.#plot?.destroy();
    this.#plot = null;
  }

  /** Anew, since colours or curves are others. */
  #rebuild(): void {
    const { curves } = this.#contents;
    this.#plot?.destroy();
    this.#plot = null;
    if (curves.length === 0 || this.#parent.clientWidth === 0) return;
    this.#drawn = this.#trace();
    this.#plot = new uPlot(this.#options(), dataOf(this.#drawn), this.#parent);
    this.#put(this.#plot, this.#drawn);
    this.#onPlot(this.#plot.over);
  }

  #fit(): void {
    const { clientWidth: width, clientHeight: height } = this.#parent;
    if (!this.#plot) this.#rebuild();
    else if (width > 0 && (this.#plot.width !== width || this.#plot.height !== height)) {
      this.#plot.setSize({ width, height });
      this.#drawn = null;
      this.#fill();
    }
  }

  #fill(): void {
    const plot = this.#plot;
    if (!plot) return;
    const next = this.#trace();
    if (this.#drawn && isSame(this.#drawn, next)) return;
    this.#drawn = next;
    this.#put(plot, next);
  }

  #put(plot: uPlot, drawn: Drawn): void {
    plot.batch(() => {
      plot.setData(dataOf(drawn), false);
      plot.setScale("x", { min: drawn.frame.from, max: drawn.frame.to });
    });
    this.#point(this.#window.cursor.value);
  }

  #trace(): Drawn {
    const { curves, logarithmic, marks } = this.#contents;
    const frame = this.#frameNow();
    const slots = curves.map(({ x, y, refresh }) => {
      refresh?.();
      const slots: Slots = [];
      trace(x, y, frame, slots);
      // A logarithm has no place for zero and below.
      if (logarithmic) for (let j = 0; j < slots.length; j++) if ((slots[j] ?? 1) <= 0) slots[j] = null;
      return slots;
    });
    return { frame, slots, marks };
  }

  #frameNow(): Frame {
    // A little more than the plot without its axes, which uPlot measures only later.
    const pixels = Math.max(10, this.#parent.clientWidth);
    const [from, to] = this.#window.range.value ?? this.extent;
    if (this.#window.range.value) return { from, to, pixels };
    return { from, to: steadyEnd({ from, to, pixels }), pixels };
  }

  #point(place: number | null): void {
    const plot = this.#plot;
    if (!plot) return;
    if (place === null) plot.setCursor({ left: -10, top: -10 }, false);
    else plot.setCursor({ left: plot.valToPos(place, "x"), top: 0 }, false);
  }

  #options(): uPlot.Options {
    const { curves, logarithmic, formatX, formatY } = this.#contents;
    const axis = {
      stroke: colorOf("--soft"),
      font: `12px ${getComputedStyle(document.body).fontFamily}`,
      grid: { stroke: colorOf("--grid"), width: 1 },
      ticks: { show: false },
    };
    const values = (format: (value: number) => string) => (_plot: uPlot, splits: (number | null)[]) =>
      splits.map((split) => (split === null ? "" : format(split)));
    return {
      width: this.#parent.clientWidth,
      height: this.#parent.clientHeight,
      padding: [10, 22, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        drag: { setScale: false, x: true, y: false },
        points: { show: false },
        // Dragging with the shift key moves the window; chart-controls.ts does that, and what a double click does.
        bind: {
          mousedown: (_plot, _target, handle) => (event) => (event.shiftKey ? null : handle(event)),
          dblclick: () => null,
        },
      },
      select: { show: true, left: 0, top: 0, width: 0, height: 0 },
      scales: {
        x: { time: false, auto: false },
        y: logarithmic ? { distr: 3 } : {},
      },
      axes: [
        { ...axis, size: 30, space: 70, values: values(formatX) },
        { ...axis, size: 62, space: 26, values: values(formatY) },
      ],
      series: [
        {},
        ...curves.map(({ color, dash, pale }) => ({
          stroke: colorOf(color),
          width: widthOf(pale),
          alpha: alphaOf(pale),
          spanGaps: true,
          // Between pixels, too: a slow curve would come down in steps.
          pxAlign: 0,
          paths: (plot: uPlot, i: number, from: number, to: number) =>
            isCrowded(this.#drawn?.slots[i - 1] ?? []) ? null : (lines?.(plot, i, from, to) ?? null),
          ...(dash && dash.length > 0 ? { dash: [...dash] } : {}),
          points: { show: (_plot: uPlot, _i: number) => this.#isSparse(), size: 5, fill: colorOf(color) },
        })),
      ],
      hooks: {
        drawSeries: [
          (plot, i) => {
            const curve = this.#contents.curves[i - 1];
            const drawn = this.#drawn;
            const slots = drawn?.slots[i - 1];
            if (!curve || !drawn || !slots || !isCrowded(slots)) return;
            const { color, pale, dash = [] } = curve;
            const stroke = { color: colorOf(color), width: widthOf(pale), alpha: alphaOf(pale), dash };
            drawColumns(plot, slotPositions(drawn.frame), slots, stroke);
          },
        ],
        draw: [(plot) => drawMarks(plot, this.#contents.marks)],
        setCursor: [
          (plot) => {
            const { left = -1 } = plot.cursor;
            this.#window.cursor.value = left < 0 ? null : plot.posToVal(left, "x");
          },
        ],
        setSelect: [
          (plot) => {
            const { left, width } = plot.select;
            if (width < 4) return;
            this.#window.show([plot.posToVal(left, "x"), plot.posToVal(left + width, "x")], this.extent);
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    };
  }

  /** So few points that each is worth a dot. */
  #isSparse(): boolean {
    return this.#contents.curves.every(({ x }) => x.length < 3);
  }
}

const lines = uPlot.paths.linear?.();
const widthOf = (pale = false): number => (pale ? 1 : 1.8);
const alphaOf = (pale = false): number => (pale ? 0.35 : 1);

/** All that decides how a plot looks. */
interface Drawn {
  readonly frame: Frame;
  readonly slots: readonly Slots[];
  readonly marks: readonly Mark[];
}

const dataOf = ({ frame, slots }: Drawn): uPlot.AlignedData => [slotPositions(frame), ...slots];

function isSame(a: Drawn, b: Drawn): boolean {
  const { frame, slots, marks } = a;
  return (
    frame.from === b.frame.from &&
    frame.to === b.frame.to &&
    frame.pixels === b.frame.pixels &&
    marks.length === b.marks.length &&
    marks.every((mark, i) => isSameMark(mark, b.marks[i])) &&
    slots.every((row, i) => row.every((value, j) => value === b.slots[i]?.[j]))
  );
}

const isSameMark = (a: Mark, b: Mark | undefined): boolean =>
  a.x === b?.x && a.y === b.y && a.kind === b.kind && a.label === b.label && a.color === b.color;

/** What makes two contents need different plots. */
function lookOf({ curves, logarithmic, formatX, formatY }: ChartContents): string {
  const looks = curves.map(({ id, label, color, dash, pale }) => [id, label, color, dash, pale]);
  return JSON.stringify([looks, logarithmic, formatX(1), formatY(1)]);
}
