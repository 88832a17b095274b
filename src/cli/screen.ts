/**
 * How a training looks in a terminal: the curve and the bar move in place; into a pipe or a file the same story goes
 * as plain lines, one per epoch, without cursor movement. Colours are styleText's choice (TTY, NO_COLOR, FORCE_COLOR).
 */
import { styleText } from "node:util";
import type { EpochEvent } from "../client/index.ts";
import { type Curve, lineChart, progressBar } from "./terminal-chart.ts";

export const title = (text: string) => styleText(["bold", "cyan"], text);
export const strong = (text: string) => styleText("bold", text);
export const dim = (text: string) => styleText("dim", text);
export const good = (text: string) => styleText("green", text);
export const bad = (text: string) => styleText("red", text);
const trainPaint = (text: string) => styleText("cyan", text);
const valPaint = (text: string) => styleText("yellow", text);

const INDENT = "  ";
const LABEL = 11;
/** Of text, and of a drawing where there is no terminal to ask. */
const WIDTH = 80;
/** Odd, so that the axis has a label in its middle. */
const ROWS = 9;
/** Chart, legend, bar and some air: on a lower terminal the block would scroll away under the cursor. */
const LIVE_HEIGHT = ROWS + 8;
const LIVE_WIDTH = 64;

export function say(text = ""): void {
  process.stdout.write(`${text === "" ? "" : INDENT + text}\n`);
}

/** `  Data       examples/data/…`, and under it what there is to know of it. */
export function fact(label: string, value: string, ...details: string[]): void {
  say(`${dim(label.padEnd(LABEL))}${value}`);
  for (const line of details.flatMap(wrap)) say(`${" ".repeat(LABEL)}${dim(line)}`);
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && longer.length <= WIDTH - INDENT.length - LABEL) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** What is shown of an epoch. */
export type Epoch = Pick<EpochEvent, "epoch" | "epochs" | "loss" | "val_loss" | "val_metrics">;

export interface TrainingView {
  update(epoch: Epoch): void;
  /** A line that stays, above what moves. */
  note(text: string): void;
  /** Stands still, so that something else can be written below it, until `release`. */
  hold(): void;
  release(): void;
  finish(): void;
}

export function trainingView(): TrainingView {
  const { isTTY, columns, rows } = process.stdout;
  // A terminal that was never told its size has 0 columns.
  const width = Math.max(LIVE_WIDTH, Math.min((isTTY && columns) || WIDTH, 96));
  const live = isTTY && process.env["TERM"] !== "dumb" && columns >= LIVE_WIDTH && rows >= LIVE_HEIGHT;
  return live ? new LiveView(width) : new PlainView(width);
}

/** Between two drawings: epochs may come much faster than anyone can look. */
const FRAME_MS = 50;

/** Points of a curve, at most: more than a terminal has. */
const MOST_POINTS = 1000;

/** The epochs so far, as many as can be told apart: of many, each stands for its neighbours, too. */
class Curves {
  readonly points: Epoch[] = [];
  last: Epoch | null = null;

  add(epoch: Epoch): void {
    const at = Math.ceil((epoch.epoch * this.lengthFor(epoch)) / epoch.epochs) - 1;
    this.points[Math.max(0, Math.min(at, this.points.length))] = epoch;
    this.last = epoch;
  }

  /** Of the whole curve. */
  get length(): number {
    return this.last ? this.lengthFor(this.last) : 1;
  }

  private lengthFor({ epochs }: Epoch): number {
    return Math.min(epochs, MOST_POINTS);
  }
}

class LiveView implements TrainingView {
  readonly #width: number;
  readonly #curves = new Curves();
  readonly #notes: string[] = [];
  #height = 0;
  #held = false;
  #drawn = Number.NEGATIVE_INFINITY;
  #pending: NodeJS.Timeout | undefined;

  constructor(width: number) {
    this.#width = width;
  }

  update(epoch: Epoch): void {
    this.#curves.add(epoch);
    if (this.#held || this.#pending) return;
    const wait = this.#drawn + FRAME_MS - performance.now();
    if (wait <= 0) this.#draw();
    else this.#pending = setTimeout(() => this.#draw(), wait);
  }

  note(text: string): void {
    this.#notes.push(text);
    if (!this.#held) this.#draw();
  }

  hold(): void {
    this.#draw();
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    this.#height = 0;
    this.#draw();
  }

  finish(): void {
    if (!this.#held) this.#draw();
  }

  #draw(): void {
    clearTimeout(this.#pending);
    this.#pending = undefined;
    this.#drawn = performance.now();
    const { last } = this.#curves;
    const notes = this.#notes.splice(0);
    const block = last ? [...chart(this.#curves, this.#width), "", bar(last, this.#width)] : [];
    const up = this.#height > 0 ? `\x1b[${this.#height}A` : "";
    // Each line is erased as it is rewritten, so nothing flickers and no longer line leaves its end behind. Notes move the whole block.
    const erase = notes.length > 0 ? "\x1b[J" : "";
    const lines = [...notes, ...block].map((line) => `\x1b[2K${INDENT}${line}\n`);
    process.stdout.write(`\x1b[?25l${up}${erase}${lines.join("")}\x1b[?25h`);
    this.#height = block.length;
  }
}

class PlainView implements TrainingView {
  readonly #width: number;
  readonly #curves = new Curves();

  constructor(width: number) {
    this.#width = width;
  }

  update(epoch: Epoch): void {
    this.#curves.add(epoch);
    // Of very many, some.
    if (epoch.epoch % Math.ceil(epoch.epochs / MOST_POINTS) > 0 && epoch.epoch > 1 && epoch.epoch < epoch.epochs)
      return;
    const digits = String(epoch.epochs).length;
    say(`epoch ${String(epoch.epoch).padStart(digits)}/${epoch.epochs}  ${numbers(epoch)}`);
  }

  note(text: string): void {
    say(text);
  }

  hold(): void {}

  release(): void {}

  finish(): void {
    if (!this.#curves.last) return;
    say();
    for (const line of chart(this.#curves, this.#width)) say(line);
  }
}

function chart({ points: epochs, length, last }: Curves, width: number): string[] {
  const curves: Curve[] = [{ name: "loss", values: epochs.map(({ loss }) => loss ?? Number.NaN), paint: trainPaint }];
  if (epochs.some(({ val_loss }) => typeof val_loss === "number")) {
    const values = epochs.map(({ val_loss }) => val_loss ?? Number.NaN);
    curves.push({ name: "validation loss", values, dashed: true, paint: valPaint });
  }
  const legend = curves.map(({ name, dashed, paint }) => `${paint?.(dashed ? "╌╌" : "──")} ${name}`).join("   ");
  return [legend, ...lineChart(curves, { columns: width - 14, rows: ROWS, length, end: last?.epochs ?? length })];
}

function bar(epoch: Epoch, width: number): string {
  const count = `epoch ${String(epoch.epoch).padStart(String(epoch.epochs).length)}/${epoch.epochs}`;
  const text = numbers(epoch);
  // Two spaces on either side of the bar, and the indent; what is left is the bar.
  const room = Math.max(8, width - INDENT.length - count.length - text.length - 5);
  return `${strong(count)}  ${progressBar(epoch.epoch / epoch.epochs, room, good, dim)}  ${text}`;
}

function numbers({ loss, val_metrics }: Epoch): string {
  const accuracy = val_metrics?.["accuracy"];
  const shown = typeof accuracy === "number" ? `  accuracy ${accuracy.toFixed(3)}` : "";
  return `loss ${loss === null ? "not finite" : loss.toFixed(4)}${shown}`;
}
