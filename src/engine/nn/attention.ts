/** MultiheadAttention (Vaswani et al., "Attention is all you need", 2017): softmax(q·kᵀ/√d)·v in several heads. */
import { add, concat, linear, matmul, mean, mul, permute, reshape, slice, softmax, where } from "../ops/index.ts";
import { type Initializer, nextStream, type RandomStream, uniformWithin } from "../random.ts";
import { ShapeError, showShape } from "../shape.ts";
import { type Tensor, tensor, zeros } from "../tensor.ts";
import { Module } from "./module.ts";
import { Parameter, type ParameterSpec } from "./parameter.ts";

export interface AttentionOptions {
  /** Probability with which attention weights are dropped in training. */
  readonly dropout?: number;
  readonly bias?: boolean;
  /** Learn one more key and value. */
  readonly addBiasKv?: boolean;
  /** One more key and value of zeros. */
  readonly addZeroAttn?: boolean;
  /** Features of keys and values, where they are not those of queries. */
  readonly kdim?: number;
  readonly vdim?: number;
  /** Inputs are (N, L, E) rather than (L, N, E). */
  readonly batchFirst?: boolean;
}

export interface Masks {
  /** (N, S) or (S): keys where it is not 0 are ignored. */
  readonly keyPaddingMask?: Tensor;
  /** (L, S) or (N·heads, L, S), added to the scores: −∞ where a query must not look. */
  readonly attnMask?: Tensor;
  /** A query looks at keys up to its own place only. */
  readonly isCausal?: boolean;
}

const constant = (value: number): Initializer => ({ distribution: "constant", value });
const xavier = (rows: number, columns: number): Initializer => uniformWithin(Math.sqrt(6 / (rows + columns)));

/** The weights by `state_dict` name, in PyTorch's order. */
export function attentionSpecs(
  embedDim: number,
  { bias = true, addBiasKv = false, kdim = embedDim, vdim = embedDim }: AttentionOptions,
): Record<string, ParameterSpec> {
  const e = embedDim;
  const matrix = (columns: number): ParameterSpec => ({ shape: [e, columns], init: xavier(e, columns) });
  const extra: ParameterSpec = { shape: [1, 1, e], init: { distribution: "normal", mean: 0, std: Math.sqrt(1 / e) } };
  const inputs: Record<string, ParameterSpec> =
    kdim === e && vdim === e
      ? { in_proj_weight: { shape: [3 * e, e], init: xavier(3 * e, e) } }
      : { q_proj_weight: matrix(e), k_proj_weight: matrix(kdim), v_proj_weight: matrix(vdim) };
  return {
    ...inputs,
    ...(bias && { in_proj_bias: { shape: [3 * e], init: constant(0) } }),
    ...(addBiasKv && { bias_k: extra, bias_v: extra }),
    "out_proj.weight": { shape: [e, e], init: uniformWithin(1 / Math.sqrt(e)) },
    ...(bias && { "out_proj.bias": { shape: [e], init: constant(0) } }),
  };
}

export class MultiheadAttention extends Module {
  /** Whether `forward` keeps queries from looking ahead. */
  causal = false;
  readonly stream: RandomStream = nextStream();
  readonly #weights: ReadonlyMap<string, Parameter>;
  readonly #embedDim: number;
  readonly #heads: number;
  readonly #options: AttentionOptions;

  constructor(embedDim: number, numHeads: number, options: AttentionOptions = {}) {
    super();
    if (embedDim % numHeads !== 0) {
      throw new ShapeError(`must divide embed_dim ${embedDim}, and ${numHeads} does not`, "num_heads");
    }
    const specs = Object.entries(attentionSpecs(embedDim, options));
    this.#weights = new Map(specs.map(([name, spec]) => [name, new Parameter(spec)]));
    this.#embedDim = embedDim;
    this.#heads = numHeads;
    this.#options = options;
  }

  override *parts(): Iterable<[string, unknown]> {
    yield* this.#weights;
    yield ["stream", this.stream];
  }

  /** Self-attention: queries, keys and values are the same. */
  forward(x: Tensor): Tensor {
    return this.attend(x, x, x, { isCausal: this.causal }).output;
  }

  /** As PyTorch's `forward`: the output, and the attention weights averaged over heads, (N, L, S). */
  attend(query: Tensor, key: Tensor, value: Tensor, masks: Masks = {}): { output: Tensor; weights: Tensor } {
    if (query.rank === 2) return this.#attendOne(query, key, value, masks);
    for (const input of [query, key, value]) {
      if (input.rank !== 3) {
        throw new ShapeError(`MultiheadAttention takes (N, L, E) or (L, N, E), got ${showShape(input.shape)}.`);
      }
    }
    if (this.#options.batchFirst) return this.#batchFirst(query, key, value, masks);
    const flip = (t: Tensor): Tensor => permute(t, [1, 0, 2]);
    const q = flip(query);
    const k = key === query ? q : flip(key);
    const v = value === query ? q : value === key ? k : flip(value);
    const { output, weights } = this.#batchFirst(q, k, v, masks);
    return { output: flip(output), weights };
  }

  /** One sample, as a batch of one. */
  #attendOne(query: Tensor, key: Tensor, value: Tensor, masks: Masks): { output: Tensor; weights: Tensor } {
    const one = (t: Tensor): Tensor => reshape(t, [1, ...t.shape]);
    const q = one(query);
    const k = key === query ? q : one(key);
    const v = value === query ? q : one(value);
    const { output, weights } = this.#batchFirst(q, k, v, masks);
    const alone = (t: Tensor): Tensor => reshape(t, t.shape.slice(1));
    return { output: alone(output), weights: alone(weights) };
  }

