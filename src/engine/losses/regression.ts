/** MSELoss and L1Loss. */
import { z } from "zod";
import { defineLoss } from "../nn/definition.ts";
import { Module } from "../nn/module.ts";
import { abs, square, sub } from "../ops/index.ts";
import type { Tensor } from "../tensor.ts";
import { checkSameShape, type Reduction, reduce, reductionArg, requireSameShape } from "./reduction.ts";

const args = z.strictObject({ reduction: reductionArg });

/** mean((input − target)²) */
export class MSELoss extends Module {
  readonly #reduction: Reduction;
  constructor({ reduction = "mean" }: { reduction?: Reduction } = {}) {
    super();
    this.#reduction = reduction;
  }
  forward(input: Tensor, target: Tensor, weights?: Tensor): Tensor {
    requireSameShape("MSELoss", input, target);
    return reduce(square(sub(input, target)), this.#reduction, weights);
  }
}

export const mseLoss = defineLoss({
  type: "MSELoss",
  summary: "Mean squared error",
  args,
  targets: "values",
  check: (_args, output, target) => checkSameShape(output, target),
  create: (given) => new MSELoss(given),
});

/** mean(|input − target|) */
export class L1Loss extends Module {
  readonly #reduction: Reduction;
  constructor({ reduction = "mean" }: { reduction?: Reduction } = {}) {
    super();
    this.#reduction = reduction;
  }
  forward(input: Tensor, target: Tensor, weights?: Tensor): Tensor {
    requireSameShape("L1Loss", input, target);
    return reduce(abs(sub(input, target)), this.#reduction, weights);
  }
}

export const l1Loss = defineLoss({
  type: "L1Loss",
  summary: "Mean absolute error",
  args,
  targets: "values",
  check: (_args, output, target) => checkSameShape(output, target),
  create: (given) => new L1Loss(given),
});
