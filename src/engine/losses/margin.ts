/** Losses that want the right answer ahead by a margin. */
import { z } from "zod";
import { defineLoss, type Mistake, type TargetInfo } from "../nn/definition.ts";
import { Module } from "../nn/module.ts";
import {
  abs,
  add,
  div,
  eq,
  exp,
  log1p,
  lt,
  maximum,
  minimum,
  mul,
  ne,
  neg,
  pick,
  pow,
  relu,
  reshape,
  sub,
  sum,
  toFloat,
  unpick,
  where,
} from "../ops/index.ts";
import { type Shape, ShapeError, showShape } from "../shape.ts";
import { ones, type Tensor } from "../tensor.ts";
import { Constant } from "./constant.ts";
import { checkClasses } from "./cross-entropy.ts";
import { checkSameShape, type Reduction, reduce, reductionArg, requireSameShape, weightArg } from "./reduction.ts";

export interface ReductionOnly {
  readonly reduction?: Reduction | undefined;
}

/** log(1 + e^−yx), y = ±1 */
export class SoftMarginLoss extends Module {
  readonly #reduction: Reduction;
  constructor({ reduction = "mean" }: ReductionOnly = {}) {
    super();
    this.#reduction = reduction;
  }
  forward(x: Tensor, y: Tensor, weights?: Tensor): Tensor {
    requireSameShape("SoftMarginLoss", x, y);
    return reduce(softplus(neg(mul(x, y))), this.#reduction, weights);
  }
}

/** log(1 + eˣ) without overflow; the tie of maximum gives the right derivative ½ at 0. */
const softplus = (x: Tensor): Tensor => add(maximum(x, 0), log1p(exp(neg(abs(x)))));

const signsOnly = (target: TargetInfo): Mistake[] =>
  (target.min ?? -1) < -1 || (target.max ?? 1) > 1
    ? [{ message: `wants targets of −1 and 1, but they reach from ${target.min} to ${target.max}` }]
    : [];

export const softMarginLoss = defineLoss({
  type: "SoftMarginLoss",
  summary: "Logistic loss of targets −1 and 1",
  args: z.strictObject({ reduction: reductionArg }),
  targets: "values",
  check: (_args, output, target) => [...checkSameShape(output, target), ...signsOnly(target)],
  create: (given) => new SoftMarginLoss(given),
});

export interface HingeOptions extends ReductionOnly {
  readonly margin?: number | undefined;
}

/** y = 1: x; y = −1: max(0, margin − x) */
export class HingeEmbeddingLoss extends Module {
  readonly #margin: number;
  readonly #reduction: Reduction;
  constructor({ margin = 1, reduction = "mean" }: HingeOptions = {}) {
    super();
    this.#margin = margin;
    this.#reduction = reduction;
  }
  forward(x: Tensor, y: Tensor, weights?: Tensor): Tensor {
    requireSameShape("HingeEmbeddingLoss", x, y);
    // As PyTorch adds them: a target that is neither 1 nor −1 counts in both terms.
    const away = where(ne(y, 1), atLeastZero(sub(this.#margin, x)), 0);
    return reduce(add(away, where(ne(y, -1), x, 0)), this.#reduction, weights);
  }
}

/** max(0, x) whose derivative at 0 is 1, as torch.clamp_min has it. */
const atLeastZero = (x: Tensor): Tensor => where(lt(x, 0), 0, x);

export const hingeEmbeddingLoss = defineLoss({
  type: "HingeEmbeddingLoss",
  summary: "Distances: small for targets 1, at least the margin for −1",
  args: z.strictObject({ margin: z.number().default(1), reduction: reductionArg }),
  targets: "values",
  check: (_args, output, target) => [...checkSameShape(output, target), ...signsOnly(target)],
  create: (given) => new HingeEmbeddingLoss(given),
});

export interface MultiMarginOptions extends HingeOptions {
  readonly p?: 1 | 2 | undefined;
  readonly weight?: readonly number[] | null | undefined;
}

/** Σ_{j≠y} w_y·max(0, margin − x_y + x_j)ᵖ / C; input (N, C), target class indices (N). */
export class MultiMarginLoss extends Module {
  readonly #p: number;
  readonly #margin: number;
  readonly #weight: Constant | null;
  readonly #reduction: Reduction;
  constructor({ p = 1, margin = 1, weight, reduction = "mean" }: MultiMarginOptions = {}) {
    super();
    this.#p = p;
    this.#margin = margin;
    this.#weight = weight ? new Constant(weight) : null;
    this.#reduction = reduction;
  }
  forward(input: Tensor, target: Tensor, weights?: Tensor): Tensor {
    const [x, rows, classes] = asRows("MultiMarginLoss", input);
    const index = reshape(target, [rows]);
    const right = reshape(pick(x, index, NONE), [rows, 1]);
    const wrong = sub(1, unpick(ones([rows], { device: x.device }), index, classes, NONE));
    const short = mul(relu(add(sub(x, right), this.#margin)), wrong);
    const losses = div(sum(this.#p === 2 ? pow(short, 2) : short, 1), classes);
    const weighted = this.#weight ? mul(losses, weightsOf(this.#weight, index, x, rows)) : losses;
    return reduce(input.rank === 1 ? reshape(weighted, []) : weighted, this.#reduction, weights);
  }
}

/** No class has this index, so nothing is ignored. */
const NONE = -1;

function asRows(loss: string, input: Tensor): [Tensor, number, number] {
  if (input.rank === 1) return [reshape(input, [1, input.size]), 1, input.size];
  const [rows, classes] = input.shape;
  if (input.rank !== 2 || rows === undefined || classes === undefined) {
    throw new ShapeError(`${loss}: the input must be (N, C) or (C), got ${showShape(input.shape)}.`);
  }
  return [input, rows, classes];
}

const weightsOf = (weight: Constant, index: Tensor, beside: Tensor, rows: number): Tensor =>
  pick(mul(ones([rows, 1], { device: beside.device }), weight.on(beside)), index, NONE);

export const multiMarginLoss = defineLoss({
  type: "MultiMarginLoss",
  summary: "Hinge loss over classes",
  args: z.strictObject({
    p: z.union([z.literal(1), z.literal(2)]).default(1),
    margin: z.number().default(1),
    weight: weightArg.optional(),
    reduction: reductionArg,
  }),
  targets: "index",
  check: (args, output, target) => checkClasses(output, target, args.weight),
  create: (given) => new MultiMarginLoss(given),
});

export interface MultiLabelSoftMarginOptions extends ReductionOnly {
  readonly weight?: readonly number[] | null | undefined;
}

/** Binary cross entropy of raw outputs, averaged over the labels of each sample: −y·log σ(x) − (1 − y)·log σ(−x). */
export class MultiLabelSoftMarginLoss extends Module {
  readonly #weight: Constant | null;
  readonly #reduction: Reduction;
  constructor({ weight, reduction = "mean" }: MultiLabelSoftMarginOptions = {}) {
    super();
    this.#weight = weight ? new Constant(weight) : null;
    this.#reduction = reduction;
  }
  forward(x: Tensor, target: Tensor, weights?: Tensor): Tensor {
    requireSameShape("MultiLabelSoftMarginLoss", x, target);
    const y = toFloat(target);
    const terms = neg(add(mul(y, logSigmoid(x)), mul(sub(1, y), logSigmoid(neg(x)))));
    const weighted = this.#weight ? mul(terms, this.#weight.on(x)) : terms;
    return reduce(div(sum(weighted, -1), x.shape.at(-1) ?? 1), this.#reduction, weights);
  }
}

const logSigmoid = (x: Tensor): Tensor => sub(minimum(x, 0), log1p(exp(neg(abs(x)))));

export const multiLabelSoftMarginLoss = defineLoss({
  type: "MultiLabelSoftMarginLoss",
  summary: "Binary cross entropy of several labels at once, on raw outputs",
  args: z.strictObject({ weight: weightArg.optional(), reduction: reductionArg }),
  targets: "values",
  threshold: 0,
  check: (_args, output, target) => checkSameShape(output, target),
  create: (given) => new MultiLabelSoftMarginLoss(given),
});

/** Σ_j Σ_{i not a target} max(0, 1 − (x_j − x_i)) / C over targets j; each row of targets ends at its first −1. */
export class MultiLabelMarginLoss extends Module {
  readonly #reduction: Reduction;
  #constants: LabelConstants | null = null;
  constructor({ reduction = "mean" }: ReductionOnly = {}) {
    super();
    this.#reduction = reduction;
  }
  forward(input: Tensor, target: Tensor, weights?: Tensor): Tensor {
    const [x, rows, classes] = asRows("MultiLabelMarginLoss", input);
    if (this.#constants?.classes !== classes) this.#constants = labelConstants(classes);
    const { named, counts } = labelTable(target, rows, this.#constants, x);
    const isTarget = minimum(sum(named, 1), 1);
    const ofTarget = sum(mul(named, reshape(x, [rows, 1, classes])), 2, true);
    const short = relu(add(sub(reshape(x, [rows, 1, classes]), ofTarget), 1));
    const counted = mul(mul(short, reshape(sub(1, isTarget), [rows, 1, classes])), counts);
    const losses = div(sum(counted, [1, 2]), classes);
    return reduce(input.rank === 1 ? reshape(losses, []) : losses, this.#reduction, weights);
  }
}

interface LabelConstants {
  readonly classes: number;
  /** 0, 1, … */
  readonly numbers: Constant;
  /** Lower triangle of ones: times a column, it gives running sums. */
  readonly upTo: Constant;
}

const labelConstants = (classes: number): LabelConstants => ({
  classes,
  numbers: new Constant(Array.from({ length: classes }, (_, c) => c)),
  upTo: new Constant(Array.from({ length: classes ** 2 }, (_, i) => (i % classes <= Math.floor(i / classes) ? 1 : 0))),
});

/** named[n, k, c]: label k of row n is class c; counts[n, k, 1]: it stands before the row's first −1. */
function labelTable(target: Tensor, rows: number, { classes, numbers, upTo }: LabelConstants, beside: Tensor) {
  const labels = reshape(toFloat(target), [rows, classes, 1]);
  const ended = reshape(upTo.on(beside), [classes, classes]).matmul(lt(labels, 0));
  const counts = eq(ended, 0);
  return { named: mul(eq(labels, numbers.on(beside)), counts), counts };
}

export const multiLabelMarginLoss = defineLoss({
  type: "MultiLabelMarginLoss",
  summary: "Hinge loss of several labels at once; each row of targets lists class indices and ends with −1",
  args: z.strictObject({ reduction: reductionArg }),
  targets: "values",
  check(_args, output: Shape, target: TargetInfo) {
    const mistakes = checkSameShape(output, target);
    const classes = output.at(-1) ?? 1;
    if ((target.max ?? 0) >= classes || (target.min ?? 0) < -1) {
      mistakes.push({
        message: `wants class indices 0 … ${classes - 1} and −1 as targets, but they reach from ${target.min} to ${target.max}`,
      });
    }
    return mistakes;
  },
  create: (given) => new MultiLabelMarginLoss(given),
});
