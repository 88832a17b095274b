/** Classes told apart by colour and, for who sees colours otherwise, by shape. */
import { colorOf } from "../chart/color-of.ts";

const COLORS = 8;

export const colorOfClass = (index: number): string => colorOf(`--series-${(index % COLORS) + 1}`);

/** `rgb(1, 2, 3)` → its numbers. */
export function rgbOf(color: string): readonly [number, number, number] {
  const [red = 0, green = 0, blue = 0] = (color.match(/[\d.]+/g) ?? []).map(Number);
  return [red, green, blue];
}

/** The sign of each shape in text, and its corners around its middle; a circle has none. */
const SHAPES: readonly { readonly sign: string; readonly corners: readonly (readonly [number, number])[] }[] = [
  { sign: "●", corners: [] },
  {
    sign: "■",
    corners: [
      [-0.9, -0.9],
      [0.9, -0.9],
      [0.9, 0.9],
      [-0.9, 0.9],
    ],
  },
  {
    sign: "▲",
    corners: [
      [0, -1.2],
      [1.1, 0.8],
      [-1.1, 0.8],
    ],
  },
  {
    sign: "◆",
    corners: [
      [0, -1.3],
      [1.2, 0],
      [0, 1.3],
      [-1.2, 0],
    ],
  },
  {
    sign: "▼",
    corners: [
      [0, 1.2],
      [1.1, -0.8],
      [-1.1, -0.8],
    ],
  },
];

const shapeOf = (index: number) => SHAPES[index % SHAPES.length] ?? { sign: "●", corners: [] };

export const signOfClass = (index: number): string => shapeOf(index).sign;

/** The path of a mark, to fill or to stroke. */
export function markPath(context: CanvasRenderingContext2D, index: number, x: number, y: number, size: number): void {
  const { corners } = shapeOf(index);
  context.beginPath();
  if (corners.length === 0) context.arc(x, y, size, 0, 2 * Math.PI);
  for (const [dx, dy] of corners) context.lineTo(x + dx * size, y + dy * size);
  context.closePath();
}
