/** Linear, norms, shapes, embeddings, recurrent layers and attention as Keras has them. */
import { attentionLayer, encoderLayer } from "../../../engine/nn/attention-layers.ts";
import { batchNormLayers } from "../../../engine/nn/batch-norm.ts";
import { embeddingBagLayer, embeddingLayer, placeOf, shortened } from "../../../engine/nn/embedding.ts";
import { encoderStackLayer } from "../../../engine/nn/encoder-stack-layer.ts";
import { flattenLayer, identityLayer, unflattenLayer } from "../../../engine/nn/flatten.ts";
import { groupNormLayer } from "../../../engine/nn/group-norm.ts";
import { instanceNormLayers } from "../../../engine/nn/instance-norm.ts";
import { FLOAT32_EPSILON, layerNormLayer, rmsNormLayer } from "../../../engine/nn/layer-norm.ts";
import { linearLayer } from "../../../engine/nn/linear.ts";
import { localResponseNormLayer } from "../../../engine/nn/local-response-norm.ts";
import type { Weights } from "../../../engine/nn/module.ts";
import { positionalEncodingLayer, sinusoids } from "../../../engine/nn/positional-encoding.ts";
import { gruLayer, lstmLayer, rnnLayer } from "../../../engine/nn/recurrent-layers.ts";
import { channelShuffleLayer, pixelShuffleLayer, pixelUnshuffleLayer } from "../../../engine/nn/shuffle.ts";
import { foldLayer, unfoldLayer } from "../../../engine/nn/unfold.ts";
import { reordered, transposed } from "../../arrays.ts";
import { type PlacedLayer, rule } from "../../layer-rules.ts";
import { literal } from "../../python/source.ts";
import { inexpressible, type KerasModel } from "../keras-model.ts";

/** Kernel and bias of a Dense layer. */
const dense = (model: KerasModel, name: string): Weights[] => [
  transposed(model.weight(`${name}.weight`)),
  ...model.existing(`${name}.bias`),
];

const reshape = (model: KerasModel, shape: readonly number[]): void => {
  model.channelsFirst();
  model.add(`layers.Reshape(${literal(shape)})`);
};

function rearrange(
  model: KerasModel,
  input: readonly number[],
  parts: readonly number[],
  order: readonly number[],
  output: readonly number[],
): void {
  const before = input.slice(0, -3);
  reshape(model, [...before, ...parts]);
  const kept = before.map((_, i) => i + 1);
  model.add(`layers.Permute(${literal([...kept, ...order.map((i) => i + 1 + before.length)])})`);
  reshape(model, output);
}

/** What Keras' normalisations are told of it: epsilon, and whether there are weights and biases. */
const affine = (model: KerasModel, name: string, eps: number): string[] => [
  `epsilon=${eps}`,
  ...(model.has(`${name}.weight`) ? [] : ["scale=False"]),
  ...(model.has(`${name}.bias`) ? [] : ["center=False"]),
];

/** By running statistics, as BatchNorm and InstanceNorm that track them. */
function running(
  model: KerasModel,
  name: string,
  args: { eps: number; momentum: number | null },
  positions: number,
): void {
  if (positions > 0) model.channelsLast(positions);
  const options = [
    ...affine(model, name, args.eps),
    // Keras says what is kept, PyTorch what is taken.
    ...(args.momentum === null ? [] : [`momentum=${Number((1 - args.momentum).toPrecision(12))}`]),
  ];
  const weights = model.existing(`${name}.weight`, `${name}.bias`, `${name}.running_mean`, `${name}.running_var`);
  model.add(`layers.BatchNormalization(${options.join(", ")})`, weights);
}

/** Each of some groups of channels by itself. */
function groupNorm(model: KerasModel, name: string, groups: number, eps: number): void {
  const given = [groups, `axis=${model.channelAxis}`, ...affine(model, name, eps)];
  model.add(`layers.GroupNormalization(${given.join(", ")})`, model.existing(`${name}.weight`, `${name}.bias`));
}

function layerNorm(model: KerasModel, name: string, axes: readonly number[], eps: number): void {
  model.channelsFirst();
  const given = [...(axes.length === 1 ? [] : [`axis=${literal(axes)}`]), ...affine(model, name, eps)];
  model.add(`layers.LayerNormalization(${given.join(", ")})`, model.existing(`${name}.weight`, `${name}.bias`));
}

/** The last axes, as many as a normalised shape has, counted from the end. */
const lastAxes = (shape: number | readonly number[] = []): number[] =>
  [shape].flat().map((_, i, { length }) => i - length);

