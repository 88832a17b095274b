/** BCELoss (on probabilities) and BCEWithLogitsLoss (on any numbers). */
import { z } from "zod";
import { noGrad } from "../autograd.ts";
import { defineLoss, type Mistake, type TargetInfo } from "../nn/definition.ts";
import { Module } from "../nn/module.ts";
import { abs, add, div, exp, log, log1p, maximum, mul, neg, sub } from "../ops/index.ts";
import { record } from "../ops/op.ts";
import { elementCount, type Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { Constant } from "./constant.ts";
import { checkSameShape, type Reduction, reduce, reductionArg, requireSameShape, weightArg } from "./reduction.ts";

export interface BCELossOptions {
  readonly weight?: readonly number[] | null | undefined;
  readonly reduction?: Reduction | undefined;
}

/** −(t·log p + (1 − t)·log(1 − p)), each logarithm kept ≥ −100. Both in [0, 1], same shape. */
export class BCELoss extends Module {
  readonly #weight: Constant | null;
  readonly #reduction: Reduction;
  constructor({ weight, reduction = "mean" }: BCELossOptions = {}) {
    super();
    this.#weight = weight ? new Constant(weight) : null;
    this.#reduction = reduction;
  }
  forward(input: Tensor, target: Tensor, weights?: Tensor): Tensor {
    requireSameShape("BCELoss", input, target);
    const losses = binaryCrossEntropy(input, target);
    return reduce(this.#weight ? mul(losses, this.#weight.on(input)) : losses, this.#reduction, weights);
  }
}

function binaryCrossEntropy(p: Tensor, t: Tensor): Tensor {
  const y = noGrad(() => neg(add(mul(t, maximum(log(p), -100)), mul(sub(1, t), maximum(log(sub(1, p)), -100)))));
  // PyTorch's own gradient, which does not go through the clamped logarithms; ATen/native/Loss.cpp, EPSILON = 1e-12.
  return record("binaryCrossEntropy", y, [p, t], (g) => [
    () => mul(g, div(sub(p, t), maximum(mul(sub(1, p), p), 1e-12))),
    () => mul(g, sub(maximum(log(sub(1, p)), -100), maximum(log(p), -100))),
  ]);
}

export interface BCEWithLogitsLossOptions extends BCELossOptions {
  readonly pos_weight?: readonly number[] | null | undefined;
}

/** (1 − t)·x + (1 + (pos_weight − 1)·t)·(log(1 + e^−|x|) + max(−x, 0)): BCELoss after Sigmoid, without its overflow. */
export class BCEWithLogitsLoss extends Module {
  readonly #weight: Constant | null;
  readonly #posWeight: Constant | null;
  readonly #reduction: Reduction;
  constructor({ weight, pos_weight, reduction = "mean" }: BCEWithLogitsLossOptions = {}) {
    super();
    this.#weight = weight ? new Constant(weight) : null;
    this.#posWeight = pos_weight ? new Constant(pos_weight) : null;
    this.#reduction = reduction;
  }
  forward(x: Tensor, t: Tensor, weights?: Tensor): Tensor {
    requireSameShape("BCEWithLogitsLoss", x, t);
    const softplus = add(log1p(exp(neg(abs(x)))), maximum(neg(x), 0));
    const positive = this.#posWeight ? mul(softplus, add(mul(t, sub(this.#posWeight.on(x), 1)), 1)) : softplus;
    const losses = add(mul(sub(1, t), x), positive);
    return reduce(this.#weight ? mul(losses, this.#weight.on(x)) : losses, this.#reduction, weights);
  }
}

function checkBinary(output: Shape, target: TargetInfo): Mistake[] {
  const mistakes = checkSameShape(output, target);
  if ((target.min ?? 0) < 0 || (target.max ?? 1) > 1) {
    mistakes.push({ message: `wants targets from 0 to 1, but they reach from ${target.min} to ${target.max}` });
  }
  return mistakes;
}

function checkWeight(field: string, weight: readonly number[] | undefined, output: Shape): Mistake[] {
  const last = output.at(-1) ?? 1;
  if (!weight || weight.length === 1 || weight.length === last) return [];
  return [
    {
      field,
      message: `expects ${last} ${last === 1 ? "number" : "numbers"}, one for each output (in all ${elementCount(output)}), got ${weight.length}`,
    },
  ];
}

export const bceLoss = defineLoss({
  type: "BCELoss",
  summary: "Binary cross entropy of probabilities (end the model with Sigmoid)",
  args: z.strictObject({ weight: weightArg.optional(), reduction: reductionArg }),
  targets: "values",
  threshold: 0.5,
  check(args, output, target, range) {
    const mistakes = [...checkBinary(output, target), ...checkWeight("weight", args.weight, output)];
    if (!range || range[0] < 0 || range[1] > 1) {
      mistakes.push({
        message:
          "wants outputs from 0 to 1, which the last layer does not promise. End the model with Sigmoid, or use BCEWithLogitsLoss",
      });
    }
    return mistakes;
  },
  create: (given) => new BCELoss(given),
});

export const bceWithLogitsLoss = defineLoss({
  type: "BCEWithLogitsLoss",
  summary: "Sigmoid and binary cross entropy in one, on raw outputs",
  args: z.strictObject({ weight: weightArg.optional(), reduction: reductionArg, pos_weight: weightArg.optional() }),
  targets: "values",
  threshold: 0,
  check: (args, output, target) => [
    ...checkBinary(output, target),
    ...checkWeight("weight", args.weight, output),
    ...checkWeight("pos_weight", args.pos_weight, output),
  ],
  create: (given) => new BCEWithLogitsLoss(given),
});
