/** CrossEntropyLoss (on raw outputs) and NLLLoss (on log-probabilities), with classes in dimension 1. */
import { z } from "zod";
import { defineLoss, type LossDefinition, type Mistake, type TargetInfo } from "../nn/definition.ts";
import { Module } from "../nn/module.ts";
import { add, div, logSoftmax, mul, ne, neg, permute, pick, reshape, sum, toFloat } from "../ops/index.ts";
import { type Shape, ShapeError, sameShape, showShape } from "../shape.ts";
import { ones, type Tensor } from "../tensor.ts";
import { Constant } from "./constant.ts";
import { atLeastTiny, type Reduction, reduce, reductionArg, weightArg } from "./reduction.ts";

export interface NLLLossOptions {
  readonly weight?: readonly number[] | null | undefined;
  readonly ignore_index?: number | undefined;
  readonly reduction?: Reduction | undefined;
}

export interface CrossEntropyLossOptions extends NLLLossOptions {
  readonly label_smoothing?: number | undefined;
}

interface Settings {
  readonly weight: Constant | null;
  readonly ignore: number;
  readonly reduction: Reduction;
}

const settings = ({ weight, ignore_index = -100, reduction = "mean" }: NLLLossOptions): Settings => ({
  weight: weight ? new Constant(weight) : null,
  ignore: ignore_index,
  reduction,
});

/**
 * −weight[y]·logp[y]; input (N, C) or (N, C, d…) of log-probabilities, target int32 (N) or (N, d…).
 * The mean divides by the weights of the targets that count, so ignored ones weigh nothing.
 */
