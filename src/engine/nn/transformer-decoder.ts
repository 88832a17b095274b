/** TransformerDecoderLayer: self-attention, attention to an encoder's memory, and a feed-forward network. */
import { add } from "../ops/index.ts";
import type { Tensor } from "../tensor.ts";
import { type Masks, MultiheadAttention } from "./attention.ts";
import { Dropout } from "./dropout.ts";
import { LayerNorm } from "./layer-norm.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { feedForwardActivation, type TransformerOptions } from "./transformer.ts";

/** Masks of the target's attention to itself, and of its attention to the memory. */
export interface DecoderMasks {
  readonly target?: Masks;
  readonly memory?: Masks;
}

export class TransformerDecoderLayer extends Module {
  readonly self_attn: MultiheadAttention;
  readonly multihead_attn: MultiheadAttention;
  readonly linear1: Linear;
  readonly dropout: Dropout;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly norm3: LayerNorm;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;
  readonly dropout3: Dropout;
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
    const norm = (): LayerNorm => new LayerNorm(dModel, layerNormEps, true, bias);
    this.self_attn = new MultiheadAttention(dModel, nhead, { dropout, batchFirst, bias });
    this.multihead_attn = new MultiheadAttention(dModel, nhead, { dropout, batchFirst, bias });
    this.linear1 = new Linear(dModel, dimFeedforward, bias);
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, dModel, bias);
    this.norm1 = norm();
    this.norm2 = norm();
    this.norm3 = norm();
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.dropout3 = new Dropout(dropout);
    this.#activation = feedForwardActivation(activation);
    this.#normFirst = normFirst;
  }

  forward(target: Tensor, memory: Tensor): Tensor {
    return this.decode(target, memory);
  }

  /** As PyTorch's `forward`, with its masks. Shapes: target (N, L, E), memory (N, S, E), or L and S before N. */
  decode(target: Tensor, memory: Tensor, masks: DecoderMasks = {}): Tensor {
    if (this.#normFirst) {
      const x = add(target, this.#toItself(this.norm1.forward(target), masks));
      const y = add(x, this.#toMemory(this.norm2.forward(x), memory, masks));
      return add(y, this.#feed(this.norm3.forward(y)));
    }
    const x = this.norm1.forward(add(target, this.#toItself(target, masks)));
    const y = this.norm2.forward(add(x, this.#toMemory(x, memory, masks)));
    return this.norm3.forward(add(y, this.#feed(y)));
  }

  #toItself(x: Tensor, { target }: DecoderMasks): Tensor {
    return this.dropout1.forward(this.self_attn.attend(x, x, x, target).output);
  }

  #toMemory(x: Tensor, memory: Tensor, masks: DecoderMasks): Tensor {
    return this.dropout2.forward(this.multihead_attn.attend(x, memory, memory, masks.memory).output);
  }

  #feed(x: Tensor): Tensor {
    const hidden = this.dropout.forward(this.#activation(this.linear1.forward(x)));
    return this.dropout3.forward(this.linear2.forward(hidden));
  }
}
