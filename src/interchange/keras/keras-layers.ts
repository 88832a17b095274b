/** Layers of Keras by class name, each as what it is here. */
import { z } from "zod";
import { KerasConfig, type KerasReader, type LayerSpec, optional, type Place, plain, refusal } from "./keras-config.ts";
import { batchNorm, groupNorm, layerNorm, rmsNorm } from "./keras-norms.ts";

const size = z.int().positive();
const sizes = z.union([size, z.array(size)]);
const flag = z.boolean();

const one = (type: string): KerasReader => plain(() => ({ type }));

/** Of one value for all dimensions, as Keras writes them, that value. */
const shortest = (values: number | readonly number[]): number | readonly number[] =>
  typeof values !== "number" && values.every((value) => value === values[0]) ? (values[0] ?? 1) : values;

function overChannels(config: KerasConfig, place: Place, dimensions: number): Place {
  if (config.get("data_format", z.string().nullable(), null) === "channels_first")
    throw refusal('data_format is "channels_first"; save the model with "channels_last", Keras\' default');
  if (place.layout === "unknown" || (place.layout === "channels" && place.dimensions === dimensions))
    return { layout: "channels", dimensions };
  throw refusal(
    place.layout === "steps"
      ? "comes after layers over steps of features: here it takes channels first, and no layer swaps the two"
      : `takes samples of ${dimensions} dimensions and channels, and those before it give others`,
  );
}

/** No padding, or as much as keeps the size. */
function padding(config: KerasConfig): "valid" | "same" {
  return config.get("padding", z.enum(["valid", "same"], { error: 'expects "valid" or "same"' }), "valid");
}

const convolution =
  (dimensions: number): KerasReader =>
  (config, place) => {
    const next = overChannels(config, place, dimensions);
    const strides = shortest(config.get("strides", sizes, 1));
    const pad = padding(config);
    if (pad === "same" && strides !== 1) {
      throw refusal(
        `padding "same" with strides ${JSON.stringify(strides)}: TensorFlow pads by the input's size then, and PyTorch has no such padding. Put a ZeroPadding layer before it`,
      );
    }
    const layer = {
      type: `Conv${dimensions}d`,
      out_channels: config.get("filters", size),
      kernel_size: shortest(config.get("kernel_size", sizes)),
      ...(strides !== 1 && { stride: strides }),
      ...(pad === "same" && { padding: "same" }),
      ...optional("dilation", shortest(config.get("dilation_rate", sizes, 1)), 1),
      ...optional("groups", config.get("groups", size, 1), 1),
      ...optional("bias", config.get("use_bias", flag, true), true),
    };
    return { layers: [layer], place: next };
  };

const pool =
  (kind: "Max" | "Avg", dimensions: number): KerasReader =>
  (config, place) => {
    const next = overChannels(config, place, dimensions);
    const kernel = shortest(config.get("pool_size", sizes, 2));
    const strides = config.has("strides") ? shortest(config.get("strides", sizes)) : kernel;
    if (padding(config) === "same") throw refusal('padding is "same", which PyTorch\'s pools have not; use "valid"');
    const layer = { type: `${kind}Pool${dimensions}d`, kernel_size: kernel, ...optional("stride", strides, kernel) };
    return { layers: [layer], place: next };
  };

const globalPool =
  (kind: "Max" | "Average", dimensions: number): KerasReader =>
  (config, place) => {
    // Over steps of features it is the steps that are averaged, which here come first.
    const next = overChannels(config, place, dimensions);
    if (config.get("keepdims", flag, false)) throw refusal("keepdims is true; put a Reshape behind it instead");
    const layers =
      kind === "Average"
        ? [{ type: "GlobalAvgPool" }]
        : [{ type: `AdaptiveMaxPool${next.dimensions}d`, output_size: 1 }, { type: "Flatten" }];
    return { layers, place: { layout: "features", dimensions: 0 } };
  };

const zeroPadding =
  (dimensions: number): KerasReader =>
  (config, place) => {
    const next = overChannels(config, place, dimensions);
    const given = config.get("padding", z.union([z.int(), z.array(z.union([z.int(), z.array(z.int())]))]), 1);
    const sides =
      typeof given === "number" || dimensions === 1
        ? given
        : [...given].reverse().flatMap((side) => (typeof side === "number" ? [side, side] : side));
    return { layers: [{ type: `ZeroPad${dimensions}d`, padding: sides }], place: next };
  };

const upSampling =
  (dimensions: number): KerasReader =>
  (config, place) => {
    const next = overChannels(config, place, dimensions);
    const mode = config.get(
      "interpolation",
      z.enum(["nearest", "bilinear"], { error: 'expects "nearest" or "bilinear"' }),
      "nearest",
    );
    return {
      layers: [
        {
          type: "Upsample",
          scale_factor: shortest(config.get("size", sizes, 2)),
          ...optional("mode", mode, "nearest"),
        },
      ],
      place: next,
    };
  };