  #batchFirst(query: Tensor, key: Tensor, value: Tensor, masks: Masks): { output: Tensor; weights: Tensor } {
    const [batch = 0, targets = 0] = query.shape;
    const projected = this.#project(query, key, value);
    const q = this.#split(projected.q);
    const [k, v] = [this.#extend(projected.k, "bias_k"), this.#extend(projected.v, "bias_v")];
    const sources = k.shape[2] ?? 0;
    const scaled = mul(q, Math.sqrt(this.#heads / this.#embedDim));
    let scores = matmul(scaled, k, false, true);
    for (const mask of this.#masks(masks, batch, targets, sources, query)) scores = add(scores, mask);
    const weights = softmax(scores, -1);
    const { dropout = 0 } = this.#options;
    const used = this.training && dropout > 0 ? mul(weights, this.stream.dropoutMask(weights.shape, dropout)) : weights;
    const heads = permute(matmul(used, v), [0, 2, 1, 3]);
    const output = linear(
      reshape(heads, [batch, targets, this.#embedDim]),
      this.#weight("out_proj.weight"),
      this.#weights.get("out_proj.bias") ?? null,
    );
    return { output, weights: mean(used, 1) };
  }

  #weight(name: string): Parameter {
    const weight = this.#weights.get(name);
    if (!weight) throw new Error(`MultiheadAttention has no ${name}`);
    return weight;
  }

  /** Each (N, L, E). Self-attention takes one product for all three. */
  #project(query: Tensor, key: Tensor, value: Tensor): { q: Tensor; k: Tensor; v: Tensor } {
    const e = this.#embedDim;
    const bias = this.#weights.get("in_proj_bias") ?? null;
    const packed = this.#weights.get("in_proj_weight");
    if (packed && query === key && key === value) {
      const all = linear(query, packed, bias);
      const part = (i: number): Tensor => slice(all, 2, i * e, (i + 1) * e);
      return { q: part(0), k: part(1), v: part(2) };
    }
    const part = (x: Tensor, i: number, name: string): Tensor => {
      const weight = packed ? slice(packed, 0, i * e, (i + 1) * e) : this.#weight(name);
      return linear(x, weight, bias && slice(bias, 0, i * e, (i + 1) * e));
    };
    return { q: part(query, 0, "q_proj_weight"), k: part(key, 1, "k_proj_weight"), v: part(value, 2, "v_proj_weight") };
  }

  /** (N, L, E) → (N, heads, L, E/heads) */
  #split(x: Tensor): Tensor {
    const [batch = 0, length = 0] = x.shape;
    return permute(reshape(x, [batch, length, this.#heads, this.#embedDim / this.#heads]), [0, 2, 1, 3]);
  }

  /** Keys or values by heads, with the learned one and the zeros behind them. */
  #extend(x: Tensor, name: "bias_k" | "bias_v"): Tensor {
    const [batch = 0] = x.shape;
    const learned = this.#weights.get(name);
    const longer = learned ? concat([x, learned.expand([batch, 1, this.#embedDim])], 1) : x;
    if (!this.#options.addZeroAttn) return this.#split(longer);
    return this.#split(concat([longer, zeros([batch, 1, this.#embedDim], { device: x.device })], 1));
  }

  /** What is added to the scores (N, heads, L, S); the keys added by options are never masked. */
  #masks(masks: Masks, batch: number, targets: number, sources: number, like: Tensor): Tensor[] {
    const { keyPaddingMask, attnMask, isCausal = false } = masks;
    const { device } = like;
    const widened = (mask: Tensor): Tensor => {
      const missing = sources - (mask.shape.at(-1) ?? 0);
      if (missing === 0) return mask;
      return concat([mask, zeros([...mask.shape.slice(0, -1), missing], { device })], -1);
    };
    const found: Tensor[] = [];
    if (isCausal) found.push(causalMask(targets, sources, like));
    if (attnMask) {
      const mask = widened(attnMask);
      found.push(mask.rank === 3 ? reshape(mask, [batch, this.#heads, targets, sources]) : mask);
    }
    if (keyPaddingMask) {
      const ignored = where(keyPaddingMask, Number.NEGATIVE_INFINITY, 0);
      found.push(reshape(widened(reshape(ignored, [batch, -1])), [batch, 1, 1, sources]));
    }
    return found;
  }
}

/** 0 up to a query's own place, −∞ after it. */
function causalMask(targets: number, sources: number, { device }: Tensor): Tensor {
  const values = Float32Array.from({ length: targets * sources }, (_, i) =>
    i % sources > Math.floor(i / sources) ? Number.NEGATIVE_INFINITY : 0,
  );
  return tensor(values, [targets, sources], { device });
}
