/** Pools and upsampling as ONNX ops: what runtimes compute differently from PyTorch is written as a product along each dimension. */
import { adaptiveAveragePoolLayers, globalAvgPoolLayer } from "../../../engine/nn/adaptive-average-pool.ts";
import { adaptiveAverages, adaptiveSize, adaptiveWindows } from "../../../engine/nn/adaptive-size.ts";
import {
  type AverageArgs,
  avgPool1dLayer,
  dividedPoolLayers,
  normPoolLayers,
  windowAverages,
} from "../../../engine/nn/average-pool.ts";
import { adaptiveMaxPoolLayers, maxPoolLayers, poolAmounts } from "../../../engine/nn/max-pool.ts";
import { listOf, type Sizes } from "../../../engine/nn/spatial.ts";
import { fixedUpsampleLayers, upsampleLayer } from "../../../engine/nn/upsample.ts";
import { dimensionsOf, type PlacedLayer, rule } from "../../layer-rules.ts";
import type { Graph } from "../graph.ts";
import { float } from "../model.ts";
import type { OnnxContext } from "../onnx-rule.ts";
import { padsOf } from "./convolutions.ts";

function average({ type, args, input }: PlacedLayer<AverageArgs>, { graph, x }: OnnxContext): string {
  const dimensions = dimensionsOf(type);
  if (!args.ceil_mode && (args.divisor_override ?? null) === null) {
    const padding = listOf(args.padding, dimensions);
    return graph.op("AveragePool", [x], {
      kernel_shape: listOf(args.kernel_size, dimensions),
      strides: listOf(args.stride ?? args.kernel_size, dimensions),
      pads: [...padding, ...padding],
      count_include_pad: Number(args.count_include_pad),
    });
  }
  return windowAverages(args, dimensions).reduce((y, rows, i) => {
    const length = input[i + 1] ?? 1;
    return graph.linearMap(y, i + 2, dimensions + 2, length, rows(length));
  }, x);
}

/** Where each dimension's windows share the input evenly: their sizes. */
function evenWindows(input: readonly number[], size: readonly number[]): number[] | null {
  const windows = input.map((length, i) => length / (size[i] ?? 1));
  return windows.every(Number.isInteger) ? windows : null;
}

/** The largest of each window along one dimension. */
function largest(graph: Graph, x: string, axis: number, length: number, count: number): string {
  const windows = adaptiveWindows(length, count).map(([from, to]) => {
    const window = graph.op("Slice", [x, graph.ints([from]), graph.ints([to]), graph.ints([axis])]);
    return graph.op("ReduceMax", [window, graph.ints([axis])], { keepdims: 1 });
  });
  return graph.op("Concat", windows, { axis });
}

interface UpsampleArgs {
  readonly size: Sizes | null;
  readonly scale_factor: Sizes | null;
  readonly mode: string;
  readonly align_corners: boolean | null;
  readonly recompute_scale_factor: boolean | null;
}

function resize({ args, output }: PlacedLayer<UpsampleArgs>, { graph, x }: OnnxContext): string {
  const { mode, align_corners: aligned } = args;
  const positions = output.length - 1;
  const byFactor = args.scale_factor !== null && args.recompute_scale_factor !== true;
  const factors =
    typeof args.scale_factor === "number"
      ? new Array<number>(positions).fill(args.scale_factor)
      : (args.scale_factor ?? []);
  const scales = byFactor ? graph.floats([1, 1, ...factors]) : null;
  const axes = Array.from({ length: positions }, (_, i) => i + 2);
  const sizes = byFactor ? null : graph.ints(output.slice(1));
  const nearest = mode.startsWith("nearest");
  const attributes = nearest
    ? {
        mode: "nearest",
        coordinate_transformation_mode: mode === "nearest" ? "asymmetric" : "half_pixel",
        nearest_mode: mode === "nearest" ? "floor" : "round_prefer_ceil",
      }
    : {
        mode: mode === "bicubic" ? "cubic" : "linear",
        coordinate_transformation_mode: aligned ? "align_corners" : "half_pixel",
        ...(mode === "bicubic" && { cubic_coeff_a: float(-0.75) }),
      };
  return graph.op("Resize", [x, null, scales, sizes], { ...attributes, ...(sizes && { axes }) });
}

export const poolingRules = [
  ...maxPoolLayers.map((definition) =>
    rule(definition, ({ type, args, input, output }, { graph, x }: OnnxContext) => {
      const dimensions = dimensionsOf(type);
      return graph.op("MaxPool", [x], {
        kernel_shape: listOf(args.kernel_size, dimensions),
        strides: listOf(args.stride ?? args.kernel_size, dimensions),
        dilations: listOf(args.dilation, dimensions),
        pads: padsOf(poolAmounts(args, input, output, dimensions)),
      });
    }),
  ),
  ...adaptiveMaxPoolLayers.map((definition) =>
    rule(definition, ({ type, args, input }, { graph, x }: OnnxContext) => {
      const lengths = input.slice(1);
      const size = adaptiveSize(args.output_size, lengths, dimensionsOf(type));
      const even = evenWindows(lengths, size);
      if (even) return graph.op("MaxPool", [x], { kernel_shape: even, strides: even });
      return size.reduce((y, count, i) => largest(graph, y, i + 2, lengths[i] ?? 1, count), x);
    }),
  ),
  rule(avgPool1dLayer, average),
  ...dividedPoolLayers.map((definition) => rule(definition, average)),
  ...normPoolLayers.map((definition) =>
    rule(definition, (layer, { graph, x }: OnnxContext) => {
      const { args, type } = layer;
      const count = listOf(args.kernel_size, dimensionsOf(type)).reduce((a, b) => a * b, 1);
      const powers = graph.op("Pow", [x, graph.scalar(args.norm_type)]);
      const plain = { ...args, padding: 0, count_include_pad: true };
      const means = average({ ...layer, args: plain }, { graph, x: powers });
      return graph.op("Pow", [graph.op("Mul", [means, graph.scalar(count)]), graph.scalar(1 / args.norm_type)]);
    }),
  ),
  ...adaptiveAveragePoolLayers.map((definition) =>
    rule(definition, ({ type, args, input }, { graph, x }: OnnxContext) => {
      const lengths = input.slice(1);
      const size = adaptiveSize(args.output_size, lengths, dimensionsOf(type));
      const even = evenWindows(lengths, size);
      if (even) return graph.op("AveragePool", [x], { kernel_shape: even, strides: even });
      return size.reduce((y, count, i) => {
        const length = lengths[i] ?? 1;
        return count === length
          ? y
          : graph.linearMap(y, i + 2, size.length + 2, length, adaptiveAverages(length, count));
      }, x);
    }),
  ),
  rule(globalAvgPoolLayer, ({ input }, { graph, x }: OnnxContext) =>
    graph.op("ReduceMean", [x, graph.ints(input.slice(1).map((_, i) => i + 2))], { keepdims: 0 }),
  ),
  rule(upsampleLayer, resize),
  ...fixedUpsampleLayers.map(({ definition, asUpsample }) =>
    rule(definition, (layer, context: OnnxContext) => resize({ ...layer, args: asUpsample(layer.args) }, context)),
  ),
];
