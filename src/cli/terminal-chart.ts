/**
 * A line chart and a progress bar for a terminal, as plain strings: whoever calls decides where they go.
 *
 * Braille characters give eight dots per cell, two across and four down, so 60 × 8 cells draw 120 × 32 dots.
 */

export interface Curve {
  readonly name: string;
  readonly values: readonly number[];
  /** Dashed curves stay apart from solid ones where there is no colour. */
  readonly dashed?: boolean;
  readonly paint?: (text: string) => string;
}

export interface ChartSize {
  /** Cells of the plotting area, without the axis. */
  readonly columns: number;
  readonly rows: number;
  /** How many values a full curve has: the x axis does not move while they arrive. */
  readonly length: number;
  /** What the x axis ends with, where a value stands for several; else the length. */
  readonly end?: number;
}

/** The chart's lines: a labelled y axis from 0 to the largest value, the curves, the x axis. */
export function lineChart(curves: readonly Curve[], { columns, rows, length, end = length }: ChartSize): string[] {
  const finite = curves.flatMap((curve) => curve.values.filter(Number.isFinite));
  const top = niceCeiling(Math.max(...finite, Number.MIN_VALUE));
  const cells = Array.from({ length: rows }, () => Array.from({ length: columns }, (): Cell => ({ dots: 0 })));
  for (const curve of curves) draw(curve, cells, { columns, rows, length }, top);

  const labels = new Map([
    [0, top],
    [Math.floor((rows - 1) / 2), top * (1 - Math.floor((rows - 1) / 2) / (rows - 1 || 1))],
    [rows - 1, 0],
  ]);
  const texts = new Map([...labels].map(([row, value]) => [row, axisNumber(value)]));
  const margin = Math.max(...[...texts.values()].map((text) => text.length));
  const body = cells.map((line, row) => {
    const label = texts.get(row);
    return `${(label ?? "").padStart(margin)} ${label === undefined ? "│" : "┤"}${line.map(cellText).join("").trimEnd()}`;
  });
  const last = String(end);
  return [
    ...body,
    `${" ".repeat(margin)} └${"─".repeat(columns)}`,
    `${" ".repeat(margin)}  1${last.padStart(columns - 1)}`,
  ];
}

/** `━━━━━━━━━╸──────`: whole cells and a half one. */
export function progressBar(
  fraction: number,
  columns: number,
  paint: (text: string) => string = (text) => text,
  paintRest: (text: string) => string = (text) => text,
): string {
  const halves = Math.round(Math.min(1, Math.max(0, fraction)) * columns * 2);
  const filled = "━".repeat(halves >> 1) + (halves % 2 === 1 ? "╸" : "");
  return paint(filled) + paintRest("─".repeat(columns - filled.length));
}

interface Cell {
  dots: number;
  paint?: Curve["paint"];
}

/** Bits of the Unicode braille patterns (U+2800 …), by column and row of the dot. */
const DOT_BITS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

const DASH = 6;

function draw(curve: Curve, cells: Cell[][], size: ChartSize, top: number): void {
  const width = size.columns * 2 - 1;
  const height = size.rows * 4 - 1;
  const at = (index: number): { x: number; y: number } | undefined => {
    const value = curve.values[index];
    if (value === undefined || !Number.isFinite(value)) return undefined;
    const share = Math.min(1, Math.max(0, value / top));
    const position = size.length > 1 ? index / (size.length - 1) : 0;
    return { x: Math.round(position * width), y: Math.round((1 - share) * height) };
  };
  let before = at(0);
  for (let i = 0; i < curve.values.length; i++) {
    const here = at(i);
    if (here !== undefined) {
      for (const { x, y } of dotsBetween(before ?? here, here)) {
        if (curve.dashed && x % DASH >= DASH / 2) continue;
        const cell = cells[y >> 2]?.[x >> 1];
        if (!cell) continue;
        cell.dots |= DOT_BITS[x & 1 ? 1 : 0][y & 3] ?? 0;
        cell.paint = curve.paint;
      }
    }
    before = here;
  }
}

function* dotsBetween(from: { x: number; y: number }, to: { x: number; y: number }) {
  const steps = Math.max(1, Math.abs(to.x - from.x), Math.abs(to.y - from.y));
  for (let i = 0; i <= steps; i++) {
    yield {
      x: Math.round(from.x + ((to.x - from.x) * i) / steps),
      y: Math.round(from.y + ((to.y - from.y) * i) / steps),
    };
  }
}

function cellText({ dots, paint }: Cell): string {
  if (dots === 0) return " ";
  const character = String.fromCodePoint(0x2800 + dots);
  return paint ? paint(character) : character;
}

/** The next of 1, 1.5, 2 … 9 × a power of ten: an axis that ends on a number people would choose. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step =
    [1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9, 10].find((candidate) => candidate * power >= value * (1 - 1e-9)) ?? 10;
  return step * power;
}

function axisNumber(value: number): string {
  if (value === 0) return "0";
  return Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3
    ? value.toExponential(1)
    : String(Number(value.toPrecision(3)));
}
