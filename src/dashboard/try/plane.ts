/** A plane with two axes on a canvas: from data to pixels, with lines and numbers at round values. */
import { colorOf } from "../chart/color-of.ts";
import { figure } from "../shared/format.ts";

export interface Range {
  readonly min: number;
  readonly max: number;
  readonly label: string;
}

const MARGIN = { left: 52, right: 10, top: 8, bottom: 40 };

export class Plane {
  readonly context: CanvasRenderingContext2D;
  readonly left = MARGIN.left;
  readonly top = MARGIN.top;
  readonly width: number;
  readonly height: number;
  readonly #x: Range;
  readonly #y: Range;

  constructor(context: CanvasRenderingContext2D, width: number, height: number, x: Range, y: Range) {
    this.context = context;
    this.width = width - MARGIN.left - MARGIN.right;
    this.height = height - MARGIN.top - MARGIN.bottom;
    this.#x = x;
    this.#y = y;
  }

  x(value: number): number {
    return this.left + ((value - this.#x.min) / (this.#x.max - this.#x.min)) * this.width;
  }

  y(value: number): number {
    return this.top + this.height - ((value - this.#y.min) / (this.#y.max - this.#y.min)) * this.height;
  }

  drawAxes(): void {
    const { context, left, top, width, height } = this;
    const bottom = top + height;
    context.font = "12px system-ui, sans-serif";
    context.fillStyle = colorOf("--soft");
    context.strokeStyle = colorOf("--grid");
    context.lineWidth = 1;
    context.beginPath();
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const tick of ticks(this.#x, Math.max(2, width / 75))) {
      context.moveTo(this.x(tick), top);
      context.lineTo(this.x(tick), bottom);
      context.fillText(figure(tick), this.x(tick), bottom + 5);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const tick of ticks(this.#y, Math.max(2, height / 50))) {
      context.moveTo(left, this.y(tick));
      context.lineTo(left + width, this.y(tick));
      context.fillText(figure(tick), left - 6, this.y(tick));
    }
    context.stroke();
    context.textAlign = "center";
    context.textBaseline = "bottom";
    context.fillText(this.#x.label, left + width / 2, bottom + 38, width);
    context.save();
    context.translate(11, top + height / 2);
    context.rotate(-Math.PI / 2);
    context.textBaseline = "middle";
    context.fillText(this.#y.label, 0, 0, height);
    context.restore();
  }

  /** Keeps what follows inside of the axes. */
  clip(draw: () => void): void {
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(this.left, this.top, this.width, this.height);
    context.clip();
    draw();
    context.restore();
  }
}

/** Round values, about `count` of them. */
export function ticks({ min, max }: Pick<Range, "min" | "max">, count: number): number[] {
  const rough = (max - min) / count;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * unit >= rough) ?? 10) * unit;
  const found: number[] = [];
  for (let i = Math.ceil(min / step - 1e-9); i * step <= max + step * 1e-9; i++)
    found.push(Number((i * step).toPrecision(12)));
  return found;
}

/** A little more than these values take. */
export function rangeOf(values: Iterable<number>, label: string): Range {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (min > max) return { min: 0, max: 1, label };
  const margin = (max - min || Math.abs(max) || 1) * 0.06;
  return { min: min - margin, max: max + margin, label };
}
