/** SmoothL1Loss and HuberLoss: squared near the target, linear beyond, so that outliers pull less. */
import { z } from "zod";
import { defineLoss } from "../nn/definition.ts";
import { Module } from "../nn/module.ts";
import { abs, lt, mul, square, sub, where } from "../ops/index.ts";
import type { Tensor } from "../tensor.ts";
import { checkSameShape, type Reduction, reduce, reductionArg, requireSameShape } from "./reduction.ts";

/** |d| < beta ? d²/(2·beta) : |d| − beta/2; beta 0 is L1Loss. */
export class SmoothL1Loss extends Module {
  readonly #beta: number;
  readonly #reduction: Reduction;
  constructor({ beta = 1, reduction = "mean" }: { beta?: number; reduction?: Reduction } = {}) {
    super();
    this.#beta = beta;
    this.#reduction = reduction;
  }
  forward(input: Tensor, target: Tensor, weights?: Tensor): Tensor {
    requireSameShape("SmoothL1Loss", input, target);
    const distance = abs(sub(input, target));
    if (this.#beta === 0) return reduce(distance, this.#reduction, weights);
    const near = mul(square(sub(input, target)), 0.5 / this.#beta);
    return reduce(where(lt(distance, this.#beta), near, sub(distance, this.#beta / 2)), this.#reduction, weights);
  }
}

export const smoothL1Loss = defineLoss({
  type: "SmoothL1Loss",
  summary: "Squared below beta, absolute beyond",
  args: z.strictObject({ reduction: reductionArg, beta: z.number().min(0).default(1) }),
  targets: "values",
  check: (_args, output, target) => checkSameShape(output, target),
  create: (given) => new SmoothL1Loss(given),
});

/** |d| ≤ delta ? d²/2 : delta·(|d| − delta/2) */
export class HuberLoss extends Module {
  readonly #delta: number;
  readonly #reduction: Reduction;
  constructor({ delta = 1, reduction = "mean" }: { delta?: number; reduction?: Reduction } = {}) {
    super();
    this.#delta = delta;
    this.#reduction = reduction;
  }
  forward(input: Tensor, target: Tensor, weights?: Tensor): Tensor {
    requireSameShape("HuberLoss", input, target);
    const distance = abs(sub(input, target));
    const near = mul(square(sub(input, target)), 0.5);
    const far = mul(sub(distance, this.#delta / 2), this.#delta);
    return reduce(where(lt(distance, this.#delta), near, far), this.#reduction, weights);
  }
}

export const huberLoss = defineLoss({
  type: "HuberLoss",
  summary: "Squared below delta, linear beyond with slope delta",
  args: z.strictObject({ reduction: reductionArg, delta: z.number().gt(0).default(1) }),
  targets: "values",
  check: (_args, output, target) => checkSameShape(output, target),
  create: (given) => new HuberLoss(given),
});