const recurrent =
  (type: "LSTM" | "GRU" | "RNN", bidirectional = false): KerasReader =>
  (config, place) => {
    if (place.layout === "channels")
      throw refusal("comes after layers over channels: here it takes steps first, and no layer swaps the two");
    const activation = config.get("activation", z.string(), "tanh");
    const isRelu = type === "RNN" && activation === "relu";
    if (activation !== "tanh" && !isRelu)
      throw refusal(
        `activation is ${JSON.stringify(activation)}; PyTorch's ${type} has tanh${type === "RNN" ? " and relu" : ""}`,
      );
    if (type !== "RNN") config.only("recurrent_activation", "sigmoid", "; PyTorch has sigmoid there");
    if (type === "GRU") config.only("reset_after", true, "; PyTorch's GRU resets after the product");
    config.only("go_backwards", false, ", which PyTorch has not");
    config.only("dropout", 0, "; put a Dropout before it instead");
    config.only("recurrent_dropout", 0, ", which PyTorch has not");
    const sequences = config.get("return_sequences", flag, false);
    const layer = {
      type,
      hidden_size: config.get("units", size),
      ...optional("bias", config.get("use_bias", flag, true), true),
      ...(isRelu && { nonlinearity: "relu" }),
      ...(bidirectional && { bidirectional }),
      ...(sequences && { return_sequences: true }),
    };
    return { layers: [layer], place: { layout: sequences ? "steps" : "features", dimensions: 0 } };
  };

const inner = z.looseObject({ class_name: z.string(), config: z.looseObject({}) });

/** How Keras writes a function. */
const called = z.looseObject({ class_name: z.literal("function"), config: z.string() });

const RECURRENT = { LSTM: "LSTM", GRU: "GRU", SimpleRNN: "RNN" } as const;

const dropout = (type: string): KerasReader =>
  plain((config, place) => {
    config.only("noise_shape", null, "; all values are dropped on their own here");
    if (type === "Dropout1d" && place.layout === "steps")
      throw refusal("drops features from all steps of a sample, which here would be steps; use Dropout");
    return { type, p: config.get("rate", z.number()) };
  });

/** In Keras 2 its slope was called alpha. */
const slopeOf = (config: KerasConfig): number =>
  config.get(config.has("alpha") ? "alpha" : "negative_slope", z.number(), 0.3);

const linear = (config: KerasConfig): LayerSpec[] => [
  {
    type: "Linear",
    out_features: config.get("units", size),
    ...optional("bias", config.get("use_bias", flag, true), true),
  },
];

