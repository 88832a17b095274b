/**
 * CTCLoss (Graves et al., "Connectionist temporal classification", 2006): labels without places in time. The likelihood is
 * summed over all ways to stretch the labels over the steps, with blanks between them.
 */
import { isGradEnabled, noGrad } from "../autograd.ts";
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
import { type Reduction, reduce } from "./reduction.ts";

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
