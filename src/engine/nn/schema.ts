/** Argument types that many layers share. */
import { z } from "zod";

/** A size of a layer. The bound keeps products of sizes exact and refuses nonsense early. */
export const size = z
  .int()
  .min(1)
  .max(2 ** 24);

/** A dimension, counted from the end when negative. */
export const dim = z.int().min(-8).max(8);

export const probability = z.number().min(0).max(1);

/** PyTorch's `inplace`: accepted, and without effect, since tensors here are immutable. */
export const inplace = z.boolean().default(false).describe("Accepted for compatibility; changes nothing");

/** A number of channels or features that is that of the samples. */
export const channels = size.optional().describe("Follows from the data when left out");

/** What is added to a variance, so that nothing is divided by 0. */
export const epsilon = (value: number): z.ZodDefault<z.ZodNumber> =>
  z.number().min(0).max(1).default(value).describe("Added to the variance");
