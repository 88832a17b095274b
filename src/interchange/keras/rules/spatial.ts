/** Convolutions, pools, paddings and upsampling as Keras has them, with channels last. */
import { adaptiveAveragePoolLayers, globalAvgPoolLayer } from "../../../engine/nn/adaptive-average-pool.ts";
import { adaptiveAverages, adaptiveSize, adaptiveWindows } from "../../../engine/nn/adaptive-size.ts";
import {
  type AverageArgs,
  avgPool1dLayer,
  dividedPoolLayers,
  normPoolLayers,
  windowAverages,
} from "../../../engine/nn/average-pool.ts";
import { convolutionLayers, convolutionPadding } from "../../../engine/nn/convolution.ts";
import { transposedConvolutionLayers } from "../../../engine/nn/convolution-transpose.ts";
import { type Amounts, type EdgeMode, edgeSources } from "../../../engine/nn/edges.ts";
import { adaptiveMaxPoolLayers, maxPoolLayers, poolAmounts } from "../../../engine/nn/max-pool.ts";
import {
  constantPadLayers,
  edgePadLayers,
  type Padding,
  paddingAmounts,
  zeroPadLayers,
} from "../../../engine/nn/padding.ts";
import { listOf } from "../../../engine/nn/spatial.ts";
import { fixedUpsampleLayers, interpolations, upsampleLayer } from "../../../engine/nn/upsample.ts";
import { permuted } from "../../arrays.ts";
import { dimensionsOf, edgeMode, type PlacedLayer, rule } from "../../layer-rules.ts";
import { literal } from "../../python/source.ts";
import { inexpressible, type KerasModel } from "../keras-model.ts";

const isOne = (values: readonly number[]): boolean => values.every((value) => value === 1);

const isNone = (amounts: readonly Amounts[]): boolean => amounts.flat().every((amount) => amount === 0);

/** Whether Keras' own layers pad and crop so: one axis before the positions, and channels behind them. */
const areBetween = (amounts: readonly Amounts[], first: number, rank: number): boolean =>
  first === 1 && rank === amounts.length + 2;

/** As they take them: a pair for each dimension, or one alone. */
const pairs = (amounts: readonly Amounts[]): string => literal(amounts.length === 1 ? amounts[0] : amounts);

/** Numbers added around positions that lie from axis `first` on. */
function pad(model: KerasModel, amounts: readonly Amounts[], first: number, rank: number, value = "0.0"): void {
  if (isNone(amounts)) return;
  const all = Array.from({ length: rank }, (_, i) => amounts[i - first] ?? [0, 0]);
  model.add(
    value === "0.0" && areBetween(amounts, first, rank)
      ? `layers.ZeroPadding${amounts.length}D(${pairs(amounts)})`
      : `layers.Lambda(lambda x: ops.pad(x, ${literal(all)}, constant_values=${value}))`,
  );
}

/** Positions left out at both ends. */
function crop(model: KerasModel, amounts: readonly Amounts[], first: number, rank: number): void {
  if (isNone(amounts)) return;
  const kept = amounts.map(([before, after]) => `${before}:${after === 0 ? "" : -after}`);
  model.add(
    areBetween(amounts, first, rank)
      ? `layers.Cropping${amounts.length}D(${pairs(amounts)})`
      : `layers.Lambda(lambda x: x[..., ${kept.join(", ")}])`,
  );
}

function padEdges(
  model: KerasModel,
  mode: EdgeMode,
  amounts: readonly Amounts[],
  lengths: readonly number[],
  first: number,
): void {
  amounts.forEach((amount, i) => {
    if (!isNone([amount]))
      model.form("Take", `${literal(edgeSources(mode, lengths[i] ?? 1, amount))}, axis=${first + i}`);
  });
}

function padConstant(model: KerasModel, padding: Padding, value: string, type: string, input: readonly number[]): void {
  const dimensions = dimensionsOf(type);
  const amounts = paddingAmounts(padding, dimensions);
  const rank = input.length + 1;
  const haveChannels = rank === dimensions + 2;
  if (haveChannels) model.channelsLast(dimensions);
  else model.channelsFirst();
  const first = haveChannels ? 1 : rank - dimensions;
  const atLeastNone = (sign: 1 | -1) =>
    amounts.map(([before, after]): Amounts => [Math.max(0, sign * before), Math.max(0, sign * after)]);
  crop(model, atLeastNone(-1), first, rank);
  pad(model, atLeastNone(1), first, rank, value);
}

