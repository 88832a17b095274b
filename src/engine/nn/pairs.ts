/** Bilinear, CosineSimilarity and PairwiseDistance: modules of two inputs, for models that a program writes. */
import { abs, add, div, matmul, maximum, mul, permute, pow, reshape, sqrt, square, sub, sum } from "../ops/index.ts";
import { uniformWithin } from "../random.ts";
import type { Tensor } from "../tensor.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/** x₁ᵀ·W·x₂ + b. Shapes: (*, in1), (*, in2) → (*, out). */
export class Bilinear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  constructor(in1Features: number, in2Features: number, outFeatures: number, bias = true) {
    super();
    const init = uniformWithin(1 / Math.sqrt(in1Features));
    this.weight = new Parameter({ shape: [outFeatures, in1Features, in2Features], init });
    this.bias = bias ? new Parameter({ shape: [outFeatures], init }) : null;
  }

  forward(first: Tensor, second: Tensor): Tensor {
    const [outputs = 0, in1 = 0, in2 = 0] = this.weight.shape;
    const leading = first.shape.slice(0, -1);
    const matrix = reshape(permute(this.weight, [1, 0, 2]), [in1, outputs * in2]);
    const rows = reshape(matmul(reshape(first, [-1, in1]), matrix), [...leading, outputs, in2]);
    const y = sum(mul(rows, reshape(second, [...leading, 1, in2])), -1);
    return this.bias ? add(y, this.bias) : y;
  }
}

/** a·b / (max(‖a‖, eps)·max(‖b‖, eps)) along `dim`. */
export class CosineSimilarity extends Module {
  readonly #dim: number;
  readonly #eps: number;

  constructor(dim = 1, eps = 1e-8) {
    super();
    this.#dim = dim;
    this.#eps = eps;
  }

  forward(a: Tensor, b: Tensor): Tensor {
    // Of the squares, so that a vector of zeros has a gradient.
    const length = (x: Tensor): Tensor => sqrt(maximum(sum(square(x), this.#dim), this.#eps ** 2));
    return div(sum(mul(a, b), this.#dim), mul(length(a), length(b)));
  }
}

/** ‖a − b + eps‖ₚ over the last dimension. */
export class PairwiseDistance extends Module {
  readonly #p: number;
  readonly #eps: number;
  readonly #keepdim: boolean;

  constructor(p = 2, eps = 1e-6, keepdim = false) {
    super();
    this.#p = p;
    this.#eps = eps;
    this.#keepdim = keepdim;
  }

  forward(a: Tensor, b: Tensor): Tensor {
    return distance(a, b, this.#p, this.#eps, this.#keepdim);
  }
}

/** ‖a − b + eps‖ₚ over the last dimension. */
export function distance(a: Tensor, b: Tensor, p: number, eps: number, keepdim = false): Tensor {
  const difference = add(sub(a, b), eps);
  if (p === 2) return sqrt(sum(square(difference), -1, keepdim));
  return pow(sum(pow(abs(difference), p), -1, keepdim), 1 / p);
}
