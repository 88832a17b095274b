/** Adafactor (Shazeer & Stern 2018), as torch.optim has it: of a matrix of second moments only the rows' and columns' means are kept. */
import { z } from "zod";
import type { Parameter } from "../nn/parameter.ts";
import { add, div, matmul, maximum, mean, minimum, mul, neg, pow, rsqrt, sqrt, square, sub } from "../ops/index.ts";
import type { Tensor } from "../tensor.ts";
import { assign, ComposedOptimizer } from "./composed.ts";
import { defineOptimizer } from "./optimizer.ts";
import { learningRate, maximize, weightDecay } from "./schema.ts";

/** What PyTorch takes in place of a first eps of null: the distance from 1 to the next float32. */
const FLOAT32_EPSILON = 2 ** -23;

const args = z.strictObject({
  lr: learningRate.default(1e-2),
  beta2_decay: z.number().max(0).default(-0.8).describe("Second moments forget with step^beta2_decay"),
  eps: z
    .tuple([z.number().gt(0).nullable(), z.number().min(0)])
    .default([null, 1e-3])
    .describe("Least second moment, and least size of the weights that a step is measured by"),
  d: z.number().min(1).default(1).describe("Updates larger than this, in the root of their mean square, are cut to it"),
  weight_decay: weightDecay.default(0),
  maximize,
});

export class Adafactor extends ComposedOptimizer {
  protected readonly hyperCount = 1;
  readonly #args: z.output<typeof args>;

  constructor(parameters: readonly Parameter[], options: z.input<typeof args> = {}) {
    const given = args.parse(options);
    super(parameters, [given.lr], { tensors: stateOf });
    this.#args = given;
  }

  protected override compute(
    parameter: Parameter,
    grad: Tensor,
    state: ReadonlyMap<string, Tensor>,
    step: Tensor,
    hyper: (i: number) => Tensor,
  ): void {
    const { beta2_decay, eps, d, weight_decay, maximize } = this.#args;
    const [least, leastSize] = [eps[0] ?? FLOAT32_EPSILON, eps[1]];
    const gradient = maximize ? neg(grad) : grad;
    const rate = minimum(hyper(0), rsqrt(step));
    const alpha = mul(maximum(rootMeanSquare(parameter), leastSize), rate);
    const decayed = weight_decay === 0 ? parameter : mul(parameter, sub(1, mul(hyper(0), weight_decay)));

    const moments = secondMoments(square(gradient), state, pow(step, beta2_decay), least);
    const update = mul(rsqrt(maximum(moments, least ** 2)), gradient);
    const cut = maximum(mul(rootMeanSquare(update), 1 / d), 1);
    assign(parameter, sub(decayed, mul(update, div(alpha, cut))));
  }
}

/** Rows' and columns' means of a matrix (or of several), every element's otherwise. */
function stateOf({ shape }: Parameter): Record<string, { shape: readonly number[]; value: number }> {
  if (shape.length < 2) return { variance: { shape, value: 0 } };
  return {
    row_var: { shape: [...shape.slice(0, -1), 1], value: 0 },
    col_var: { shape: [...shape.slice(0, -2), 1, shape.at(-1) ?? 1], value: 0 },
  };
}

function secondMoments(squares: Tensor, state: ReadonlyMap<string, Tensor>, forget: Tensor, least: number): Tensor {
  const moved = (name: string, towards: Tensor): Tensor => {
    const kept = state.get(name);
    if (!kept) throw new Error(`Adafactor keeps no ${name} for this parameter.`);
    const values = add(kept, mul(sub(towards, kept), forget));
    assign(kept, values);
    return values;
  };
  if (state.has("variance")) return moved("variance", squares);
  const rows = moved("row_var", mean(squares, -1, true));
  const columns = moved("col_var", mean(squares, -2, true));
  return div(matmul(rows, columns), maximum(mean(rows, -2, true), least));
}

const rootMeanSquare = (x: Tensor): Tensor => sqrt(mean(square(x)));

export const adafactor = defineOptimizer({
  type: "Adafactor",
  summary: "Adaptive steps that keep second moments by rows and columns alone",
  args,
  momentumAt: null,
  stateTensors: () => 1,
  create: (parameters, given) => new Adafactor(parameters, given),
});
