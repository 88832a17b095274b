/** TransformerEncoder, TransformerDecoder and Transformer: layers one after another, each list with a norm at its end. */
import { uniformWithin } from "../random.ts";
import type { Tensor } from "../tensor.ts";
import type { Masks } from "./attention.ts";
import { ModuleList } from "./containers.ts";
import { LayerNorm } from "./layer-norm.ts";
import { Module } from "./module.ts";
import { TransformerEncoderLayer, type TransformerOptions } from "./transformer.ts";
import { type DecoderMasks, TransformerDecoderLayer } from "./transformer-decoder.ts";

/** PyTorch copies one layer, weights included; here each has drawn its own. */
export class TransformerEncoder extends Module {
  readonly layers: ModuleList<TransformerEncoderLayer>;
  readonly norm: LayerNorm | null;

  constructor(layers: readonly TransformerEncoderLayer[], norm: LayerNorm | null = null) {
    super();
    this.layers = new ModuleList(layers);
    this.norm = norm;
  }

  forward(x: Tensor): Tensor {
    return this.#finish(this.layers.list.reduce((value, layer) => layer.forward(value), x));
  }

  /** With the same masks for every layer. */
  encode(x: Tensor, masks: Masks = {}): Tensor {
    return this.#finish(this.layers.list.reduce((value, layer) => layer.encode(value, masks), x));
  }

  #finish(x: Tensor): Tensor {
    return this.norm ? this.norm.forward(x) : x;
  }
}

export class TransformerDecoder extends Module {
  readonly layers: ModuleList<TransformerDecoderLayer>;
  readonly norm: LayerNorm | null;

  constructor(layers: readonly TransformerDecoderLayer[], norm: LayerNorm | null = null) {
    super();
    this.layers = new ModuleList(layers);
    this.norm = norm;
  }

  forward(target: Tensor, memory: Tensor): Tensor {
    return this.decode(target, memory);
  }

  decode(target: Tensor, memory: Tensor, masks: DecoderMasks = {}): Tensor {
    const x = this.layers.list.reduce((value, layer) => layer.decode(value, memory, masks), target);
    return this.norm ? this.norm.forward(x) : x;
  }
}

export interface TransformerSizes extends TransformerOptions {
  readonly numEncoderLayers?: number;
  readonly numDecoderLayers?: number;
}

/** An encoder, and a decoder that looks at what it gives (Vaswani et al., "Attention is all you need", 2017). */
export class Transformer extends Module {
  readonly encoder: TransformerEncoder;
  readonly decoder: TransformerDecoder;

  constructor(
    dModel = 512,
    nhead = 8,
    { numEncoderLayers = 6, numDecoderLayers = 6, ...options }: TransformerSizes = {},
  ) {
    super();
    const norm = (): LayerNorm => new LayerNorm(dModel, options.layerNormEps ?? 1e-5, true, options.bias ?? true);
    const several = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
    this.encoder = new TransformerEncoder(
      several(numEncoderLayers, () => new TransformerEncoderLayer(dModel, nhead, options)),
      norm(),
    );
    this.decoder = new TransformerDecoder(
      several(numDecoderLayers, () => new TransformerDecoderLayer(dModel, nhead, options)),
      norm(),
    );
    // As PyTorch: here every matrix is drawn by Glorot's rule, unlike in the layers by themselves.
    for (const parameter of this.parameters()) {
      const [outputs = 1, inputs = 1] = parameter.shape;
      if (parameter.rank > 1) parameter.drawFrom(uniformWithin(Math.sqrt(6 / (inputs + outputs))));
    }
  }

  forward(source: Tensor, target: Tensor): Tensor {
    return this.transform(source, target);
  }

  /** As PyTorch's `forward`, with its masks. Shapes: source (N, S, E), target (N, L, E) → (N, L, E), or N second. */
  transform(source: Tensor, target: Tensor, masks: DecoderMasks & { readonly source?: Masks } = {}): Tensor {
    return this.decoder.decode(target, this.encoder.encode(source, masks.source), masks);
  }
}
