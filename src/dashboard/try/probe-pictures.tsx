/** What a model gives on a grid at one epoch: a decision boundary, a surface, or a curve, with the data on it. */
import { colorOf } from "../chart/color-of.ts";
import type { Predictions } from "../service/predictions.ts";
import { Canvas } from "../shared/canvas.tsx";
import { figure } from "../shared/format.ts";
import { colorOfClass, markPath, rgbOf, signOfClass } from "./marks.ts";
import { numbersIn, probabilitiesOf } from "./meaning.ts";
import { Plane, type Range, rangeOf } from "./plane.ts";
import type { Frame, Grid } from "./try-store.ts";

export interface PictureProps {
  readonly grid: Grid;
  readonly frame: Frame;
  readonly frames: readonly Frame[];
  readonly predictions: Predictions | null;
  /** The type of the loss, which says what outputs mean. */
  readonly loss: string;
}

type Axis = Grid["x"];
const axisRange = ({ min, max, feature }: Axis): Range => ({
  min,
  max,
  label: typeof feature === "number" ? `input ${feature}` : feature,
});

/** A row of the data in the grid's plane. */
interface Point {
  readonly x: number;
  readonly y: number;
  /** Of its class; 0 where there are none. */
  readonly mark: number;
}

export function PlanePicture({ grid, frame, frames, predictions, loss }: PictureProps) {
  const { x, y } = grid;
  if (!y) return null;
  const classes = predictions?.classes?.length ?? 0;
  const size = frame.outputs[0]?.length ?? 0;
  const isClasses = probabilitiesOf(loss, frame.outputs[0] ?? [], classes || 2) !== null;
  const values = isClasses ? null : rangeOf(valuesOf(frames), "");
  const points = pointsIn(grid, predictions);
  const names = isClasses ? namesOf(predictions, size) : [];
  return (
    <>
      <Canvas
        aspect={0.78}
        mostHeight={520}
        label={`What the model gives over ${axisRange(x).label} and ${axisRange(y).label} after ${frame.epoch} epochs`}
        draw={(context, width, height) => {
          const plane = new Plane(context, width, height, axisRange(x), axisRange(y));
          const paint = isClasses ? classPaint(loss, classes || 2) : valuePaint(values ?? { min: 0, max: 1 });
          plane.drawAxes();
          plane.clip(() => {
            drawField(plane, frame, x.points, y.points, paint);
            for (const { x, y, mark } of points) drawPoint(plane, x, y, isClasses ? mark : null);
          });
        }}
      />
      {isClasses ? (
        <Legend names={names} />
      ) : (
        <p class="soft small">
          From {figure(values?.min)} <span class="ramp" aria-hidden="true" /> to {figure(values?.max)}
        </p>
      )}
    </>
  );
}

export function CurvePicture({ grid, frame, frames, predictions, loss }: PictureProps) {
  const { x } = grid;
  const classes = predictions?.classes?.length ?? 0;
  const meaning = (outputs: readonly number[]): readonly number[] =>
    probabilitiesOf(loss, outputs, classes || 2) ?? outputs;
  const isClasses = probabilitiesOf(loss, frame.outputs[0] ?? [], classes || 2) !== null;
  const rows = frame.outputs.map(meaning);
  const points = isClasses ? [] : pointsOnCurve(grid, predictions);
  const range = isClasses
    ? { min: -0.02, max: 1.02, label: "probability" }
    : rangeOf([...valuesOf(frames.slice(-1)), ...points.map(({ y }) => y)], "output");
  const lines = rows[0]?.length ?? 0;
  return (
    <>
      <Canvas
        aspect={0.6}
        mostHeight={460}
        label={`The curve that the model gives over ${axisRange(x).label} after ${frame.epoch} epochs`}
        draw={(context, width, height) => {
          const plane = new Plane(context, width, height, axisRange(x), range);
          plane.drawAxes();
          plane.clip(() => {
            for (const { x, y } of points) drawPoint(plane, x, y, null);
            for (let line = 0; line < lines; line++) drawLine(plane, x, rows, line);
          });
        }}
      />
      {isClasses && <Legend names={namesOf(predictions, lines)} />}
    </>
  );
}

/** Single outputs, for a scale that stays the same over all epochs. */
function* valuesOf(frames: readonly Frame[]): Generator<number> {
  for (const { outputs } of frames) for (const output of outputs) yield* output;
}

const namesOf = (predictions: Predictions | null, outputs: number): string[] =>
  predictions?.classes
    ? [...predictions.classes]
    : Array.from({ length: Math.max(2, outputs) }, (_, i) => `class ${i}`);

function Legend({ names }: { names: readonly string[] }) {
  return (
    <ul class="row small class-legend">
      {names.map((name, i) => (
        <li key={name}>
          <span class={`mark series-${(i % 8) + 1}`} aria-hidden="true">
            {signOfClass(i)}
          </span>{" "}
          {name}
        </li>
      ))}
    </ul>
  );
}

/** Red, green, blue of one point's output. */
type Paint = (output: readonly number[]) => readonly [number, number, number];

