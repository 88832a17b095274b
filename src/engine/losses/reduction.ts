/** What the losses share: the reduction argument, and the check of an output's shape against its targets'. */
import { z } from "zod";
import type { Mistake, TargetInfo } from "../nn/definition.ts";
import { div, maximum, mean, mul, reshape, sum } from "../ops/index.ts";
import { type Shape, ShapeError, sameShape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

export type Reduction = "mean" | "sum" | "none";

/** A job needs one number for each batch, so 'none' is for the library alone. */
export const reductionArg = z.enum(["mean", "sum"]).default("mean").describe("Mean or sum over all elements");

/** A weight per class or element. */
export const weightArg = z.array(z.number().min(0)).min(1);

/**
 * `weights` (N): how much each sample counts, as if it stood there so many times. The mean is then Σ w·loss / Σ w, with the
 * mean of a sample's own elements as its loss; where all weigh nothing it is 0.
 */
export function reduce(values: Tensor, reduction: Reduction, weights?: Tensor): Tensor {
  const counted = weights ? mul(values, beside(weights, values)) : values;
  if (reduction === "none") return counted;
  if (reduction === "sum") return sum(counted);
  if (!weights) return mean(values);
  return div(mul(sum(counted), weights.size / values.size), totalWeight(weights));
}

/** Σ w, to divide by. */
export const totalWeight = (weights: Tensor): Tensor => atLeastTiny(sum(weights));

/** The smallest normal number in place of 0, so that 0/0 is 0. */
export const atLeastTiny = (total: Tensor): Tensor => maximum(total, 2 ** -126);

/** Weights (N) in a shape that broadcasts over values (N, *). */
function beside(weights: Tensor, values: Tensor): Tensor {
  if (weights.rank === 1 && values.rank >= 1 && weights.size === values.shape[0]) {
    return reshape(weights, [weights.size, ...values.shape.slice(1).map(() => 1)]);
  }
  throw new ShapeError(
    `Weights of samples ${showShape(weights.shape)} must be one for each of the losses ${showShape(values.shape)}.`,
  );
}

export function requireSameShape(loss: string, input: Tensor, target: Tensor): void {
  if (sameShape(input.shape, target.shape)) return;
  throw new ShapeError(
    `${loss}: input ${showShape(input.shape)} and target ${showShape(target.shape)} must have the same shape.`,
  );
}

/** For losses that compare an output with targets of its own shape, element by element. */
export function checkSameShape(output: Shape, target: TargetInfo): Mistake[] {
  if (target.kind === "values" && sameShape(output, target.shape)) return [];
  return [
    {
      message: `compares the output with targets of the same shape, but the last layer gives ${showShape(output)} for each sample and the targets are ${showShape(target.shape)}`,
    },
  ];
}
