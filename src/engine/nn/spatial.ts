/**
 * What layers over positions share: arguments given once or per dimension, samples with channels first, and one-dimensional
 * layers that compute on images of height 1.
 */
import { z } from "zod";
import { reshape } from "../ops/index.ts";
import { type Shape, ShapeError, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import type { Pair } from "../windows.ts";

/** Positions have one dimension (length) or two (height, width). */
export type Spatial = 1 | 2;

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

/** A pair [vertical, horizontal]; what a one-dimensional layer lacks vertically is `neutral`. */
export function pairOf(given: Sizes, dimensions: Spatial, neutral: number): Pair {
  if (typeof given === "number") return dimensions === 1 ? [neutral, given] : [given, given];
  const [first, second] = given;
  if (given.length !== dimensions || first === undefined) {
    throw new RangeError(`expects one number or a list of ${dimensions}, got [${given}]`);
  }
  return dimensions === 1 ? [neutral, first] : [first, second ?? first];
}

/** The names of the dimensions of a sample, as error messages show them. */
export const showSample = (dimensions: Spatial): string =>
  dimensions === 1 ? "[channels, length]" : "[channels, height, width]";

/** Throws unless samples have channels and so many dimensions of positions. */
export function checkSample(input: Shape, dimensions: Spatial): void {
  if (input.length === dimensions + 1) return;
  const hint = input.length <= dimensions ? ". An Unflatten layer before it gives samples that shape" : "";
  throw new ShapeError(`takes samples of shape ${showSample(dimensions)}, got ${showShape(input)}${hint}`);
}

/** The last dimensions of a sample as [height, width]. */
export function spatialSize(input: Shape, dimensions: Spatial): Pair {
  return dimensions === 1 ? [1, input.at(-1) ?? 1] : [input.at(-2) ?? 1, input.at(-1) ?? 1];
}

/** What is one size in one dimension, a list of two in two. */
export const sampleOf = (channels: number, [height, width]: Pair, dimensions: Spatial): Shape =>
  dimensions === 1 ? [channels, width] : [channels, height, width];

/** x as (N, channels, height, width), and the way back; a single sample without N is one more shape that is taken. */
export function asImages(
  layer: string,
  x: Tensor,
  dimensions: Spatial,
): { images: Tensor; restore: (images: Tensor) => Tensor } {
  if (x.rank !== dimensions + 1 && x.rank !== dimensions + 2) {
    const sample = showSample(dimensions);
    throw new ShapeError(`${layer} takes (N, ${sample.slice(1, -1)}) or ${sample}, got ${showShape(x.shape)}.`);
  }
  const batch = x.rank === dimensions + 2 ? (x.shape[0] ?? 0) : 1;
  const sample = x.shape.slice(-dimensions - 1);
  const images = reshape(x, [batch, sample[0] ?? 0, ...spatialSize(sample, dimensions)]);
  const restore = (made: Tensor): Tensor => {
    const size = sampleOf(made.shape[1] ?? 0, [made.shape[2] ?? 1, made.shape[3] ?? 1], dimensions);
    return reshape(made, x.rank === dimensions + 2 ? [batch, ...size] : size);
  };
  return { images, restore };
}