interface RecurrentArgs {
  readonly hidden_size: number;
  readonly num_layers: number;
  readonly bias: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  readonly return_sequences: boolean;
}

/** `order`: PyTorch's gates in Keras' order; `apart`: whether both biases are kept. */
function recurrent(
  { name, args }: PlacedLayer<RecurrentArgs>,
  model: KerasModel,
  keras: string,
  order: readonly number[],
  apart = false,
  options: readonly string[] = [],
): void {
  for (let layer = 0; layer < args.num_layers; layer++) {
    const weights = (args.bidirectional ? ["", "_reverse"] : [""]).flatMap((direction): Weights[] => {
      const part = (named: string): Weights => reordered(model.weight(`${name}.${named}_l${layer}${direction}`), order);
      const matrices = [transposed(part("weight_ih")), transposed(part("weight_hh"))];
      if (!args.bias) return matrices;
      const [ih, hh] = [part("bias_ih").data, part("bias_hh").data];
      const bias = apart
        ? { shape: [2, ih.length], data: Float32Array.from([...ih, ...hh]) }
        : { shape: [ih.length], data: ih.map((value, i) => value + (hh[i] ?? 0)) };
      return [...matrices, bias];
    });
    const isLast = layer === args.num_layers - 1;
    const given = [
      args.hidden_size,
      ...options,
      ...(args.return_sequences || !isLast ? ["return_sequences=True"] : []),
      ...(args.bias ? [] : ["use_bias=False"]),
    ];
    const made = `layers.${keras}(${given.join(", ")})`;
    model.channelsFirst();
    model.add(args.bidirectional ? `layers.Bidirectional(${made})` : made, weights);
    if (args.dropout > 0 && !isLast) model.add(`layers.Dropout(${args.dropout})`);
  }
}

const attention = (model: KerasModel, name: string): Record<string, Weights[]> => ({
  into: [transposed(model.weight(`${name}.in_proj_weight`)), ...model.existing(`${name}.in_proj_bias`)],
  out: dense(model, `${name}.out_proj`),
});

interface EncoderArgs {
  readonly nhead: number;
  readonly dim_feedforward: number;
  readonly dropout: number;
  readonly activation: string;
  readonly layer_norm_eps: number;
  readonly norm_first: boolean;
  readonly bias: boolean;
  readonly causal: boolean;
}

function encoder(model: KerasModel, name: string, args: EncoderArgs): void {
  const norm = (part: string): Weights[] => model.existing(`${name}.${part}.weight`, `${name}.${part}.bias`);
  const { into = [], out = [] } = attention(model, `${name}.self_attn`);
  const given = [
    args.nhead,
    args.dim_feedforward,
    args.activation,
    args.layer_norm_eps,
    args.norm_first,
    args.bias,
    args.causal,
    args.dropout,
  ];
  model.channelsFirst();
  model.form("TransformerEncoderLayer", given.map(literal).join(", "), {
    "self_attn/into": into,
    "self_attn/out": out,
    linear1: dense(model, `${name}.linear1`),
    linear2: dense(model, `${name}.linear2`),
    norm1: norm("norm1"),
    norm2: norm("norm2"),
  });
}

