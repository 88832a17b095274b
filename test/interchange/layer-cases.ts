/** Models that between them have every layer, most with several choices of its arguments: what each exporter is tried on. */
import type { FittedPreprocess } from "../../src/data/index.ts";
import { RandomStream } from "../../src/data/random.ts";
import { layers as definitions, elementCount, type LayerSpec, type Shape } from "../../src/engine/definitions.ts";
import { createWasmBackend, Predictor } from "../../src/engine/index.ts";
import type { Weights } from "../../src/engine/nn/module.ts";
import { placeLayers } from "../../src/interchange/layer-rules.ts";
import type { TrainedFile } from "../../src/interchange/trained-file.ts";
import { readFixtures } from "../parity/fixture.ts";

export interface LayerCase {
  readonly name: string;
  readonly layers: readonly LayerSpec[];
  readonly input: Shape;
}

const own: readonly LayerCase[] = [
  one("dropout", [6], { type: "Dropout", p: 0.4 }),
  one("logsoftmax", [5], { type: "LogSoftmax", dim: 1 }),
  one("softmax-steps", [3, 4], { type: "Softmax", dim: -2 }),
  one("tanh-relu", [7], { type: "Tanh" }, { type: "ReLU" }),
  one("elu-images", [2, 3, 3], { type: "ELU", alpha: 0.5 }),
  one("prelu-channels", [3, 4], { type: "PReLU", num_parameters: 3 }),
  one("prelu-images", [3, 2, 2], { type: "PReLU" }),
  one("prelu-features", [4], { type: "PReLU", num_parameters: 4 }),
  one("rrelu", [9], { type: "RReLU" }),
  one("gelu", [9], { type: "GELU" }),
  one("glu-channels", [4, 3], { type: "GLU", dim: 1 }),
  one("linear-steps", [3, 4], { type: "Linear", out_features: 5 }, { type: "Linear", out_features: 2, bias: false }),
  one("flatten-some", [2, 3, 4, 5], { type: "Flatten", start_dim: 2, end_dim: 3 }),
  one("upsample-exact", [2, 5], { type: "Upsample", size: 8, mode: "nearest-exact" }),
  one("upsample-bilinear-factor", [2, 4, 5], { type: "Upsample", scale_factor: [1.5, 2], mode: "bilinear" }),
  one("upsample-recomputed", [2, 5], {
    type: "Upsample",
    scale_factor: 1.3,
    mode: "linear",
    recompute_scale_factor: true,
  }),
  one("upsample-smaller", [2, 9], { type: "Upsample", size: 4, mode: "linear" }),
  one("upsample-bicubic-aligned", [1, 4, 4], { type: "Upsample", size: [7, 6], mode: "bicubic", align_corners: true }),
  one("adaptive-even", [2, 6, 4], { type: "AdaptiveAvgPool2d", output_size: [3, 2] }),
  one("adaptive-max-even", [2, 6, 4], { type: "AdaptiveMaxPool2d", output_size: [3, 2] }),
  one("maxpool-dilated", [2, 12], {
    type: "MaxPool1d",
    kernel_size: 3,
    stride: 2,
    dilation: 2,
    padding: 1,
    ceil_mode: true,
  }),
  one("avgpool3d-ceil", [2, 3, 5, 5], { type: "AvgPool3d", kernel_size: 2, ceil_mode: true }),
  one("lppool", [2, 9], { type: "LPPool1d", norm_type: 2, kernel_size: 3, stride: 2 }),
  one("groupnorm-steps", [4, 6], { type: "GroupNorm", num_groups: 2 }),
  one("groupnorm-features", [6], { type: "GroupNorm", num_groups: 3, affine: false }),
  one("layernorm-images", [2, 3, 4], { type: "LayerNorm", normalized_shape: [3, 4] }),
  one(
    "groupnorm-after-conv",
    [2, 6, 6],
    { type: "Conv2d", out_channels: 4, kernel_size: 3 },
    { type: "GroupNorm", num_groups: 2 },
  ),
  one(
    "instancenorm-after-conv",
    [2, 6, 6],
    { type: "Conv2d", out_channels: 4, kernel_size: 3 },
    { type: "InstanceNorm2d", affine: true },
  ),
  one("layernorm-plain", [3, 4], { type: "LayerNorm", elementwise_affine: false }),
  one("rmsnorm-eps", [3, 4], { type: "RMSNorm", normalized_shape: [3, 4], eps: 0.1, elementwise_affine: false }),
  one("localresponsenorm-even", [5, 3], { type: "LocalResponseNorm", size: 4, alpha: 0.7 }),
  one("batchnorm-without-bias", [3, 5], { type: "BatchNorm1d", bias: false }),
  one("instancenorm-tracked", [3, 5], { type: "InstanceNorm1d", track_running_stats: true }),
  one("lstm-sequences", [5, 3], { type: "LSTM", hidden_size: 4, num_layers: 2, return_sequences: true }),
  one("lstm-projected", [5, 3], { type: "LSTM", hidden_size: 4, proj_size: 2, num_layers: 2, return_sequences: true }),
  one("gru-without-bias", [5, 3], { type: "GRU", hidden_size: 4, bias: false, bidirectional: true }),
  one("rnn-both-ways", [5, 3], { type: "RNN", hidden_size: 4, bidirectional: true, return_sequences: true }),
  one("positions-learned", [5, 4], { type: "PositionalEncoding", kind: "learned", max_len: 9 }),
  one("transformer-gelu", [5, 4], {
    type: "TransformerEncoderLayer",
    nhead: 2,
    dim_feedforward: 6,
    activation: "gelu",
    norm_first: true,
    bias: false,
  }),
  one("nested", [4], {
    type: "Sequential",
    layers: [
      { type: "Residual", layers: [{ type: "Linear", out_features: 4 }, { type: "Tanh" }] },
      { type: "Residual", layers: [{ type: "Sequential", layers: [{ type: "Linear", out_features: 4 }] }] },
    ],
  }),
  one("reflect-asymmetric", [2, 5, 6], { type: "ReflectionPad2d", padding: [2, 0, 1, 3] }),
  one("zero-uneven", [2, 5, 6], { type: "ZeroPad2d", padding: [1, -2, 0, 3] }),
  one("zero-without-channels", [5, 6], { type: "ZeroPad2d", padding: [1, -2, -1, 0] }),
  one("constant-deep", [2, 3, 5], { type: "ConstantPad1d", padding: [-1, 2], value: -0.5 }),
  one("constant-crop", [2, 5], { type: "ConstantPad1d", padding: [-1, 2], value: 1.5 }),
  one("transposed-grouped", [4, 5], {
    type: "ConvTranspose1d",
    out_channels: 6,
    kernel_size: 3,
    groups: 2,
    dilation: 2,
  }),
];