export class NLLLoss extends Module {
  readonly #settings: Settings;
  constructor(options: NLLLossOptions = {}) {
    super();
    this.#settings = settings(options);
  }
  forward(input: Tensor, target: Tensor, weights?: Tensor): Tensor {
    return indexLoss("NLLLoss", input, target, this.#settings, 0, weights);
  }
}

/** NLLLoss of logSoftmax; a float target of the input's shape gives the classes' probabilities instead of an index. */
export class CrossEntropyLoss extends Module {
  readonly #settings: Settings;
  readonly #smoothing: number;
  constructor(options: CrossEntropyLossOptions = {}) {
    super();
    this.#settings = settings(options);
    this.#smoothing = options.label_smoothing ?? 0;
  }
  forward(input: Tensor, target: Tensor, weights?: Tensor): Tensor {
    const classDim = input.rank > 1 ? 1 : 0;
    const logp = logSoftmax(input, classDim);
    if (target.dtype === "float32" && sameShape(target.shape, input.shape)) {
      return probabilityLoss(logp, target, this.#settings, this.#smoothing, weights);
    }
    return indexLoss("CrossEntropyLoss", logp, target, this.#settings, this.#smoothing, weights);
  }
}

/** (N, C, d…) → (N·d…, C): one row of log-probabilities for each target. */
function rowsOf(x: Tensor): Tensor {
  if (x.rank <= 1) return reshape(x, [1, x.size]);
  const classes = x.shape[1] ?? 1;
  if (x.rank === 2) return x;
  return reshape(permute(x, [0, ...[...x.shape.keys()].slice(2), 1]), [-1, classes]);
}

function indexLoss(
  name: string,
  logp: Tensor,
  target: Tensor,
  { weight, ignore, reduction }: Settings,
  smoothing: number,
  weights?: Tensor,
): Tensor {
  const rows = rowsOf(logp);
  const [count = 0, classes = 0] = rows.shape;
  if (target.dtype !== "int32" || target.size !== count) {
    throw new ShapeError(
      `${name}: the target must be int32 class indices, one for each of the ${count} rows of ${showShape(logp.shape)}; got ${target.dtype} ${showShape(target.shape)}.`,
    );
  }
  const index = reshape(target, [count]);
  const counts = ne(toFloat(index), ignore);
  const weightOf = weight
    ? pick(mul(ones([count, 1], { device: logp.device }), weight.on(logp)), index, ignore)
    : counts;
  let losses = neg(pick(rows, index, ignore));
  if (weight) losses = mul(losses, weightOf);
  if (smoothing > 0) {
    // (1 − ε)·nll + ε/C·Σ_c −w_c·logp_c
    const uniform = mul(sum(weight ? mul(rows, weight.on(logp)) : rows, 1), counts);
    losses = add(mul(losses, 1 - smoothing), mul(uniform, -smoothing / classes));
  }
  if (reduction === "none") return reduce(reshape(losses, target.shape), reduction, weights);
  if (!weights) return reduction === "sum" ? sum(losses) : div(sum(losses), sum(weightOf));
  const ofSamples = reduce(reshape(losses, target.shape), "sum", weights);
  return reduction === "sum"
    ? ofSamples
    : div(ofSamples, atLeastTiny(reduce(reshape(weightOf, target.shape), "sum", weights)));
}

/** Σ_c −w_c·t_c·logp_c with t smoothed toward uniform; the mean divides by the number of rows, not by weights. */
function probabilityLoss(
  logp: Tensor,
  target: Tensor,
  { weight, reduction }: Settings,
  smoothing: number,
  weights?: Tensor,
): Tensor {
  const rows = rowsOf(logp);
  const [count = 1, classes = 1] = rows.shape;
  const wanted = rowsOf(target);
  const smoothed = smoothing > 0 ? add(mul(wanted, 1 - smoothing), smoothing / classes) : wanted;
  const weighted = weight ? mul(rows, weight.on(logp)) : rows;
  const losses = neg(sum(mul(smoothed, weighted), 1));
  if (!weights && reduction !== "none") return reduction === "sum" ? sum(losses) : div(sum(losses), count);
  return reduce(reshape(losses, [logp.shape[0] ?? 1, ...logp.shape.slice(2)]), reduction, weights);
}

/** One output for each class, and no class beyond them. */
export function checkClasses(output: Shape, target: TargetInfo, weight: readonly number[] | undefined): Mistake[] {
  const classes = output[0];
  if (classes === undefined)
    return [{ message: "wants one output for each class, but the last layer gives a single number" }];
  const mistakes: Mistake[] = [];
  if (target.kind === "index") {
    const places = output.slice(1);
    if (!sameShape(target.shape, places)) {
      const wanted =
        places.length === 0
          ? "one class index or label per row"
          : `class indices of shape ${showShape(places)} per row`;
      mistakes.push({
        message: `wants ${wanted} beside outputs ${showShape(output)}, got ${target.shape.length === 0 ? "one class index" : `targets of shape ${showShape(target.shape)}`}`,
      });
    }
    if (target.max !== undefined && target.max >= classes) {
      mistakes.push({
        message: `the last layer has ${classes} ${classes === 1 ? "output" : "outputs"}, so classes are 0 … ${classes - 1}, but the targets reach ${target.max}. Give it ${target.max + 1} outputs`,
      });
    }
  } else if (!sameShape(target.shape, output)) {
    mistakes.push({
      message: `takes class indices, or probabilities in the output's shape ${showShape(output)}; got values of shape ${showShape(target.shape)}`,
    });
  }
  if (weight && weight.length !== classes) {
    mistakes.push({ field: "weight", message: `expects ${classes} numbers, one for each class, got ${weight.length}` });
  }
  return mistakes;
}

const ignoreIndex = z.int().default(-100).describe("Targets with this index count for nothing");

export const crossEntropyLoss: LossDefinition = defineLoss({
  type: "CrossEntropyLoss",
  summary: "Log-softmax and negative log-likelihood in one, on raw outputs; targets are class indices",
  args: z.strictObject({
    weight: weightArg.optional(),
    ignore_index: ignoreIndex,
    reduction: reductionArg,
    label_smoothing: z.number().min(0).max(1).default(0),
  }),
  targets: "index",
  check: (args, output, target) => checkClasses(output, target, args.weight),
  create: (given) => new CrossEntropyLoss(given),
});

export const nllLoss: LossDefinition = defineLoss({
  type: "NLLLoss",
  summary: "Negative log-likelihood of log-probabilities (end the model with LogSoftmax)",
  args: z.strictObject({ weight: weightArg.optional(), ignore_index: ignoreIndex, reduction: reductionArg }),
  targets: "index",
  check(args, output, target, range) {
    const mistakes = checkClasses(output, target, args.weight);
    if (!range || range[1] > 0) {
      mistakes.push({
        message:
          "wants log-probabilities, which the last layer does not promise. End the model with LogSoftmax, or use CrossEntropyLoss",
      });
    }
    return mistakes;
  },
  create: (given) => new NLLLoss(given),
});