export const otherRules = [
  rule(linearLayer, ({ name, args }, model: KerasModel) => {
    model.channelsFirst();
    model.add(`layers.Dense(${args.out_features}${args.bias ? "" : ", use_bias=False"})`, dense(model, name));
  }),
  rule(identityLayer, (_, model: KerasModel) => model.add("layers.Identity()")),
  rule(flattenLayer, ({ output }, model: KerasModel) => reshape(model, output)),
  rule(unflattenLayer, ({ output }, model: KerasModel) => reshape(model, output)),
  rule(pixelShuffleLayer, ({ args: { upscale_factor: r }, input, output }, model: KerasModel) => {
    const [c = 0, h = 0, w = 0] = input.slice(-3);
    rearrange(model, input, [c / (r * r), r, r, h, w], [0, 3, 1, 4, 2], output);
  }),
  rule(pixelUnshuffleLayer, ({ args: { downscale_factor: r }, input, output }, model: KerasModel) => {
    const [c = 0, h = 0, w = 0] = input.slice(-3);
    rearrange(model, input, [c, h / r, r, w / r, r], [0, 2, 4, 1, 3], output);
  }),
  rule(channelShuffleLayer, ({ args: { groups }, input }, model: KerasModel) => {
    const [channels = 0, ...positions] = input;
    reshape(model, [groups, channels / groups, ...positions]);
    model.add(`layers.Permute(${literal([2, 1, ...positions.map((_, i) => i + 3)])})`);
    reshape(model, input);
  }),
  rule(unfoldLayer, (layer, _: KerasModel): void => {
    throw inexpressible(layer, "Keras has no layer that takes images apart into windows");
  }),
  rule(foldLayer, (layer, _: KerasModel): void => {
    throw inexpressible(layer, "Keras has no layer that adds up windows");
  }),

  ...batchNormLayers.map((definition) =>
    rule(definition, (layer, model: KerasModel) => {
      if (!layer.args.track_running_stats)
        throw inexpressible(
          layer,
          "without running statistics it goes by each batch, also when it predicts, and Keras' does not",
        );
      running(model, layer.name, layer.args, layer.input.length - 1);
    }),
  ),
  ...instanceNormLayers.map((definition) =>
    rule(definition, ({ name, args, input }, model: KerasModel) => {
      if (args.track_running_stats) return running(model, name, args, input.length - 1);
      groupNorm(model, name, input[0] ?? 1, args.eps);
    }),
  ),
  rule(groupNormLayer, ({ name, args }, model: KerasModel) => groupNorm(model, name, args.num_groups, args.eps)),
  rule(layerNormLayer, ({ name, args }, model: KerasModel) =>
    layerNorm(model, name, lastAxes(args.normalized_shape), args.eps),
  ),
  rule(rmsNormLayer, ({ name, args }, model: KerasModel) => {
    model.channelsFirst();
    const given = [lastAxes(args.normalized_shape), args.eps ?? FLOAT32_EPSILON, model.has(`${name}.weight`)];
    model.form("RMSNorm", given.map(literal).join(", "), model.existing(`${name}.weight`));
  }),
  rule(localResponseNormLayer, ({ args: { size, alpha, beta, k } }, model: KerasModel) => {
    model.channelsFirst();
    model.form("LocalResponseNorm", [size, alpha, beta, k].join(", "));
  }),

  rule(embeddingLayer, ({ name, args }, model: KerasModel) => {
    const table = shortened(model.weight(`${name}.weight`), args.max_norm, args.norm_type);
    model.add(`layers.Embedding(${args.num_embeddings}, ${args.embedding_dim})`, [table]);
  }),
  rule(embeddingBagLayer, ({ name, args }, model: KerasModel) => {
    const table = shortened(model.weight(`${name}.weight`), args.max_norm, args.norm_type);
    const padding = placeOf(args.padding_idx, args.num_embeddings);
    const given = [args.num_embeddings, args.embedding_dim, args.mode, ...(padding === null ? [] : [padding])];
    model.form("EmbeddingBag", given.map(literal).join(", "), [table]);
  }),

  rule(rnnLayer, (layer, model: KerasModel) =>
    recurrent(layer, model, "SimpleRNN", [0], false, layer.args.nonlinearity === "relu" ? ['activation="relu"'] : []),
  ),
  rule(lstmLayer, (layer, model: KerasModel) => {
    if (layer.args.proj_size > 0) throw inexpressible(layer, "Keras' LSTM has no projection (proj_size)");
    recurrent(layer, model, "LSTM", [0, 1, 2, 3]);
  }),
  // PyTorch: reset, update, new; Keras: update, reset, new.
  rule(gruLayer, (layer, model: KerasModel) => recurrent(layer, model, "GRU", [1, 0, 2], true)),

  rule(attentionLayer, (layer, model: KerasModel) => {
    const { name, args } = layer;
    if (args.add_bias_kv || args.add_zero_attn)
      throw inexpressible(layer, "Keras' attention has no more keys than there are steps (add_bias_kv, add_zero_attn)");
    model.channelsFirst();
    model.form(
      "SelfAttention",
      [args.num_heads, args.bias, args.causal].map(literal).join(", "),
      attention(model, name),
    );
  }),
  rule(encoderLayer, ({ name, args }, model: KerasModel) => encoder(model, name, args)),
  rule(encoderStackLayer, ({ name, args }, model: KerasModel) => {
    for (let i = 0; i < args.num_layers; i++) encoder(model, `${name}.layers.${i}`, args.encoder_layer);
    if (args.norm) layerNorm(model, `${name}.norm`, [-1], 1e-5);
  }),
  rule(positionalEncodingLayer, ({ name, args, input }, model: KerasModel) => {
    const [steps = 1, width = 1] = input;
    const learned = args.kind === "learned";
    const data = learned ? model.weight(`${name}.weight`).data.slice(0, steps * width) : sinusoids(steps, width);
    model.channelsFirst();
    model.form("Table", literal(learned), [{ shape: [steps, width], data: Float32Array.from(data) }]);
  }),
];
