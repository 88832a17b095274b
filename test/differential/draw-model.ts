/** Random stacks of layers: each fits the shape that the one before it gives. */
import { elementCount, type LayerSpec, layers, type Shape, ShapeError } from "../../src/engine/definitions.ts";
import type { Draw } from "../draw.ts";
import { type Args, layerArguments, tableArguments } from "./draw-layers.ts";

export interface DrawnModel {
  readonly layers: readonly LayerSpec[];
  readonly input: Shape;
  readonly output: Shape;
  /** Where inputs are whole numbers: how many there are. */
  readonly vocabulary: number | null;
}

/** Layers that the engine has and {@link drawModel} never gives. */
export const neverDrawn = (): string[] => {
  const drawn = new Set([...Object.keys(layerArguments), ...Object.keys(tableArguments), ...Object.keys(containers)]);
  return [...layers.keys()].filter((type) => !drawn.has(type));
};

/** Enough to matter, few enough to be quick. */
const MOST_ELEMENTS = 150;

const shapes: readonly ((draw: Draw) => number[])[] = [
  (draw) => [draw.int(2, 8)],
  (draw) => [draw.int(1, 4), draw.int(3, 8)],
  (draw) => [draw.int(1, 4), draw.int(2, 6), draw.int(2, 6)],
  (draw) => [draw.int(1, 2), draw.int(2, 3), draw.int(2, 3), draw.int(2, 3)],
];

export function drawModel(draw: Draw): DrawnModel {
  const tokens = draw.chance(0.15);
  const vocabulary = tokens ? draw.int(3, 8) : null;
  const input = tokens ? [draw.int(2, 6)] : draw.pick(shapes)(draw);
  const first = vocabulary === null ? null : fitting(() => drawTable(draw, vocabulary), input);
  const body = drawBody(draw, first?.output ?? input, draw.int(1, 4), 1);
  return { layers: first ? [first.layer, ...body.layers] : body.layers, input, output: body.output, vocabulary };
}

function drawTable(draw: Draw, vocabulary: number): LayerSpec {
  const [type, args] = draw.pick(Object.entries(tableArguments));
  return { type, ...args(draw, vocabulary) };
}

function drawBody(draw: Draw, input: Shape, count: number, nesting: number): { layers: LayerSpec[]; output: Shape } {
  const stack: LayerSpec[] = [];
  let output = input;
  for (let i = 0; i < count; i++) {
    const shape = output;
    const { layer, output: next } = fitting(() => drawLayer(draw, shape, nesting), shape);
    stack.push(layer);
    output = next;
  }
  return { layers: stack, output };
}

const containers: Readonly<Record<string, (draw: Draw, input: Shape) => Args>> = {
  Residual: (draw, input) => ({ layers: drawBody(draw, input, 1, 0).layers }),
  Sequential: (draw, input) => ({ layers: drawBody(draw, input, 2, 0).layers }),
};

function drawLayer(draw: Draw, input: Shape, nesting: number): LayerSpec | null {
  // Something must learn.
  if (draw.chance(0.15)) return { type: "Linear", out_features: draw.int(2, 8) };
  const [type, make] = draw.pick(Object.entries(nesting > 0 ? { ...layerArguments, ...containers } : layerArguments));
  const args = make(draw, input);
  return args && { type, ...args };
}

/** Draws until a layer takes the input; the arguments that follow from it are filled in. */
function fitting(make: () => LayerSpec | null, input: Shape): { layer: LayerSpec; output: Shape } {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const layer = make();
    const resolved = layer && resolve(layer, input);
    if (resolved) return resolved;
  }
  return { layer: { type: "Identity" }, output: input };
}

function resolve({ type, ...given }: LayerSpec, input: Shape): { layer: LayerSpec; output: Shape } | null {
  const definition = layers.get(type);
  if (!definition) throw new Error(`The engine has no layer ${type}.`);
  try {
    const { args, output, smallestBatch = 1 } = definition.resolve(definition.args.parse(given), input);
    const small = elementCount(output) <= MOST_ELEMENTS && smallestBatch <= 2;
    return small ? { layer: { type, ...args }, output } : null;
  } catch (error) {
    if (error instanceof ShapeError) return null;
    throw error;
  }
}
