/** Convolutions and paddings as ONNX ops. */
import { convolutionLayers, convolutionPadding } from "../../../engine/nn/convolution.ts";
import { transposedConvolutionLayers } from "../../../engine/nn/convolution-transpose.ts";
import { type Amounts, type EdgeMode, edgeSources } from "../../../engine/nn/edges.ts";
import {
  constantPadLayers,
  edgePadLayers,
  type Padding,
  paddingAmounts,
  zeroPadLayers,
} from "../../../engine/nn/padding.ts";
import { listOf, type Spatial } from "../../../engine/nn/spatial.ts";
import { dimensionsOf, edgeMode, rule } from "../../layer-rules.ts";
import type { Graph } from "../graph.ts";
import type { OnnxContext } from "../onnx-rule.ts";

const convolution = convolutionLayers.map((definition) =>
  rule(definition, ({ type, name, args, input }, { graph, x }: OnnxContext) => {
    const dimensions = dimensionsOf(type);
    const kernel = listOf(args.kernel_size, dimensions);
    const dilations = listOf(args.dilation, dimensions);
    const amounts = convolutionPadding(args.padding, kernel, dilations, dimensions);
    const mode = args.padding_mode;
    const padded = mode === "zeros" ? x : padEdges(graph, x, mode, amounts, input.slice(1));
    const added = mode === "zeros" ? amounts : amounts.map((): Amounts => [0, 0]);
    return graph.op("Conv", [padded, graph.weight(`${name}.weight`), biasOf(graph, name, args.bias)], {
      kernel_shape: kernel,
      strides: listOf(args.stride, dimensions),
      dilations,
      group: args.groups,
      pads: padsOf(added),
    });
  }),
);

const transposed = transposedConvolutionLayers.map((definition) =>
  rule(definition, ({ type, name, args }, { graph, x }: OnnxContext) => {
    const dimensions = dimensionsOf(type);
    const padding = listOf(args.padding, dimensions);
    return graph.op("ConvTranspose", [x, graph.weight(`${name}.weight`), biasOf(graph, name, args.bias)], {
      kernel_shape: listOf(args.kernel_size, dimensions),
      strides: listOf(args.stride, dimensions),
      dilations: listOf(args.dilation, dimensions),
      output_padding: listOf(args.output_padding, dimensions),
      group: args.groups,
      pads: [...padding, ...padding],
    });
  }),
);

const biasOf = (graph: Graph, name: string, has: boolean): string | null => (has ? graph.weight(`${name}.bias`) : null);

/** ONNX's order: all beginnings, then all ends. */
export const padsOf = (amounts: readonly Amounts[]): number[] => [
  ...amounts.map(([before]) => before),
  ...amounts.map(([, after]) => after),
];

/** The last dimensions, which have these lengths, padded by what they hold. */
function padEdges(
  graph: Graph,
  x: string,
  mode: EdgeMode,
  amounts: readonly Amounts[],
  lengths: readonly number[],
): string {
  const first = lengths.length - amounts.length;
  return amounts.reduce((y, amount, i) => {
    if (amount[0] === 0 && amount[1] === 0) return y;
    // From the end, since what comes before may have more dimensions than channels.
    return graph.gather(y, edgeSources(mode, lengths[first + i] ?? 1, amount), i - amounts.length);
  }, x);
}

function padConstant(
  graph: Graph,
  x: string,
  padding: Padding,
  value: number,
  dimensions: Spatial,
  rank: number,
): string {
  const none = Array.from({ length: rank - dimensions }, (): Amounts => [0, 0]);
  const pads = padsOf([...none, ...paddingAmounts(padding, dimensions)]);
  return graph.op("Pad", [x, graph.ints(pads), graph.scalar(value)]);
}

export const convolutionRules = [
  ...convolution,
  ...transposed,
  ...zeroPadLayers.map((definition) =>
    rule(definition, ({ type, args, input }, { graph, x }: OnnxContext) =>
      padConstant(graph, x, args.padding, 0, dimensionsOf(type), input.length + 1),
    ),
  ),
  ...constantPadLayers.map((definition) =>
    rule(definition, ({ type, args, input }, { graph, x }: OnnxContext) =>
      padConstant(graph, x, args.padding, args.value, dimensionsOf(type), input.length + 1),
    ),
  ),
  ...edgePadLayers.map((definition) =>
    rule(definition, ({ type, args, input }, { graph, x }: OnnxContext) => {
      return padEdges(graph, x, edgeMode(type), paddingAmounts(args.padding, dimensionsOf(type)), input);
    }),
  ),
];
