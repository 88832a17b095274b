/** Losses that compare two or three outputs. They take more inputs than a job's model gives, so they are the library's. */
import { Module } from "../nn/module.ts";
import { distance } from "../nn/pairs.ts";
import { add, div, eq, lt, maximum, mul, neg, relu, sqrt, square, sub, sum, toFloat, where } from "../ops/index.ts";
import type { Tensor } from "../tensor.ts";
import { type Reduction, reduce } from "./reduction.ts";

interface Options {
  readonly margin?: number | undefined;
  readonly reduction?: Reduction | undefined;
}

/** cos(a, b); y = 1: 1 − cos, y = −1: max(0, cos − margin). Squared norms are raised by 1e-12, as PyTorch does. */
export class CosineEmbeddingLoss extends Module {
  readonly #margin: number;
  readonly #reduction: Reduction;
  constructor({ margin = 0, reduction = "mean" }: Options = {}) {
    super();
    this.#margin = margin;
    this.#reduction = reduction;
  }
  forward(a: Tensor, b: Tensor, y: Tensor): Tensor {
    const squares = (x: Tensor): Tensor => add(sum(square(x), -1), 1e-12);
    const cosine = div(sum(mul(a, b), -1), sqrt(mul(squares(a), squares(b))));
    const apart = sub(cosine, this.#margin);
    const losses = add(where(eq(y, 1), sub(1, cosine), 0), where(eq(y, -1), where(lt(apart, 0), 0, apart), 0));
    return reduce(losses, this.#reduction);
  }
}

/** max(0, −y·(a − b) + margin) */
export class MarginRankingLoss extends Module {
  readonly #margin: number;
  readonly #reduction: Reduction;
  constructor({ margin = 0, reduction = "mean" }: Options = {}) {
    super();
    this.#margin = margin;
    this.#reduction = reduction;
  }
  forward(a: Tensor, b: Tensor, y: Tensor): Tensor {
    const short = add(neg(mul(toFloat(y), sub(a, b))), this.#margin);
    return reduce(where(lt(short, 0), 0, short), this.#reduction);
  }
}

export interface TripletMarginOptions extends Options {
  readonly p?: number | undefined;
  readonly eps?: number | undefined;
  readonly swap?: boolean | undefined;
}

/** max(0, d(a, p) − d(a, n) + margin), d(x, y) = ‖x − y + eps‖ₚ; `swap` takes the closer of d(a, n) and d(p, n). */
export class TripletMarginLoss extends Module {
  readonly #options: Required<Omit<TripletMarginOptions, "p">> & { p: number };
  constructor({ margin = 1, p = 2, eps = 1e-6, swap = false, reduction = "mean" }: TripletMarginOptions = {}) {
    super();
    if (!(margin > 0)) throw new RangeError(`TripletMarginLoss: margin must be above 0, got ${margin}.`);
    this.#options = { margin, p, eps, swap, reduction };
  }
  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { margin, swap, reduction } = this.#options;
    const near = this.#distance(anchor, positive);
    const far = this.#distance(anchor, negative);
    const other = swap ? neg(maximum(neg(far), neg(this.#distance(positive, negative)))) : far;
    return reduce(relu(add(sub(near, other), margin ?? 1)), reduction ?? "mean");
  }
  #distance(x: Tensor, y: Tensor): Tensor {
    const { p, eps } = this.#options;
    return distance(x, y, p, eps ?? 1e-6);
  }
}
