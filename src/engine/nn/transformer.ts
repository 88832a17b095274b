/** TransformerEncoderLayer: self-attention and a feed-forward network, each with a residual and a LayerNorm. */
import { add, erf, mul, relu } from "../ops/index.ts";
import type { Tensor } from "../tensor.ts";
import { type Masks, MultiheadAttention } from "./attention.ts";
import { Dropout } from "./dropout.ts";
import { LayerNorm } from "./layer-norm.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";

export interface TransformerOptions {
  readonly dimFeedforward?: number;
  readonly dropout?: number;
  readonly activation?: "relu" | "gelu";
  readonly layerNormEps?: number;
  readonly batchFirst?: boolean;
  /** Normalise before attention and feed-forward rather than after their residuals. */
  readonly normFirst?: boolean;
  readonly bias?: boolean;
}

/** x·Φ(x) */
const gelu = (x: Tensor): Tensor => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));

export const feedForwardActivation = (name: "relu" | "gelu"): ((x: Tensor) => Tensor) =>
  name === "gelu" ? gelu : relu;

export class TransformerEncoderLayer extends Module {
  /** Whether `forward` keeps places from looking ahead. */
  causal = false;
  readonly self_attn: MultiheadAttention;
  readonly linear1: Linear;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly dropout: Dropout;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;
  readonly #activation: (x: Tensor) => Tensor;
  readonly #normFirst: boolean;

  constructor(
    dModel: number,
    nhead: number,
    {
      dimFeedforward = 2048,
      dropout = 0.1,
      activation = "relu",
      layerNormEps = 1e-5,
      batchFirst = false,
      normFirst = false,
      bias = true,
    }: TransformerOptions = {},
  ) {
    super();
    this.self_attn = new MultiheadAttention(dModel, nhead, { dropout, batchFirst, bias });
    this.linear1 = new Linear(dModel, dimFeedforward, bias);
    this.linear2 = new Linear(dimFeedforward, dModel, bias);
    this.norm1 = new LayerNorm(dModel, layerNormEps, true, bias);
    this.norm2 = new LayerNorm(dModel, layerNormEps, true, bias);
    this.dropout = new Dropout(dropout);
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.#activation = feedForwardActivation(activation);
    this.#normFirst = normFirst;
  }

  forward(x: Tensor): Tensor {
    return this.encode(x, { isCausal: this.causal });
  }

  /** As PyTorch's `forward`, with its src_mask and src_key_padding_mask. */
  encode(x: Tensor, masks: Masks = {}): Tensor {
    if (this.#normFirst) {
      const y = add(x, this.#attend(this.norm1.forward(x), masks));
      return add(y, this.#feed(this.norm2.forward(y)));
    }
    const y = this.norm1.forward(add(x, this.#attend(x, masks)));
    return this.norm2.forward(add(y, this.#feed(y)));
  }

  #attend(x: Tensor, masks: Masks): Tensor {
    return this.dropout1.forward(this.self_attn.attend(x, x, x, masks).output);
  }

  #feed(x: Tensor): Tensor {
    const hidden = this.dropout.forward(this.#activation(this.linear1.forward(x)));
    return this.dropout2.forward(this.linear2.forward(hidden));
  }
}