function average({ type, args, input }: PlacedLayer<AverageArgs>, model: KerasModel): void {
  const dimensions = dimensionsOf(type);
  const isPadded = listOf(args.padding, dimensions).some((added) => added > 0);
  if (!args.ceil_mode && (args.divisor_override ?? null) === null && !isPadded) {
    const [kernel, stride] = [args.kernel_size, args.stride ?? args.kernel_size].map((each) =>
      listOf(each, dimensions),
    );
    model.channelsLast(dimensions);
    model.add(`layers.AveragePooling${dimensions}D(${tuple(kernel)}, strides=${tuple(stride)})`);
    return;
  }
  model.channelsFirst();
  for (const [i, rows] of windowAverages(args, dimensions).entries()) {
    const length = input[i + 1] ?? 1;
    model.linearMap(i + 2, length, rows(length));
  }
}

/** A single number where there is one dimension: some layers of Keras want that. */
const tuple = (values: readonly number[] = []): string => (values.length === 1 ? String(values[0]) : literal(values));

function upsample({ args, input }: PlacedLayer<Parameters<typeof interpolations>[0]>, model: KerasModel): void {
  model.channelsFirst();
  for (const [i, rows] of interpolations(args, input.slice(1)).entries())
    model.linearMap(i + 2, input[i + 1] ?? 1, rows);
}

