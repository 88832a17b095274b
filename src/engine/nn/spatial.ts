/**
 * What layers over positions share: arguments given once or per dimension, samples with channels first, and layers over one
 * or two dimensions as such over volumes of depth (and height) 1.
 */
import { z } from "zod";
import { reshape } from "../ops/index.ts";
import { type Shape, ShapeError, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import type { Pair } from "../windows.ts";

/** Positions have one dimension (length), two (height, width) or three (depth, height, width). */
export type Spatial = 1 | 2 | 3;

/** One number for every dimension, or a list. */
export type Sizes = number | readonly number[];

const SMALL = 2 ** 16;

/** An argument that is one number, or one number for each dimension. */
export function sizes(
  dimensions: Spatial,
  min: number,
  max: number = SMALL,
): z.ZodUnion<readonly [z.ZodInt, z.ZodArray<z.ZodInt>]> {
  const number = z.int().min(min).max(max);
  return z.union([number, z.array(number).length(dimensions)]);
}

/** One number for each dimension. */
export function listOf(given: Sizes, dimensions: Spatial): readonly number[] {
  if (typeof given === "number") return new Array<number>(dimensions).fill(given);
  if (given.length === dimensions) return given;
  throw new RangeError(`expects one number or a list of ${dimensions}, got [${given}]`);
}

/** Of a list with one number for each dimension: [vertical, horizontal], `neutral` where it has no vertical one. */
export const planeOf = (list: readonly number[], neutral: number): Pair => [
  list.at(-2) ?? neutral,
  list.at(-1) ?? neutral,
];

/** The same for its depth. */
export const depthOf = (list: readonly number[], neutral: number): number => list.at(-3) ?? neutral;

/** The names of the dimensions of a sample, as error messages show them. */
export const showSample = (dimensions: Spatial): string => SAMPLES[dimensions];
const SAMPLES: Readonly<Record<Spatial, string>> = {
  1: "[channels, length]",
  2: "[channels, height, width]",
  3: "[channels, depth, height, width]",
};

/** Throws unless samples have channels and so many dimensions of positions. */
export function checkSample(input: Shape, dimensions: Spatial): void {
  if (input.length === dimensions + 1) return;
  const hint = input.length <= dimensions ? ". An Unflatten layer before it gives samples that shape" : "";
  throw new ShapeError(`takes samples of shape ${showSample(dimensions)}, got ${showShape(input)}${hint}`);
}

/** Throws unless x has that many dimensions of positions, channels, and N or not. */
export function checkRank(layer: string, x: Tensor, dimensions: Spatial): void {
  if (x.rank === dimensions + 1 || x.rank === dimensions + 2) return;
  const sample = showSample(dimensions);
  throw new ShapeError(`${layer} takes (N, ${sample.slice(1, -1)}) or ${sample}, got ${showShape(x.shape)}.`);
}

/** x as (N, channels, depth, height, width), and the way back; a single sample without N is one more shape that is taken. */
export function asVolumes(
  layer: string,
  x: Tensor,
  dimensions: Spatial,
): { volumes: Tensor; restore: (volumes: Tensor) => Tensor } {
  checkRank(layer, x, dimensions);
  const batch = x.rank === dimensions + 2 ? x.shape.slice(0, 1) : [];
  const [channels = 0, ...positions] = x.shape.slice(-dimensions - 1);
  const volumes = reshape(x, [batch[0] ?? 1, channels, depthOf(positions, 1), ...planeOf(positions, 1)]);
  const restore = (made: Tensor): Tensor =>
    reshape(made, [...batch, made.shape[1] ?? 0, ...made.shape.slice(-dimensions)]);
  return { volumes, restore };
}