function one(name: string, input: Shape, ...layers: LayerSpec[]): LayerCase {
  return { name, layers: complete(layers, input), input };
}

/** With all arguments that follow from the input, as a job's stored spec has them. */
function complete(layers: readonly LayerSpec[], input: Shape): LayerSpec[] {
  return placeLayers(layers, input).map(({ type, args }) => ({ type, ...args }));
}

/** Those above, and the models that the parity suite trains. */
export function layerCases(): LayerCase[] {
  const trained = readFixtures().flatMap(({ spec }) => {
    if (!/^(layer-|cnn|gru-|causal)/.test(spec.name)) return [];
    const { inline, preprocess } = Object(spec["data"]);
    const input = inline
      ? shapeOf(inline.inputs[0])
      : (preprocess?.shape ?? [Object(spec.model.layers[0]).in_features]);
    const layers = spec.model.layers.map((layer) => ({ ...Object(layer) }) as LayerSpec);
    return [one(spec.name.replace(/^layer-/, "trained-"), input, ...layers)];
  });
  return [...own, ...trained];
}

const shapeOf = (nested: unknown): number[] => (Array.isArray(nested) ? [nested.length, ...shapeOf(nested[0])] : []);

/** Every type of layer in a model, those inside of others included. */
export function typesIn(layers: readonly Readonly<Record<string, unknown>>[]): string[] {
  return layers.flatMap(({ type, layers: inner }) => [String(type), ...(Array.isArray(inner) ? typesIn(inner) : [])]);
}