export const spatialRules = [
  ...convolutionLayers.map((definition) =>
    rule(definition, (layer, model: KerasModel) => {
      const { type, name, args, input } = layer;
      const dimensions = dimensionsOf(type);
      const kernel = listOf(args.kernel_size, dimensions);
      const [stride, dilation] = [listOf(args.stride, dimensions), listOf(args.dilation, dimensions)];
      if (!isOne(stride) && !isOne(dilation))
        throw inexpressible(layer, "Keras takes strides or dilation above 1, not both");
      if (dimensions === 3 && (args.groups > 1 || !isOne(dilation)))
        throw inexpressible(layer, "TensorFlow has no 3D convolution with groups or dilation on a CPU");
      model.channelsLast(dimensions);
      const amounts = convolutionPadding(args.padding, kernel, dilation, dimensions);
      if (args.padding_mode === "zeros") pad(model, amounts, 1, dimensions + 2);
      else padEdges(model, args.padding_mode, amounts, input.slice(1), 1);
      const options = [
        ...(isOne(stride) ? [] : [`strides=${tuple(stride)}`]),
        ...(isOne(dilation) ? [] : [`dilation_rate=${tuple(dilation)}`]),
        ...(args.groups > 1 ? [`groups=${args.groups}`] : []),
        ...(args.bias ? [] : ["use_bias=False"]),
      ];
      const weight = permuted(model.weight(`${name}.weight`), [...kernel.map((_, i) => i + 2), 1, 0]);
      model.add(`layers.Conv${dimensions}D(${[args.out_channels, tuple(kernel), ...options].join(", ")})`, [
        weight,
        ...model.existing(`${name}.bias`),
      ]);
    }),
  ),
  ...transposedConvolutionLayers.map((definition) =>
    rule(definition, (layer, model: KerasModel) => {
      const { type, name, args, input, output } = layer;
      const dimensions = dimensionsOf(type);
      const kernel = listOf(args.kernel_size, dimensions);
      const [stride, dilation] = [listOf(args.stride, dimensions), listOf(args.dilation, dimensions)];
      if (args.groups > 1) throw inexpressible(layer, "Keras has no transposed convolutions in groups");
      if (!isOne(dilation))
        throw inexpressible(layer, "Keras computes dilated transposed convolutions in no backend alike");
      model.channelsLast(dimensions);
      const weight = permuted(model.weight(`${name}.weight`), [...kernel.map((_, i) => i + 2), 1, 0]);
      const extra = listOf(args.output_padding, dimensions);
      const isPadded = extra.some((added) => added > 0);
      const options = [
        `strides=${tuple(stride)}`,
        ...(isPadded ? [`output_padding=${tuple(extra)}`] : []),
        ...(args.bias ? [] : ["use_bias=False"]),
      ];
      model.add(`layers.Conv${dimensions}DTranspose(${[args.out_channels, tuple(kernel), ...options].join(", ")})`, [
        weight,
        ...model.existing(`${name}.bias`),
      ]);
      // What PyTorch's padding takes away; without output_padding Keras also has what strides reach beyond the kernel.
      const padding = listOf(args.padding, dimensions);
      const crops = kernel.map((wide, i): Amounts => {
        const [length = 1, step = 1, before = 0, kept = 1] = [input[i + 1], stride[i], padding[i], output[i + 1]];
        const made = isPadded ? (length - 1) * step + wide + (extra[i] ?? 0) : length * step + Math.max(wide - step, 0);
        return [before, made - before - kept];
      });
      crop(model, crops, 1, dimensions + 2);
    }),
  ),
  ...maxPoolLayers.map((definition) =>
    rule(definition, (layer, model: KerasModel) => {
      const { type, args, input, output } = layer;
      const dimensions = dimensionsOf(type);
      const kernel = listOf(args.kernel_size, dimensions);
      const stride = listOf(args.stride ?? args.kernel_size, dimensions);
      if (!isOne(listOf(args.dilation, dimensions))) throw inexpressible(layer, "Keras has no pools with dilation");
      model.channelsLast(dimensions);
      pad(model, poolAmounts(args, input, output, dimensions), 1, dimensions + 2, "-np.inf");
      model.add(`layers.MaxPooling${dimensions}D(${tuple(kernel)}, strides=${tuple(stride)})`);
    }),
  ),
  ...adaptiveMaxPoolLayers.map((definition) =>
    rule(definition, ({ type, args, input }, model: KerasModel) => {
      model.channelsFirst();
      const lengths = input.slice(1);
      adaptiveSize(args.output_size, lengths, dimensionsOf(type)).forEach((count, i) => {
        const windows = adaptiveWindows(lengths[i] ?? 1, count);
        const axis = i + 2;
        model.add(
          `layers.Lambda(lambda x: ops.stack([ops.max(ops.take(x, range(a, b), axis=${axis}), axis=${axis}) for a, b in ${literal(windows)}], axis=${axis}))`,
        );
      });
    }),
  ),
  rule(avgPool1dLayer, average),
  ...dividedPoolLayers.map((definition) => rule(definition, average)),
  ...normPoolLayers.map((definition) =>
    rule(definition, (layer, model: KerasModel) => {
      const { args, type } = layer;
      const count = listOf(args.kernel_size, dimensionsOf(type)).reduce((a, b) => a * b, 1);
      model.add(`layers.Lambda(lambda x: x ** ${args.norm_type})`);
      average({ ...layer, args: { ...args, padding: 0, count_include_pad: true } }, model);
      model.add(`layers.Lambda(lambda x: (x * ${count}) ** ${1 / args.norm_type})`);
    }),
  ),
  ...adaptiveAveragePoolLayers.map((definition) =>
    rule(definition, ({ type, args, input }, model: KerasModel) => {
      model.channelsFirst();
      const lengths = input.slice(1);
      adaptiveSize(args.output_size, lengths, dimensionsOf(type)).forEach((count, i) => {
        const length = lengths[i] ?? 1;
        if (count !== length) model.linearMap(i + 2, length, adaptiveAverages(length, count));
      });
    }),
  ),
  rule(globalAvgPoolLayer, ({ input }, model: KerasModel) => {
    model.channelsFirst();
    model.add(`layers.Lambda(lambda x: ops.mean(x, axis=${literal(input.slice(1).map((_, i) => i + 2))}))`);
  }),
  ...zeroPadLayers.map((definition) =>
    rule(definition, ({ type, args, input }, model: KerasModel) =>
      padConstant(model, args.padding, "0.0", type, input),
    ),
  ),
  ...constantPadLayers.map((definition) =>
    rule(definition, ({ type, args, input }, model: KerasModel) =>
      padConstant(model, args.padding, String(args.value), type, input),
    ),
  ),
  ...edgePadLayers.map((definition) =>
    rule(definition, ({ type, args, input }, model: KerasModel) => {
      model.channelsFirst();
      const amounts = paddingAmounts(args.padding, dimensionsOf(type));
      const first = input.length - amounts.length;
      padEdges(model, edgeMode(type), amounts, input.slice(first), first + 1);
    }),
  ),
  rule(upsampleLayer, upsample),
  ...fixedUpsampleLayers.map(({ definition, asUpsample }) =>
    rule(definition, (layer, model: KerasModel) => upsample({ ...layer, args: asUpsample(layer.args) }, model)),
  ),
];
