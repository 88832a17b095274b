/** Adaptive pooling: as many windows as one asks for, sharing the input as evenly as possible. */
import { z } from "zod";
import type { Term } from "../sparse-map.ts";
import { listOf, type Spatial } from "./spatial.ts";

/** One number for every dimension, or a list; null keeps a dimension's size. */
export type AdaptiveSize = number | null | readonly (number | null)[];

export function adaptiveSizes(
  dimensions: Spatial,
): z.ZodUnion<readonly [z.ZodNullable<z.ZodInt>, z.ZodArray<z.ZodNullable<z.ZodInt>>]> {
  const number = z
    .int()
    .min(1)
    .max(2 ** 16)
    .nullable();
  return z
    .union([number, z.array(number).length(dimensions)])
    .describe("Number of windows; null: as many as there are elements");
}

/** The size of the result in each dimension. */
export function adaptiveSize(given: AdaptiveSize, input: readonly number[], dimensions: Spatial): readonly number[] {
  const kept = (size: number | null): number => size ?? 0;
  const asked = listOf(given === null || typeof given === "number" ? kept(given) : given.map(kept), dimensions);
  return asked.map((size, i) => size || (input[i] ?? 1));
}

/** Windows from ⌊i·length/count⌋ to before ⌈(i + 1)·length/count⌉. */
export function adaptiveWindows(length: number, count: number): (readonly [start: number, end: number])[] {
  return Array.from({ length: count }, (_, i) => [
    Math.floor((i * length) / count),
    Math.ceil(((i + 1) * length) / count),
  ]);
}

export function adaptiveAverages(length: number, count: number): Term[][] {
  return adaptiveWindows(length, count).map(([start, end]) =>
    Array.from({ length: end - start }, (_, j): Term => [start + j, 1 / (end - start)]),
  );
}