/** The class's colour, the stronger the surer. */
function classPaint(loss: string, classes: number): Paint {
  const card = rgbOf(colorOf("--card"));
  const colors = Array.from({ length: 8 }, (_, i) => rgbOf(colorOfClass(i)));
  return (output) => {
    const probabilities = probabilitiesOf(loss, output, classes) ?? [1];
    const most = Math.max(...probabilities);
    const least = 1 / probabilities.length;
    const sure = Math.max(0, (most - least) / (1 - least));
    const color = colors[probabilities.indexOf(most) % colors.length] ?? card;
    return blend(card, color, 0.08 + 0.47 * sure);
  };
}

function valuePaint({ min, max }: Pick<Range, "min" | "max">): Paint {
  const [low, middle, high] = ["--series-1", "--card", "--series-2"].map((token) => rgbOf(colorOf(token)));
  if (!low || !middle || !high) throw new Error("The page has no colours for a scale.");
  return ([value = 0]) => {
    const at = (value - min) / (max - min || 1);
    return at < 0.5 ? blend(middle, low, (1 - 2 * at) * 0.8) : blend(middle, high, (2 * at - 1) * 0.8);
  };
}

function blend(
  from: readonly [number, number, number],
  to: readonly [number, number, number],
  part: number,
): [number, number, number] {
  const mixed = (i: 0 | 1 | 2) => Math.round(from[i] + (to[i] - from[i]) * Math.min(1, Math.max(0, part)));
  return [mixed(0), mixed(1), mixed(2)];
}

/** One pixel for each point of the grid, drawn as large as the plane. The first row of a picture is the last of the grid. */
function drawField(plane: Plane, frame: Frame, columns: number, rows: number, paint: Paint): void {
  const image = new ImageData(columns, rows);
  frame.outputs.forEach((output, i) => {
    const row = rows - 1 - Math.floor(i / columns);
    const at = (row * columns + (i % columns)) * 4;
    image.data.set([...paint(output), 255], at);
  });
  const small = document.createElement("canvas");
  small.width = columns;
  small.height = rows;
  small.getContext("2d")?.putImageData(image, 0, 0);
  // The outermost points lie on the edges, so the picture reaches half a cell beyond them.
  const [cellX, cellY] = [plane.width / (columns - 1), plane.height / (rows - 1)];
  plane.context.imageSmoothingEnabled = true;
  plane.context.drawImage(
    small,
    plane.left - cellX / 2,
    plane.top - cellY / 2,
    plane.width + cellX,
    plane.height + cellY,
  );
}

function drawPoint(plane: Plane, x: number, y: number, mark: number | null): void {
  const { context } = plane;
  markPath(context, mark ?? 0, plane.x(x), plane.y(y), mark === null ? 2.6 : 3.4);
  context.fillStyle = mark === null ? colorOf("--soft") : colorOfClass(mark);
  context.strokeStyle = colorOf("--card");
  context.lineWidth = 1;
  context.fill();
  context.stroke();
}

function drawLine(plane: Plane, axis: Axis, rows: readonly (readonly number[])[], line: number): void {
  const { context } = plane;
  context.beginPath();
  rows.forEach((row, i) => {
    const x = axis.min + ((axis.max - axis.min) * i) / (axis.points - 1);
    context.lineTo(plane.x(x), plane.y(row[line] ?? Number.NaN));
  });
  context.strokeStyle = colorOf(rows[0]?.length === 1 ? "--loss" : `--series-${(line % 8) + 1}`);
  context.lineWidth = 2.4;
  context.lineJoin = "round";
  context.setLineDash(line === 0 ? [] : [8, 2 + line * 3]);
  context.stroke();
  context.setLineDash([]);
}

/** Rows of the data, where the axes are columns of them. */
function pointsIn(grid: Grid, predictions: Predictions | null): Point[] {
  const { inputs, features, target_labels: truth, classes } = predictions ?? {};
  const column = (axis: Axis | null) => positionOf(axis, features ?? null);
  const [cx, cy] = [column(grid.x), column(grid.y)];
  if (!inputs || cx < 0 || cy < 0) return [];
  return inputs.flatMap((row, i) => {
    const [x, y] = [row[cx], row[cy]];
    const label = truth?.[i] ?? 0;
    const mark = typeof label === "number" ? label : (classes?.indexOf(String(label)) ?? 0);
    return typeof x === "number" && typeof y === "number" ? [{ x, y, mark }] : [];
  });
}

/** Rows of a regression along the axis, and what they should give. */
function pointsOnCurve(grid: Grid, predictions: Predictions | null): Point[] {
  const at = positionOf(grid.x, predictions?.features ?? null);
  return (predictions?.inputs ?? []).flatMap((row, i) => {
    const x = row[at];
    const [y] = numbersIn(predictions?.targets[i]) ?? [];
    return typeof x === "number" && y !== undefined ? [{ x, y, mark: 0 }] : [];
  });
}

function positionOf(axis: Axis | null, features: readonly string[] | null): number {
  if (!axis) return -1;
  return typeof axis.feature === "number" ? axis.feature : (features?.indexOf(axis.feature) ?? -1);
}