export const kerasLayers: Readonly<Record<string, KerasReader>> = {
  Dense: (config, place) => {
    if (place.layout === "channels")
      throw refusal("comes after layers over channels; put a Flatten or a global pool before it");
    return { layers: linear(config), place };
  },
  Activation: (config, place) => ({ layers: activationLayers(config.get("activation", z.unknown()), place), place }),
  ReLU: plain((config) => {
    const most = config.has("max_value") ? config.get("max_value", z.number()) : null;
    const slope = config.get("negative_slope", z.number(), 0);
    if (config.get("threshold", z.number(), 0) !== 0 || (most !== null && slope !== 0))
      throw refusal("threshold, or max_value with negative_slope, is not possible here");
    if (slope !== 0) return { type: "LeakyReLU", negative_slope: slope };
    return most === null ? { type: "ReLU" } : { type: "Hardtanh", min_val: 0, max_val: most };
  }),
  LeakyReLU: plain((config) => ({ type: "LeakyReLU", negative_slope: slopeOf(config) })),
  ELU: plain((config) => ({ type: "ELU", ...optional("alpha", config.get("alpha", z.number(), 1), 1) })),
  Softmax: plain((config, place) => {
    const axis = config.get("axis", z.int(), -1);
    if (axis !== -1) throw refusal(`axis is ${axis}; the last one can be read`);
    return { type: "Softmax", dim: place.layout === "channels" ? 1 : -1 };
  }),
  Identity: one("Identity"),
  Dropout: dropout("Dropout"),
  AlphaDropout: dropout("AlphaDropout"),
  SpatialDropout1D: dropout("Dropout1d"),
  SpatialDropout2D: dropout("Dropout2d"),
  SpatialDropout3D: dropout("Dropout3d"),
  Flatten: () => ({ layers: [{ type: "Flatten" }], place: { layout: "features", dimensions: 0 } }),
  Embedding: (config) => {
    config.only("mask_zero", false, "; there are no masks here: steps of 0 would count as all others do");
    const layer = {
      type: "Embedding",
      num_embeddings: config.get("input_dim", size),
      embedding_dim: config.get("output_dim", size),
    };
    return { layers: [layer], place: { layout: "steps", dimensions: 0 } };
  },
  BatchNormalization: batchNorm,
  LayerNormalization: layerNorm,
  RMSNormalization: rmsNorm,
  GroupNormalization: groupNorm,
  Conv1D: convolution(1),
  Conv2D: convolution(2),
  Conv3D: convolution(3),
  MaxPooling1D: pool("Max", 1),
  MaxPooling2D: pool("Max", 2),
  MaxPooling3D: pool("Max", 3),
  AveragePooling1D: pool("Avg", 1),
  AveragePooling2D: pool("Avg", 2),
  AveragePooling3D: pool("Avg", 3),
  GlobalAveragePooling1D: globalPool("Average", 1),
  GlobalAveragePooling2D: globalPool("Average", 2),
  GlobalAveragePooling3D: globalPool("Average", 3),
  GlobalMaxPooling1D: globalPool("Max", 1),
  GlobalMaxPooling2D: globalPool("Max", 2),
  GlobalMaxPooling3D: globalPool("Max", 3),
  ZeroPadding1D: zeroPadding(1),
  ZeroPadding2D: zeroPadding(2),
  ZeroPadding3D: zeroPadding(3),
  UpSampling1D: upSampling(1),
  UpSampling2D: upSampling(2),
  UpSampling3D: upSampling(3),
  LSTM: recurrent("LSTM"),
  GRU: recurrent("GRU"),
  SimpleRNN: recurrent("RNN"),
  Bidirectional: (config, place) => {
    const { class_name, config: own } = config.get("layer", inner);
    const type = Object.entries(RECURRENT).find(([name]) => name === class_name)?.[1];
    if (!type) throw refusal(`holds a ${class_name}; LSTM, GRU and SimpleRNN can be read`);
    const merge = config.get("merge_mode", z.string().nullable(), "concat");
    if (merge !== "concat") throw refusal(`merge_mode is ${JSON.stringify(merge)}; "concat" can be read`);
    return recurrent(type, true)(config.of(own), place);
  },
  TimeDistributed: (config, place) => {
    const { class_name, config: own } = config.get("layer", inner);
    if (class_name !== "Dense" || place.layout === "channels")
      throw refusal(`holds a ${class_name}; Dense over steps of features can be read`);
    return { layers: [...linear(config.of(own)), ...activationLayers(own["activation"] ?? null, place)], place };
  },
};

const ACTIVATIONS: Readonly<Record<string, (dim: number) => LayerSpec | null>> = {
  linear: () => null,
  relu: () => ({ type: "ReLU" }),
  relu6: () => ({ type: "ReLU6" }),
  leaky_relu: () => ({ type: "LeakyReLU", negative_slope: 0.2 }),
  sigmoid: () => ({ type: "Sigmoid" }),
  tanh: () => ({ type: "Tanh" }),
  softmax: (dim) => ({ type: "Softmax", dim }),
  log_softmax: (dim) => ({ type: "LogSoftmax", dim }),
  elu: () => ({ type: "ELU" }),
  celu: () => ({ type: "CELU" }),
  selu: () => ({ type: "SELU" }),
  gelu: () => ({ type: "GELU" }),
  silu: () => ({ type: "SiLU" }),
  swish: () => ({ type: "SiLU" }),
  mish: () => ({ type: "Mish" }),
  softplus: () => ({ type: "Softplus" }),
  softsign: () => ({ type: "Softsign" }),
  hard_sigmoid: () => ({ type: "Hardsigmoid" }),
  hard_silu: () => ({ type: "Hardswish" }),
  hard_swish: () => ({ type: "Hardswish" }),
  hard_tanh: () => ({ type: "Hardtanh" }),
  hard_shrink: () => ({ type: "Hardshrink" }),
  soft_shrink: () => ({ type: "Softshrink" }),
  tanh_shrink: () => ({ type: "Tanhshrink" }),
  log_sigmoid: () => ({ type: "LogSigmoid" }),
};

/** An activation as layers of its own: by its name, as a function, or as a layer; none for "linear". */
export function activationLayers(given: unknown, place: Place): LayerSpec[] {
  const object = inner.or(called).safeParse(given).data;
  if (object && typeof object.config === "object") {
    const read = Object.hasOwn(kerasLayers, object.class_name) ? kerasLayers[object.class_name] : undefined;
    if (!read) throw refusal(`the activation ${object.class_name} is no layer that can be read`);
    return read(new KerasConfig(object.config), place).layers;
  }
  const name = given === null ? "linear" : (object?.config ?? given);
  const make = typeof name === "string" && Object.hasOwn(ACTIVATIONS, name) ? ACTIVATIONS[name] : undefined;
  if (!make) throw refusal(`the activation ${JSON.stringify(given)} is none of ${Object.keys(ACTIVATIONS).join(", ")}`);
  const layer = make(place.layout === "channels" ? 1 : -1);
  return layer ? [layer] : [];
}
