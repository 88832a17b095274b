/**
 * Muon (Jordan et al. 2024), as torch.optim has it but in float32, where PyTorch computes in bfloat16: the momentum of a
 * matrix, made orthogonal by Newton–Schulz iteration.
 */
import { z } from "zod";
import type { Parameter } from "../nn/parameter.ts";
import { add, div, matmul, maximum, mul, neg, sqrt, square, sub, sum, transpose } from "../ops/index.ts";
import { ShapeError, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { assign, ComposedOptimizer } from "./composed.ts";
import { defineOptimizer } from "./optimizer.ts";
import { learningRate, maximize, weightDecay } from "./schema.ts";

const args = z.strictObject({
  lr: learningRate.default(1e-3),
  weight_decay: weightDecay.default(0.1),
  momentum: z.number().min(0).max(1).default(0.95),
  nesterov: z.boolean().default(true).describe("Look ahead along the momentum"),
  ns_coefficients: z
    .tuple([z.number(), z.number(), z.number()])
    .default([3.4445, -4.775, 2.0315])
    .describe("Of the iteration a·X + (b·A + c·A²)·X, A = X·Xᵀ"),
  eps: z.number().gt(0).default(1e-7).describe("Least length that a matrix is divided by"),
  ns_steps: z.int().min(1).max(99).default(5).describe("Iterations"),
  adjust_lr_fn: z
    .enum(["original", "match_rms_adamw"])
    .nullable()
    .default(null)
    .describe("How the rate follows the matrix's size: √max(1, rows/columns), or 0.2·√max(rows, columns)"),
  maximize,
});

const isMatrix = (shape: readonly number[]): boolean => shape.length === 2;

export class Muon extends ComposedOptimizer {
  protected readonly hyperCount = 2;
  readonly #args: z.output<typeof args>;

  constructor(parameters: readonly Parameter[], options: z.input<typeof args> = {}) {
    const given = args.parse(options);
    const other = parameters.find(({ shape }) => !isMatrix(shape));
    if (other) throw new ShapeError(`Muon takes matrices alone, got a parameter of shape ${showShape(other.shape)}.`);
    super(parameters, [given.lr, given.momentum], { tensors: { momentum_buffer: 0 } });
    this.#args = given;
  }

  protected override compute(
    parameter: Parameter,
    grad: Tensor,
    state: ReadonlyMap<string, Tensor>,
    _step: Tensor,
    hyper: (i: number) => Tensor,
  ): void {
    const { weight_decay, nesterov, maximize } = this.#args;
    const [lr, momentum] = [hyper(0), hyper(1)];
    const gradient = maximize ? neg(grad) : grad;
    const kept = state.get("momentum_buffer") ?? gradient;
    const buffer = add(gradient, mul(sub(kept, gradient), momentum));
    assign(kept, buffer);
    const direction = nesterov ? add(gradient, mul(sub(buffer, gradient), momentum)) : buffer;
    const step = mul(this.#orthogonal(direction), mul(lr, this.#factor(parameter.shape)));
    assign(parameter, sub(mul(parameter, sub(1, mul(lr, weight_decay))), step));
  }

  #orthogonal(matrix: Tensor): Tensor {
    const { ns_coefficients, ns_steps, eps } = this.#args;
    const [a, b, c] = ns_coefficients;
    const [rows = 1, columns = 1] = matrix.shape;
    const isTall = rows > columns;
    let x = isTall ? transpose(matrix, 0, 1) : matrix;
    x = div(x, maximum(sqrt(sum(square(x))), eps));
    for (let i = 0; i < ns_steps; i++) {
      const gram = matmul(x, x, false, true);
      const update = add(mul(gram, b), mul(matmul(gram, gram), c));
      x = add(mul(x, a), matmul(update, x));
    }
    return isTall ? transpose(x, 0, 1) : x;
  }

  #factor([rows = 1, columns = 1]: readonly number[]): number {
    if (this.#args.adjust_lr_fn === "match_rms_adamw") return 0.2 * Math.sqrt(Math.max(rows, columns));
    return Math.sqrt(Math.max(1, rows / columns));
  }
}

export const muon = defineOptimizer({
  type: "Muon",
  summary: "Orthogonalised momentum, for models whose weights are all matrices (layers without biases)",
  args,
  momentumAt: 1,
  takes: isMatrix,
  stateTensors: () => 1,
  create: (parameters, given) => new Muon(parameters, given),
});
