/**
 * CTCLoss (Graves et al., "Connectionist temporal classification", 2006): labels without places in time. The likelihood is
 * summed over all ways to stretch the labels over the steps, with blanks between them.
 */
import { z } from "zod";
import { isGradEnabled, noGrad } from "../autograd.ts";
import { defineLoss, type Mistake } from "../nn/definition.ts";
import { Module } from "../nn/module.ts";
import {
  add,
  amax,
  concat,
  constantPad,
  div,
  eq,
  exp,
  expand,
  gatherAlong,
  gt,
  log,
  lt,
  maximum,
  mul,
  ne,
  permute,
  reshape,
  scatterAlong,
  slice,
  stack,
  sub,
  sum,
  toFloat,
  toInt,
  where,
} from "../ops/index.ts";
import { record } from "../ops/op.ts";
import { ShapeError, showShape } from "../shape.ts";
import { full, type Tensor } from "../tensor.ts";
import { Constant } from "./constant.ts";
import { type Reduction, reduce, reductionArg } from "./reduction.ts";

export interface CTCLossOptions {
  /** The class that stands for no label. */
  readonly blank?: number | undefined;
  readonly reduction?: Reduction | undefined;
  /** Count samples whose labels don't fit into their steps as 0 rather than infinite. */
  readonly zero_infinity?: boolean | undefined;
}

/** Takes the place of log 0: exp gives 0, and no difference of two of them is NaN. */
const NEVER = -1e30;

/**
 * −log p(labels), with PyTorch's gradient: that of log-probabilities that come from logSoftmax, exp(logp) added to what each
 * gets, which logSoftmax takes away again. The mean divides each sample's loss by its number of labels first.
 */
export class CTCLoss extends Module {
  readonly #blank: number;
  readonly #reduction: Reduction;
  readonly #zeroInfinity: boolean;
  #constants: PathConstants | null = null;

  constructor({ blank = 0, reduction = "mean", zero_infinity = false }: CTCLossOptions = {}) {
    super();
    this.#blank = blank;
    this.#reduction = reduction;
    this.#zeroInfinity = zero_infinity;
  }

