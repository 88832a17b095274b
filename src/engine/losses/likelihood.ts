/** Losses that are negative log-likelihoods of distributions: KLDivLoss, PoissonNLLLoss, GaussianNLLLoss. */
import { z } from "zod";
import { defineLoss, type Mistake } from "../nn/definition.ts";
import { Module } from "../nn/module.ts";
import { add, clamp, div, eq, exp, gt, log, mul, slice, square, sub, where } from "../ops/index.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { checkSameShape, type Reduction, reduce, reductionArg, requireSameShape, totalWeight } from "./reduction.ts";

export interface KLDivLossOptions {
  readonly reduction?: Reduction | "batchmean" | undefined;
  readonly log_target?: boolean | undefined;
}

/** t·(log t − x), 0 where t = 0; input: log-probabilities. With log_target: eᵗ·(t − x). */
export class KLDivLoss extends Module {
  readonly #reduction: Reduction | "batchmean";
  readonly #logTarget: boolean;
  constructor({ reduction = "mean", log_target = false }: KLDivLossOptions = {}) {
    super();
    this.#reduction = reduction;
    this.#logTarget = log_target;
  }
  forward(x: Tensor, t: Tensor, weights?: Tensor): Tensor {
    requireSameShape("KLDivLoss", x, t);
    const losses = this.#logTarget ? mul(exp(t), sub(t, x)) : sub(timesLog(t), mul(t, x));
    if (this.#reduction === "batchmean") {
      return div(reduce(losses, "sum", weights), weights ? totalWeight(weights) : (x.shape[0] ?? 1));
    }
    return reduce(losses, this.#reduction, weights);
  }
}

/** t·log t, and 0 at 0. */
function timesLog(t: Tensor): Tensor {
  const atZero = eq(t, 0);
  return where(atZero, 0, mul(t, log(where(atZero, 1, t))));
}

export const klDivLoss = defineLoss({
  type: "KLDivLoss",
  summary: "Kullback–Leibler divergence; inputs are log-probabilities (end the model with LogSoftmax)",
  args: z.strictObject({
    reduction: z
      .enum(["mean", "sum", "batchmean"])
      .default("mean")
      .describe("batchmean divides the sum by the batch size alone"),
    log_target: z.boolean().default(false).describe("Targets are log-probabilities too"),
  }),
  targets: "values",
  check(args, output, target, range) {
    const mistakes: Mistake[] = checkSameShape(output, target);
    if (!range || range[1] > 0) {
      mistakes.push({
        message: "wants log-probabilities, which the last layer does not promise. End the model with LogSoftmax",
      });
    }
    if (!args.log_target && (target.min ?? 0) < 0) {
      mistakes.push({
        message: `wants probabilities as targets, but the smallest is ${target.min}. Set log_target if they are logarithms`,
      });
    }
    return mistakes;
  },
  create: (given) => new KLDivLoss(given),
});

export interface PoissonNLLLossOptions {
  readonly log_input?: boolean | undefined;
  readonly full?: boolean | undefined;
  readonly eps?: number | undefined;
  readonly reduction?: Reduction | undefined;
}

/** eˣ − t·x, or without log_input x − t·log(x + eps); `full` adds Stirling's t·log t − t + ½·log 2πt where t > 1. */
export class PoissonNLLLoss extends Module {
  readonly #logInput: boolean;
  readonly #full: boolean;
  readonly #eps: number;
  readonly #reduction: Reduction;
  constructor({ log_input = true, full = false, eps = 1e-8, reduction = "mean" }: PoissonNLLLossOptions = {}) {
    super();
    this.#logInput = log_input;
    this.#full = full;
    this.#eps = eps;
    this.#reduction = reduction;
  }
  forward(x: Tensor, t: Tensor, weights?: Tensor): Tensor {
    requireSameShape("PoissonNLLLoss", x, t);
    const losses = this.#logInput ? sub(exp(x), mul(t, x)) : sub(x, mul(t, log(add(x, this.#eps))));
    return reduce(this.#full ? add(losses, stirling(t)) : losses, this.#reduction, weights);
  }
}

function stirling(t: Tensor): Tensor {
  const large = gt(t, 1);
  const safe = where(large, t, 1);
  const term = add(sub(mul(safe, log(safe)), safe), mul(log(mul(safe, 2 * Math.PI)), 0.5));
  return where(large, term, 0);
}

export const poissonNLLLoss = defineLoss({
  type: "PoissonNLLLoss",
  summary: "Negative log-likelihood of counts; outputs are log-rates, or rates with log_input false",
  args: z.strictObject({
    log_input: z.boolean().default(true),
    full: z.boolean().default(false).describe("Add the Stirling approximation of log t!"),
    eps: z.number().gt(0).default(1e-8),
    reduction: reductionArg,
  }),
  targets: "values",
  check(args, output, target, range) {
    const mistakes: Mistake[] = checkSameShape(output, target);
    if ((target.min ?? 0) < 0) mistakes.push({ message: `wants counts as targets, but the smallest is ${target.min}` });
    if (!args.log_input && (!range || range[0] < 0)) {
      mistakes.push({
        field: "log_input",
        message:
          "false wants rates, not below 0, which the last layer does not promise. End the model with Softplus, or set it to true",
      });
    }
    return mistakes;
  },
  create: (given) => new PoissonNLLLoss(given),
});

export interface GaussianNLLLossOptions {
  readonly full?: boolean | undefined;
  readonly eps?: number | undefined;
  readonly reduction?: Reduction | undefined;
}

/** ½·(log v + (x − t)²/v), v = max(var, eps) with no gradient through the clamp; `full` adds ½·log 2π. */
export class GaussianNLLLoss extends Module {
  readonly #full: boolean;
  readonly #eps: number;
  readonly #reduction: Reduction;
  constructor({ full = false, eps = 1e-6, reduction = "mean" }: GaussianNLLLossOptions = {}) {
    super();
    this.#full = full;
    this.#eps = eps;
    this.#reduction = reduction;
  }
  /** `variance` has the input's shape, or one number for each row. */
  forward(x: Tensor, t: Tensor, variance: Tensor, weights?: Tensor): Tensor {
    // PyTorch clamps the values in place and lets the gradient pass as if it had not.
    const correction = sub(clamp(variance.detach(), this.#eps, Number.MAX_VALUE), variance.detach());
    const v = add(variance, correction);
    const losses = mul(add(log(v), div(square(sub(x, t)), v)), 0.5);
    return reduce(this.#full ? add(losses, 0.5 * Math.log(2 * Math.PI)) : losses, this.#reduction, weights);
  }
}

/** GaussianNLLLoss as a job has it: the model gives means and the logarithms of variances, side by side. */
class TwoHeadedGaussianNLLLoss extends Module {
  readonly #loss: GaussianNLLLoss;
  constructor(options: GaussianNLLLossOptions) {
    super();
    this.#loss = new GaussianNLLLoss(options);
  }
  forward(output: Tensor, target: Tensor, weights?: Tensor): Tensor {
    const width = (output.shape.at(-1) ?? 0) / 2;
    const mean = slice(output, -1, 0, width);
    const variance = exp(slice(output, -1, width, 2 * width));
    return this.#loss.forward(mean, target, variance, weights);
  }
}

export const gaussianNLLLoss = defineLoss({
  type: "GaussianNLLLoss",
  summary:
    "Negative log-likelihood of a normal distribution; the last dimension of the outputs holds the means, then the logarithms of the variances",
  args: z.strictObject({
    full: z.boolean().default(false).describe("Add the constant ½·log 2π"),
    eps: z.number().gt(0).default(1e-6).describe("Smallest variance"),
    reduction: reductionArg,
  }),
  targets: "values",
  compares: false,
  check(_args, output, target) {
    const width = output.at(-1) ?? 1;
    const heads = `${width} ${width === 1 ? "output" : "outputs"}`;
    if (width % 2 !== 0) {
      return [
        { message: `wants a mean and the logarithm of a variance for each target, but the last layer has ${heads}` },
      ];
    }
    return checkSameShape([...output.slice(0, -1), width / 2], target).map(() => ({
      message: `wants targets of shape ${showShape([...output.slice(0, -1), width / 2])} beside outputs ${showShape(output)}, half of them means, got ${showShape(target.shape)}`,
    }));
  },
  create: (given) => new TwoHeadedGaussianNLLLoss(given),
});
