/** A chart as a file: the picture as it is seen, with its title and its legend, or every number of its curves. */
import { saveFile } from "../service/download.ts";
import { colorOf } from "./color-of.ts";
import type { Curve } from "./curve.ts";

const MARGIN = 16;
const LINE = 22;

export function savePng(chart: HTMLCanvasElement | null, title: string, curves: readonly Curve[], name: string): void {
  if (!chart) return;
  const shown = curves.filter(({ pale }) => !pale);
  const ratio = devicePixelRatio;
  const canvas = document.createElement("canvas");
  canvas.width = chart.width + 2 * MARGIN * ratio;
  canvas.height = chart.height + (2 * MARGIN + LINE * (1 + shown.length)) * ratio;
  const context = canvas.getContext("2d");
  if (!context) return;
  context.fillStyle = colorOf("--card");
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(chart, MARGIN * ratio, (MARGIN + LINE) * ratio);
  context.scale(ratio, ratio);
  context.textBaseline = "middle";
  context.font = `600 15px ${getComputedStyle(document.body).fontFamily}`;
  context.fillStyle = colorOf("--ink");
  context.fillText(title, MARGIN, MARGIN + LINE / 2);
  context.font = `13px ${getComputedStyle(document.body).fontFamily}`;
  shown.forEach(({ label, color, dash = [] }, i) => {
    const y = MARGIN + LINE + chart.height / ratio + (i + 0.5) * LINE;
    context.strokeStyle = colorOf(color);
    context.lineWidth = 2.5;
    context.setLineDash([...dash]);
    context.beginPath();
    context.moveTo(MARGIN, y);
    context.lineTo(MARGIN + 24, y);
    context.stroke();
    context.fillText(label, MARGIN + 34, y);
  });
  canvas.toBlob((blob) => blob && saveFile(blob, `${name}.png`));
}

/** Curves over the same axis share their lines; each other axis begins a block of its own. */
export function saveCsv(xName: string, curves: readonly Curve[], name: string): void {
  const axes = [...new Set(curves.map(({ x }) => x))];
  const blocks = axes.map((x) => {
    const columns = curves.filter((curve) => curve.x === x);
    const lines = [[xName, ...columns.map(({ label }) => cell(label))].join(",")];
    for (let i = 0; i < x.length; i++)
      lines.push([x.at(i), ...columns.map(({ y }) => (Number.isNaN(y.at(i)) ? "" : y.at(i)))].join(","));
    return lines.join("\n");
  });
  saveFile(new Blob([`${blocks.join("\n\n")}\n`], { type: "text/csv" }), `${name}.csv`);
}

/** A spreadsheet must not take a name for a formula, or for two cells. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
