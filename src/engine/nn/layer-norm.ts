/** LayerNorm (Ba, Kiros and Hinton, 2016) and RMSNorm (Zhang and Sennrich, 2019): each sample's last dimensions normalised. */
import { z } from "zod";
import { moments, type NormalizedView, normalize } from "../ops/index.ts";
import { elementCount, type Shape, ShapeError, sameShape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { defineLayer } from "./definition.ts";
import { Module } from "./module.ts";
import type { Parameter } from "./parameter.ts";
import { affineSpecs, parameterOf } from "./running-statistics.ts";
import { epsilon, size } from "./schema.ts";

const normalized_shape = z
  .union([size, z.array(size).min(1).max(8)])
  .optional()
  .describe("Size of the last dimension, or sizes of the last dimensions; the last one when left out");

const asShape = (given: number | Shape): Shape => (typeof given === "number" ? [given] : given);

/** The normalised dimensions as rows: (*, …normalizedShape). */
function rowsOf(layer: string, x: Tensor, normalizedShape: Shape): NormalizedView {
  if (!sameShape(x.shape.slice(-normalizedShape.length), normalizedShape)) {
    throw new ShapeError(
      `${layer} takes inputs that end in ${showShape(normalizedShape)}, got ${showShape(x.shape)}.`,
      "normalized_shape",
    );
  }
  const length = elementCount(normalizedShape);
  return [1, x.size / length, length];
}

/** Shapes: (*, …normalizedShape). (x − mean)/√(biased variance + eps)·weight + bias. */
export class LayerNorm extends Module {
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly #shape: Shape;
  readonly #eps: number;

  constructor(normalizedShape: number | Shape, eps = 1e-5, elementwiseAffine = true, bias = true) {
    super();
    this.#shape = asShape(normalizedShape);
    this.#eps = eps;
    const specs = affineSpecs(this.#shape, elementwiseAffine, elementwiseAffine && bias);
    this.weight = parameterOf(specs["weight"]);
    this.bias = parameterOf(specs["bias"]);
  }

  forward(x: Tensor): Tensor {
    const view = rowsOf("LayerNorm", x, this.#shape);
    const affine = { weight: this.weight, bias: this.bias, features: view[2], spread: 1 };
    return normalize(x, view, moments(x, view, this.#eps), { of: "x", eps: this.#eps }, affine);
  }
}

/** What PyTorch takes for `eps: null`: the distance from 1 to the next float32. */
export const FLOAT32_EPSILON = 2 ** -23;

/** Shapes: (*, …normalizedShape). x/√(mean of x² + eps)·weight. */
export class RMSNorm extends Module {
  readonly weight: Parameter | null;
  readonly #shape: Shape;
  readonly #eps: number;

  constructor(normalizedShape: number | Shape, eps: number | null = null, elementwiseAffine = true) {
    super();
    this.#shape = asShape(normalizedShape);
    this.#eps = eps ?? FLOAT32_EPSILON;
    this.weight = parameterOf(affineSpecs(this.#shape, elementwiseAffine, false)["weight"]);
  }

  forward(x: Tensor): Tensor {
    const view = rowsOf("RMSNorm", x, this.#shape);
    const affine = { weight: this.weight, bias: null, features: view[2], spread: 1 };
    const source = { of: "x", eps: this.#eps, uncentred: true } as const;
    return normalize(x, view, moments(x, view, this.#eps, true), source, affine);
  }
}

/** The normalised shape of these samples, checked against what was given. */
function resolveShape(given: number | Shape | undefined, input: Shape): Shape {
  const last = input.at(-1);
  if (last === undefined) throw new ShapeError("needs at least one dimension to normalise, got single numbers");
  if (given === undefined) return [last];
  const wanted = asShape(given);
  const found = input.slice(-wanted.length);
  if (sameShape(found, wanted)) return wanted;
  const show = (shape: Shape): string => (typeof given === "number" ? String(shape[0]) : showShape(shape));
  throw new ShapeError(`expects ${show(found)}, got ${show(wanted)}`, "normalized_shape");
}

const layerNormArgs = z.strictObject({
  normalized_shape,
  eps: epsilon(1e-5),
  elementwise_affine: z.boolean().default(true).describe("Learn a weight and bias for each element"),
  bias: z.boolean().default(true).describe("With elementwise_affine: learn a bias"),
});

export const layerNormLayer = defineLayer({
  type: "LayerNorm",
  summary: "Normalises the last dimensions of each sample to mean 0 and variance 1",
  args: layerNormArgs,
  resolve(given, input) {
    const normalized_shape = resolveShape(given.normalized_shape, input);
    return {
      args: { ...given, normalized_shape: [...normalized_shape] },
      output: input,
      flops: 5 * elementCount(input),
    };
  },
  parameters: (given) =>
    affineSpecs(
      asShape(given.normalized_shape ?? []),
      given.elementwise_affine,
      given.elementwise_affine && given.bias,
    ),
  create: (given) => new LayerNorm(given.normalized_shape ?? [], given.eps, given.elementwise_affine, given.bias),
});

const rmsNormArgs = z.strictObject({
  normalized_shape,
  eps: epsilon(1e-5).unwrap().nullable().default(null).describe("Added to the mean square; null: 2⁻²³"),
  elementwise_affine: z.boolean().default(true).describe("Learn a weight for each element"),
});

export const rmsNormLayer = defineLayer({
  type: "RMSNorm",
  summary: "Divides the last dimensions of each sample by their root mean square",
  args: rmsNormArgs,
  resolve(given, input) {
    const normalized_shape = resolveShape(given.normalized_shape, input);
    return {
      args: { ...given, normalized_shape: [...normalized_shape] },
      output: input,
      flops: 4 * elementCount(input),
    };
  },
  parameters: (given) => affineSpecs(asShape(given.normalized_shape ?? []), given.elementwise_affine, false),
  create: (given) => new RMSNorm(given.normalized_shape ?? [], given.eps, given.elementwise_affine),
});
