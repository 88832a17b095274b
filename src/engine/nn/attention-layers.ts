/** Definitions of MultiheadAttention (self-attention) and TransformerEncoderLayer as layers of a job, batch-first. */
import { z } from "zod";
import { type Shape, ShapeError, showShape } from "../shape.ts";
import { attentionSpecs, MultiheadAttention } from "./attention.ts";
import { defineLayer } from "./definition.ts";
import { layerNormLayer } from "./layer-norm.ts";
import { linearLayer } from "./linear.ts";
import type { ParameterSpec } from "./parameter.ts";
import { probability, size } from "./schema.ts";
import { TransformerEncoderLayer } from "./transformer.ts";

const width = size.optional().describe("Features of each step; follows from the data when left out");
const causal = z.boolean().default(false).describe("No step looks at steps after it");
const bias = z.boolean().default(true).describe("Learn additive biases");

/** [steps, features], with features given or found, and divisible by the heads. */
function sequence(
  input: Shape,
  given: number | undefined,
  field: "embed_dim" | "d_model",
  heads: number,
  headsField: "num_heads" | "nhead",
): { steps: number; features: number } {
  const [steps, found] = input;
  if (input.length !== 2 || steps === undefined || found === undefined) {
    throw new ShapeError(`takes samples of shape [steps, features], got ${showShape(input)}`);
  }
  if (given !== undefined && given !== found) throw new ShapeError(`expects ${found}, got ${given}`, field);
  if (found % heads !== 0) throw new ShapeError(`must divide the ${found} features, and ${heads} does not`, headsField);
  return { steps, features: found };
}

/** Scores and weights of all pairs of steps, and queries, keys, values by heads; halved as `innerValues` asks. */
const attentionValues = (steps: number, e: number, heads: number): number =>
  1.5 * heads * steps * steps + 4 * steps * e;

/** Four products with E×E matrices, and scores and sums over all pairs of steps. */
const attentionFlops = (steps: number, e: number): number => 8 * steps * e * e + 4 * steps * steps * e;

export const attentionLayer = defineLayer({
  type: "MultiheadAttention",
  summary: "Self-attention: every step becomes a weighted mean of all steps, in several heads",
  args: z.strictObject({
    embed_dim: width,
    num_heads: size.describe("Heads; must divide embed_dim"),
    dropout: probability.default(0).describe("Dropout on the attention weights, in training"),
    bias,
    add_bias_kv: z.boolean().default(false).describe("Learn one more key and value"),
    add_zero_attn: z.boolean().default(false).describe("One more key and value of zeros"),
    causal,
  }),
  resolve(given, input) {
    const { steps, features } = sequence(input, given.embed_dim, "embed_dim", given.num_heads, "num_heads");
    return {
      args: { ...given, embed_dim: features },
      output: input,
      flops: attentionFlops(steps, features),
      innerValues: attentionValues(steps, features, given.num_heads),
    };
  },
  parameters: (given) => attentionSpecs(given.embed_dim ?? 0, { bias: given.bias, addBiasKv: given.add_bias_kv }),
  create(given) {
    const module = new MultiheadAttention(given.embed_dim ?? 0, given.num_heads, {
      dropout: given.dropout,
      bias: given.bias,
      addBiasKv: given.add_bias_kv,
      addZeroAttn: given.add_zero_attn,
      batchFirst: true,
    });
    module.causal = given.causal;
    return module;
  },
});

const prefixed = (prefix: string, specs: Readonly<Record<string, ParameterSpec>>): Record<string, ParameterSpec> =>
  Object.fromEntries(Object.entries(specs).map(([name, spec]) => [`${prefix}.${name}`, spec]));

const encoderArgs = z.strictObject({
  d_model: width,
  nhead: size.describe("Heads; must divide d_model"),
  dim_feedforward: size.default(2048).describe("Hidden units of the feed-forward network"),
  dropout: probability.default(0.1).describe("Dropout after each part and on the attention weights, in training"),
  activation: z.enum(["relu", "gelu"]).default("relu").describe("Of the feed-forward network"),
  layer_norm_eps: z.number().min(0).max(1).default(1e-5).describe("Added to the variance"),
  norm_first: z.boolean().default(false).describe("Normalise before each part rather than after its residual"),
  bias,
  causal,
});

export const encoderLayer = defineLayer({
  type: "TransformerEncoderLayer",
  summary: "Self-attention and a feed-forward network, each with a residual and a LayerNorm",
  args: encoderArgs,
  resolve(given, input) {
    const { steps, features } = sequence(input, given.d_model, "d_model", given.nhead, "nhead");
    const feedForward = 4 * steps * features * given.dim_feedforward;
    return {
      args: { ...given, d_model: features },
      output: input,
      flops: attentionFlops(steps, features) + feedForward + 12 * steps * features,
      innerValues: attentionValues(steps, features, given.nhead) + steps * given.dim_feedforward,
    };
  },
  parameters(given) {
    const [d, hidden] = [given.d_model ?? 0, given.dim_feedforward];
    const linear = (from: number, to: number) =>
      linearLayer.parameters({ in_features: from, out_features: to, bias: given.bias });
    const norm = layerNormLayer.parameters(layerNormLayer.args.parse({ normalized_shape: d, bias: given.bias }));
    return {
      ...prefixed("self_attn", attentionSpecs(d, { bias: given.bias })),
      ...prefixed("linear1", linear(d, hidden)),
      ...prefixed("linear2", linear(hidden, d)),
      ...prefixed("norm1", norm),
      ...prefixed("norm2", norm),
    };
  },
  create: createEncoderLayer,
});

export function createEncoderLayer(given: z.output<typeof encoderArgs>): TransformerEncoderLayer {
  const module = new TransformerEncoderLayer(given.d_model ?? 0, given.nhead, {
    dimFeedforward: given.dim_feedforward,
    dropout: given.dropout,
    activation: given.activation,
    layerNormEps: given.layer_norm_eps,
    batchFirst: true,
    normFirst: given.norm_first,
    bias: given.bias,
  });
  module.causal = given.causal;
  return module;
}