/** Weights that are not those of a fresh model: drawn by name, statistics positive. */
export function drawWeights({ layers, input }: LayerCase): Map<string, Weights> {
  const named = placeLayers(layers, input).flatMap(({ type, name, args }) => {
    const definition = definitions.get(type);
    const parsed = definition?.args.parse(args) ?? {};
    return Object.entries({ ...definition?.parameters(parsed), ...definition?.buffers(parsed) }).map(
      ([part, { shape }]) => [`${name}.${part}`, shape] as const,
    );
  });
  return new Map(
    named.map(([name, shape]) => {
      const stream = new RandomStream(1, name);
      const positive = name.endsWith("running_var") || name.endsWith("num_batches_tracked");
      const draw = () => (positive ? stream.uniform(0.5, 2) : stream.uniform(-0.6, 0.6));
      return [name, { shape, data: Float32Array.from({ length: elementCount(shape) }, draw) }];
    }),
  );
}

function drawInputs({ name, layers, input }: LayerCase, rows: number): Float32Array<ArrayBuffer> {
  const stream = new RandomStream(2, name);
  const first = layers[0];
  const most =
    first &&
    definitions.get(first.type)?.wholeNumbersBelow?.(definitions.get(first.type)?.args.parse(withoutType(first)) ?? {});
  // Roots of sums: below zero they are no numbers, in PyTorch as well.
  const low = first?.type.startsWith("LPPool") ? 0 : -2;
  const draw = () => (most === undefined ? stream.uniform(low, 2) : Math.floor(stream.uniform(0, most)));
  return Float32Array.from({ length: rows * elementCount(input) }, draw);
}

const withoutType = ({ type: _, ...args }: LayerSpec) => args;

const backend = await createWasmBackend();

export function predict({ layers, input }: LayerCase, weights: ReadonlyMap<string, Weights>, inputs: Float32Array) {
  const predictor = Predictor.create(layers, weights, input, backend);
  const made = predictor.predict(inputs, inputs.length / elementCount(input));
  predictor.dispose();
  return made;
}

/** Numbers as scripts in Python read them. */
export interface Values {
  readonly shape: readonly number[];
  readonly values: readonly unknown[];
}

/** What a model is asked, and what it makes of that here. */
export function questionOf(given: LayerCase): { name: string; inputs: Values; outputs: Values } {
  const rows = 5;
  const inputs = drawInputs(given, rows);
  const { outputs, outputShape } = predict(given, drawWeights(given), inputs);
  return {
    name: given.name,
    inputs: { shape: [rows, ...given.input], values: [...inputs] },
    outputs: { shape: [rows, ...outputShape], values: [...outputs] },
  };
}

/** A case as a trained model without preprocessing. */
export function trainedFile(given: LayerCase, about: Partial<TrainedFile["about"]> = {}): TrainedFile {
  return {
    layers: given.layers,
    weights: drawWeights(given),
    about: {
      job_id: "job_01jc2v8n6d0000000000000000",
      name: given.name,
      checkpoint: { which: "last", epoch: 3, step: 12 },
      spec: { model: { layers: given.layers } },
      loss: "MSELoss",
      preprocess: unprepared(given.input),
      classes: null,
      ...about,
    },
  };
}

export const unprepared = (shape: Shape): FittedPreprocess => ({
  version: 1,
  features: null,
  rawShape: shape,
  shape,
  map: null,
  oneHot: [],
  impute: null,
  scale: 1,
  mean: null,
  std: null,
});