  /**
   * Shapes: logProbs (T, N, C), labels (N, S) with class indices in front, inputLengths and labelLengths (N): how many steps
   * and labels of each sample count. Whole numbers may be int32 or float32.
   */
  forward(logProbs: Tensor, labels: Tensor, inputLengths: Tensor, labelLengths: Tensor, weights?: Tensor): Tensor {
    const [, batch = 0, classes = 0] = logProbs.shape;
    const [rows = 0, most = 0] = labels.shape;
    if (logProbs.rank !== 3 || labels.rank !== 2 || rows !== batch || this.#blank >= classes) {
      throw new ShapeError(
        `CTCLoss takes log-probabilities (T, N, C) with C above the blank ${this.#blank}, and labels (N, S); got ${showShape(logProbs.shape)} and ${showShape(labels.shape)}.`,
      );
    }
    if (this.#constants?.most !== most) this.#constants = pathConstants(most);
    const counts = reshape(toFloat(labelLengths), [batch, 1]);
    const counted = lt(this.#constants.numbers.on(logProbs), counts);
    const known = where(counted, toFloat(labels), this.#blank);
    const paths = pathsOf(known, counts, reshape(toFloat(inputLengths), [batch, 1]), this.#blank, this.#constants);
    const likelihood = pathLikelihood(logProbs, paths);
    const possible = gt(likelihood, NEVER / 2);
    const losses = where(possible, mul(likelihood, -1), this.#zeroInfinity ? 0 : Number.POSITIVE_INFINITY);
    const lengths = maximum(reshape(counts, [batch]), 1);
    return reduce(this.#reduction === "mean" ? div(losses, lengths) : losses, this.#reduction, weights);
  }
}

interface PathConstants {
  /** Most labels of a sample. */
  readonly most: number;
  /** 0, 1, … for each label. */
  readonly numbers: Constant;
  /** 0, 1, … for each place of a path: blank, label, blank, label, …, blank. */
  readonly places: Constant;
  /** A path begins with the first blank or the first label: 0 there, and log 0 elsewhere. */
  readonly start: Constant;
}

const pathConstants = (most: number): PathConstants => ({
  most,
  numbers: new Constant(Array.from({ length: most }, (_, i) => i)),
  places: new Constant(Array.from({ length: 2 * most + 1 }, (_, i) => i)),
  start: new Constant(Array.from({ length: 2 * most + 1 }, (_, i) => (i < 2 ? 0 : NEVER))),
});

/** What ways there are through a sample's places, L = 2S + 1 of them. All without gradient. */
interface Paths {
  /** int32 (N, L): the class of each place. */
  readonly classes: Tensor;
  /** (N, L): 0 where a path may leave out the blank before this place, log 0 where not. */
  readonly skip: Tensor;
  /** (L): 0 where a path may begin, log 0 elsewhere. */
  readonly start: Tensor;
  /** (N, L): 0 where a path may end, log 0 elsewhere. */
  readonly end: Tensor;
  /** (N, 1): steps that count. */
  readonly steps: Tensor;
}

function pathsOf(labels: Tensor, counts: Tensor, steps: Tensor, blank: number, constants: PathConstants): Paths {
  const [batch = 0, most = 0] = labels.shape;
  const blanks = full([batch, most + 1], blank, { device: labels.device });
  const pairs = reshape(stack([slice(blanks, 1, 0, most), labels], 2), [batch, 2 * most]);
  const classes = concat([pairs, slice(blanks, 1, most, most + 1)], 1);
  const places = constants.places.on(labels);
  const last = mul(counts, 2);
  const end = add(eq(places, last), eq(places, sub(last, 1)));
  return {
    classes: toInt(classes),
    skip: where(ne(classes, shifted(classes, 2, blank)), 0, NEVER),
    start: constants.start.on(labels),
    end: where(end, 0, NEVER),
    steps,
  };
}

/** log p (N), differentiable as often as one likes; what PyTorch's gradient has more is in it too. */
function pathLikelihood(logProbs: Tensor, paths: Paths): Tensor {
  const found = noGrad(() => forwardVariables(logProbs, paths));
  return record("ctc", found.likelihood, [logProbs], (g) => [
    () => {
      // Where the gradient is to be differentiated again, what it is made of must be known.
      const forward = isGradEnabled() ? forwardVariables(logProbs, paths) : found;
      const share = sub(occupancy(logProbs, forward, paths), probabilities(logProbs, paths));
      return mul(reshape(g, [1, g.size, 1]), share);
    },
  ]);
}

/** exp(logp) of the steps that count. */
function probabilities(logProbs: Tensor, { steps }: Paths): Tensor {
  const [length = 0, batch = 0] = logProbs.shape;
  const counted = stack(
    Array.from({ length }, (_, t) => gt(steps, t)),
    0,
  );
  return mul(exp(logProbs), reshape(counted, [length, batch, 1]));
}

interface ForwardVariables {
  /** (N) */
  readonly likelihood: Tensor;
  /** For each step, (N, L): the sum over all beginnings of paths that are at that place then. */
  readonly alphas: readonly Tensor[];
}

function forwardVariables(logProbs: Tensor, paths: Paths): ForwardVariables {
  const emitted = emissions(logProbs, paths);
  const alphas: Tensor[] = [];
  let alpha = add(emitted(0), paths.start);
  for (let t = 0; t < (logProbs.shape[0] ?? 0); t++) {
    if (t > 0) {
      const ways = [alpha, shifted(alpha, 1, NEVER), add(shifted(alpha, 2, NEVER), paths.skip)];
      alpha = where(gt(paths.steps, t), add(logSumExp(ways), emitted(t)), alpha);
    }
    alphas.push(alpha);
  }
  return { likelihood: logSumOver(add(alpha, paths.end)), alphas };
}

/** p(class at step | labels), (T, N, C): from what comes before each step and what comes after it. */
function occupancy(logProbs: Tensor, { likelihood, alphas }: ForwardVariables, paths: Paths): Tensor {
  const [length = 0, batch = 0, classes = 0] = logProbs.shape;
  const emitted = emissions(logProbs, paths);
  const whole = reshape(likelihood, [batch, 1]);
  const shares: Tensor[] = [];
  let beta = paths.end;
  alphas.toReversed().forEach((alpha, back) => {
    const t = length - 1 - back;
    if (back > 0) {
      const next = add(beta, emitted(t + 1));
      const ways = [next, shifted(next, -1, NEVER), shifted(add(next, paths.skip), -2, NEVER)];
      beta = where(gt(paths.steps, t + 1), logSumExp(ways), paths.end);
    }
    shares.push(mul(exp(sub(add(alpha, beta), whole)), gt(paths.steps, t)));
  });
  return scatterAlong(stack(shares.toReversed(), 0), everyStep(paths, length), classes);
}

/** log-probabilities (N, L) of the places' classes at a step. */
function emissions(logProbs: Tensor, paths: Paths): (t: number) => Tensor {
  const [length = 0] = logProbs.shape;
  const found = gatherAlong(logProbs, everyStep(paths, length));
  return (t) => reshape(slice(found, 0, t, t + 1), paths.classes.shape);
}

const everyStep = ({ classes }: Paths, length: number): Tensor =>
  expand(reshape(classes, [1, ...classes.shape]), [length, ...classes.shape]);

/** Moved along the last dimension by so many places, `fill` coming after. */
const shifted = (x: Tensor, by: number, fill: number): Tensor => constantPad(x, [[by, -by]], fill);

/** log Σ exp of tensors of one shape. The largest is taken out, which changes nothing, so its gradient is none. */
function logSumExp(terms: readonly Tensor[]): Tensor {
  const largest = noGrad(() => terms.reduce(maximum));
  return add(log(terms.map((term) => exp(sub(term, largest))).reduce(add)), largest);
}

/** The same along the last dimension. */
function logSumOver(x: Tensor): Tensor {
  const largest = noGrad(() => amax(x, -1, true));
  return add(log(sum(exp(sub(x, largest)), -1)), reshape(largest, [largest.size]));
}

/** CTCLoss as a job has it: outputs (N, T, C), and each sample's labels in a row that −1 fills up. */
class PaddedCTCLoss extends Module {
  readonly #loss: CTCLoss;
  readonly #lengthsGiven: boolean;
  #upTo: Constant | null = null;

  constructor(options: CTCLossOptions, lengthsGiven: boolean) {
    super();
    this.#loss = new CTCLoss(options);
    this.#lengthsGiven = lengthsGiven;
  }

  forward(output: Tensor, target: Tensor, weights?: Tensor): Tensor {
    const [batch = 0, steps = 0] = output.shape;
    const width = target.shape[1] ?? 0;
    const labels = this.#lengthsGiven ? slice(target, 1, 1, width) : target;
    const inputLengths = this.#lengthsGiven
      ? reshape(slice(target, 1, 0, 1), [batch])
      : full([batch], steps, { device: output.device });
    return this.#loss.forward(permute(output, [1, 0, 2]), labels, inputLengths, this.#lengths(labels), weights);
  }

  /** Labels before the first −1. */
  #lengths(labels: Tensor): Tensor {
    const most = labels.shape[1] ?? 0;
    const isLater = (i: number): number => (Math.floor(i / most) <= i % most ? 1 : 0);
    this.#upTo ??= new Constant(Array.from({ length: most ** 2 }, (_, i) => isLater(i)));
    const ended = lt(labels, 0).matmul(reshape(this.#upTo.on(labels), [most, most]));
    return sum(eq(ended, 0), 1);
  }
}

export const ctcLoss = defineLoss({
  type: "CTCLoss",
  summary:
    "Labels of a sequence without their places; outputs [steps, classes] are log-probabilities (end the model with LogSoftmax), each row of targets lists labels and is filled up with −1",
  args: z.strictObject({
    blank: z.int().min(0).default(0).describe("The class that stands for no label"),
    reduction: reductionArg.describe("Mean over samples of the loss by label, or sum over samples"),
    zero_infinity: z.boolean().default(false).describe("Count samples whose labels don't fit into the steps as 0"),
    input_lengths: z
      .boolean()
      .default(false)
      .describe("Each row of targets begins with the number of steps that count in its sample"),
  }),
  targets: "values",
  compares: false,
  check(args, output, target, range) {
    const [steps, classes] = output;
    if (output.length !== 2 || steps === undefined || classes === undefined) {
      return [{ message: `wants outputs of shape [steps, classes], but the last layer gives ${showShape(output)}` }];
    }
    const mistakes: Mistake[] = [];
    if (!range || range[1] > 0) {
      mistakes.push({
        message: "wants log-probabilities, which the last layer does not promise. End the model with LogSoftmax",
      });
    }
    if (args.blank >= classes) {
      mistakes.push({ field: "blank", message: `expects one of the classes 0 … ${classes - 1}, got ${args.blank}` });
    }
    const least = args.input_lengths ? 2 : 1;
    if (target.kind !== "values" || target.shape.length !== 1 || (target.shape[0] ?? 0) < least) {
      const row = args.input_lengths ? "a number of steps, then labels" : "labels";
      mistakes.push({
        message: `wants one row of targets for each sample (${row}, filled up with −1), got ${showShape(target.shape)}`,
      });
    }
    const most = args.input_lengths ? Math.max(classes - 1, steps) : classes - 1;
    if ((target.max ?? 0) > most || (target.min ?? 0) < -1) {
      mistakes.push({
        message: `wants labels 0 … ${classes - 1} and −1 as targets, but they reach from ${target.min} to ${target.max}`,
      });
    }
    return mistakes;
  },
  create: ({ input_lengths, ...options }) => new PaddedCTCLoss(options, input_lengths),
});
