/** What the losses share: the reduction argument, and the check of an output's shape against its targets'. */
import { z } from "zod";
import type { Mistake, TargetInfo } from "../nn/definition.ts";
import { mean, sum } from "../ops/index.ts";
import { type Shape, ShapeError, sameShape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

export type Reduction = "mean" | "sum" | "none";

/** A job needs one number for each batch, so 'none' is for the library alone. */
export const reductionArg = z.enum(["mean", "sum"]).default("mean").describe("Mean or sum over all elements");

/** A weight per class or element. */
export const weightArg = z.array(z.number().min(0)).min(1);

export function reduce(values: Tensor, reduction: Reduction): Tensor {
  if (reduction === "none") return values;
  return reduction === "sum" ? sum(values) : mean(values);
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
