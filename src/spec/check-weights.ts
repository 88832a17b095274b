/** `model.init.weights`: known names, the right shapes, numbers only. */
import { DataError } from "../data/data-error.ts";
import { readNested } from "../data/inline.ts";
import { nearest } from "../data/nearest-name.ts";
import { type Shape, sameShape, showShape } from "../engine/definitions.ts";
import type { Weights } from "../engine/nn/module.ts";
import type { ResolvedModel } from "./follow-shape.ts";
import { joinPath, type Mistakes } from "./mistakes.ts";

const path = "model.init.weights";

/** All weights and buffers of a model, by their state_dict names. */
export function shapesOf(model: ResolvedModel): Map<string, Shape> {
  const shapes = new Map<string, Shape>();
  for (const { name, parameters, buffers } of model.layers) {
    for (const [part, { shape }] of Object.entries({ ...parameters, ...buffers })) shapes.set(`${name}.${part}`, shape);
  }
  return shapes;
}

export function checkWeights(given: Readonly<Record<string, unknown>>, model: ResolvedModel, mistakes: Mistakes): void {
  const shapes = shapesOf(model);
  for (const [name, values] of Object.entries(given)) {
    const at = joinPath(path, name);
    const shape = shapes.get(name);
    if (shape === undefined) {
      const near = (): string => nearest(name, shapes.keys()) || allOf(shapes);
      mistakes.add(at, () => `the model has no weight ${JSON.stringify(name)}${near()}`);
      continue;
    }
    const weights = readWeights(values, at, mistakes);
    if (weights !== undefined && !sameShape(weights.shape, shape)) {
      mistakes.add(at, `has shape ${showShape(weights.shape)}, expected ${showShape(shape)}`);
    }
  }
}

/** The checked weights as the engine takes them. */
export function weightsOf(given: Readonly<Record<string, unknown>>): Record<string, Weights> {
  return Object.fromEntries(
    Object.entries(given).map(([name, values]) => [name, flatten(values, joinPath(path, name))]),
  );
}

function readWeights(values: unknown, at: string, mistakes: Mistakes): Weights | undefined {
  try {
    return flatten(values, at);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    mistakes.add(error.path ?? at, error.message);
    return undefined;
  }
}

function flatten(values: unknown, at: string): Weights {
  if (typeof values === "number") return { shape: [], data: Float32Array.of(values) };
  const { table, shape } = readNested(values, at);
  const wrong = table.values.findIndex((value) => !Number.isFinite(Math.fround(value)));
  if (wrong >= 0) {
    const { place } = table.place(Math.floor(wrong / table.width), wrong % table.width);
    throw new DataError("expects a number that a 32-bit float can hold", place);
  }
  return { shape: [table.rows, ...shape], data: Float32Array.from(table.values) };
}

const allOf = (shapes: ReadonlyMap<string, Shape>): string =>
  shapes.size === 0
    ? "; it has no weights"
    : `; it has ${[...shapes.keys()].slice(0, 8).join(", ")}${shapes.size > 8 ? ", …" : ""}`;
