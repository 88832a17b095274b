/**
 * Normalisation: (x − mean)·rstd·weight + bias, where mean and rstd are those of x itself or given ones. One op for
 * batch, layer, group, instance and RMS normalisation: they differ in which elements share a mean and which a weight.
 */
import { isGradEnabled } from "../autograd.ts";
import { elementCount, type Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { mul, rsqrt, square, sub } from "./elementwise.ts";
import { reshape } from "./movement.ts";
import { emit, empty, record, requireFloat } from "./op.ts";
import { mean as meanOver, sum } from "./reduce.ts";

/** x seen as [outer, channels, inner]: a channel's elements share mean and variance. */
export type NormalizedView = readonly [outer: number, channels: number, inner: number];

export interface Moments {
  readonly mean: Tensor;
  /** Biased: divided by the count. */
  readonly variance: Tensor;
  readonly rstd: Tensor;
}

/** Mean, variance and 1/√(variance + eps) of each channel; uncentred takes the mean for 0. No gradient of its own. */
export function moments(x: Tensor, [outer, channels, inner]: NormalizedView, eps: number, uncentred = false): Moments {
  requireFloat("moments", x);
  const make = (): Tensor => empty(x.device, [channels]);
  const made = { mean: make(), variance: make(), rstd: make() };
  const buffers = [made.mean, made.variance, made.rstd, x].map(({ storage }) => storage.buffer);
  x.device.run("moments", buffers, [outer, channels, inner, Number(uncentred), eps]);
  return made;
}

/** Weight and bias of one size: they belong to dimension 1 of x seen as [*, features, spread]. */
export interface Affine {
  readonly weight: Tensor | null;
  readonly bias: Tensor | null;
  readonly features: number;
  readonly spread: number;
}

/** Where mean and rstd come from, which decides the gradient. */
export type MomentsSource =
  | { readonly of: "x"; readonly eps: number; readonly uncentred?: boolean }
  /** Given from outside, such as running statistics: constants. */
  | { readonly of: "elsewhere" };

const WEIGHT = 1;
const BIAS = 2;
const MEAN_FOLLOWS = 4;

export function normalize(
  x: Tensor,
  view: NormalizedView,
  given: Pick<Moments, "mean" | "rstd">,
  source: MomentsSource,
  affine: Affine,
): Tensor {
  requireFloat("normalize", x);
  const { weight, bias, features, spread } = affine;
  const { mean, rstd } = given;
  const flags = (weight ? WEIGHT : 0) | (bias ? BIAS : 0);
  const reads = [x, mean, rstd, weight ?? rstd, bias ?? rstd];
  const y = emit("normalize", x.shape, reads, [...view, features, spread, flags]);
  const inputs = [x, ...(weight ? [weight] : []), ...(bias ? [bias] : [])];
  return record("normalize", y, inputs, (g) => [
    () => inputGradient(g, x, view, given, source, affine),
    ...(weight ? [() => reshape(weightGradient(g, x, view, given, source, affine), weight.shape)] : []),
    ...(bias ? [() => reshape(sum(reshape(g, [-1, features, spread]), [0, 2]), bias.shape)] : []),
  ]);
}

function inputGradient(
  g: Tensor,
  x: Tensor,
  view: NormalizedView,
  given: Pick<Moments, "mean" | "rstd">,
  source: MomentsSource,
  { weight, features, spread }: Affine,
): Tensor {
  const { mean, rstd } = given;
  if (!isGradEnabled() && source.of === "x") {
    const flags = (weight ? WEIGHT : 0) | (source.uncentred ? 0 : MEAN_FOLLOWS);
    const reads = [g, x, mean, rstd, weight ?? rstd];
    return emit("normalizeBackward", x.shape, reads, [...view, features, spread, flags]);
  }
  const scaled = weight ? mul(reshape(g, [-1, features, spread]), reshape(weight, [features, 1])) : g;
  const gw = reshape(scaled, view);
  if (source.of === "elsewhere") return reshape(mul(gw, along(rstd)), x.shape);
  const standard = standardize(x, view, given, source);
  let d = sub(gw, mul(standard.x, meanOver(mul(gw, standard.x), [0, 2], true)));
  if (!source.uncentred) d = sub(d, meanOver(gw, [0, 2], true));
  return reshape(mul(d, standard.rstd), x.shape);
}

function weightGradient(
  g: Tensor,
  x: Tensor,
  view: NormalizedView,
  given: Pick<Moments, "mean" | "rstd">,
  source: MomentsSource,
  { features, spread }: Affine,
): Tensor {
  if (!isGradEnabled()) {
    const params = [x.size, view[1], view[2], features, spread];
    return emit("normalizeWeightBackward", [features], [g, x, given.mean, given.rstd], params);
  }
  const standard = standardize(x, view, given, source).x;
  const shape: Shape = [x.size / (features * spread), features, spread];
  return sum(mul(reshape(g, shape), reshape(standard, shape)), [0, 2]);
}

/** x̂ and rstd in ops that follow x, so that they can be differentiated again. */
function standardize(
  x: Tensor,
  view: NormalizedView,
  given: Pick<Moments, "mean" | "rstd">,
  source: MomentsSource,
): { x: Tensor; rstd: Tensor } {
  const seen = reshape(x, view);
  if (source.of === "elsewhere") {
    const rstd = along(given.rstd);
    return { x: mul(sub(seen, along(given.mean)), rstd), rstd };
  }
  const centred = source.uncentred ? seen : sub(seen, meanOver(seen, [0, 2], true));
  const rstd = rsqrt(meanOver(square(centred), [0, 2], true).add(source.eps));
  return { x: mul(centred, rstd), rstd };
}

/** One value per channel, beside [outer, channels, inner]. */
const along = (values: Tensor): Tensor => reshape(values, [elementCount(values.shape), 1]);
