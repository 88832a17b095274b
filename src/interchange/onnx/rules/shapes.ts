/** Linear, embeddings, and layers that move values or give them on, as ONNX ops. */
import { dropoutLayers } from "../../../engine/nn/dropout.ts";
import { embeddingBagLayer, embeddingLayer, placeOf, shortened } from "../../../engine/nn/embedding.ts";
import { flattenLayer, identityLayer, unflattenLayer } from "../../../engine/nn/flatten.ts";
import { linearLayer } from "../../../engine/nn/linear.ts";
import { channelShuffleLayer, pixelShuffleLayer, pixelUnshuffleLayer } from "../../../engine/nn/shuffle.ts";
import { listOf } from "../../../engine/nn/spatial.ts";
import { foldLayer, unfoldLayer } from "../../../engine/nn/unfold.ts";
import { rule } from "../../layer-rules.ts";
import type { Graph } from "../graph.ts";
import type { OnnxContext } from "../onnx-rule.ts";

/** y = xWᵀ + b, W by its name; `rank` counts the batch. */
export function linear(graph: Graph, x: string, name: string, rank: number): string {
  const weight = graph.weight(`${name}.weight`);
  const bias = graph.hasWeight(`${name}.bias`) ? graph.weight(`${name}.bias`) : null;
  if (rank === 2) return graph.op("Gemm", [x, weight, bias], { transB: 1 });
  const product = graph.op("MatMul", [x, graph.op("Transpose", [weight], { perm: [1, 0] })]);
  return bias === null ? product : graph.op("Add", [product, bias]);
}

/** The last three dimensions, channels, height and width, reshaped to `parts`, put in another order, and joined again. */
function rearrange(
  { graph, x }: OnnxContext,
  input: readonly number[],
  parts: readonly number[],
  order: readonly number[],
  output: readonly number[],
): string {
  const before = input.slice(0, -3);
  const kept = [0, ...before.map((_, i) => i + 1)];
  const apart = graph.reshape(x, [...before, ...parts]);
  return graph.reshape(graph.transpose(apart, [...kept, ...order.map((i) => i + kept.length)]), output);
}

/** Rows of a table by the whole numbers of x; rows longer than max_norm are stored as long as it. */
function lookUp(
  { graph, x }: OnnxContext,
  name: string,
  { max_norm, norm_type }: { readonly max_norm: number | null; readonly norm_type: number },
): { readonly index: string; readonly rows: string } {
  const index = graph.op("Cast", [x], { to: 7 });
  const { shape, data } = shortened(graph.weightValues(`${name}.weight`), max_norm, norm_type);
  const table = max_norm === null ? graph.weight(`${name}.weight`) : graph.floats(data, shape);
  return { index, rows: graph.op("Gather", [table, index], { axis: 0 }) };
}

export const shapeRules = [
  rule(linearLayer, ({ name, input }, { graph, x }: OnnxContext) => linear(graph, x, name, input.length + 1)),
  rule(identityLayer, (_, { x }: OnnxContext) => x),
  rule(flattenLayer, ({ output }, { graph, x }: OnnxContext) => graph.reshape(x, output)),
  rule(unflattenLayer, ({ output }, { graph, x }: OnnxContext) => graph.reshape(x, output)),
  // They drop while training alone.
  ...dropoutLayers.map((definition) => rule(definition, (_, { x }: OnnxContext) => x)),

  rule(pixelShuffleLayer, ({ args: { upscale_factor: r }, input, output }, context: OnnxContext) => {
    const [c = 0, h = 0, w = 0] = input.slice(-3);
    return rearrange(context, input, [c / (r * r), r, r, h, w], [0, 3, 1, 4, 2], output);
  }),
  rule(pixelUnshuffleLayer, ({ args: { downscale_factor: r }, input, output }, context: OnnxContext) => {
    const [c = 0, h = 0, w = 0] = input.slice(-3);
    return rearrange(context, input, [c, h / r, r, w / r, r], [0, 2, 4, 1, 3], output);
  }),
  rule(channelShuffleLayer, ({ args: { groups }, input }, { graph, x }: OnnxContext) => {
    const [channels = 0, ...positions] = input;
    const rest = positions.reduce((a, b) => a * b, 1);
    const grouped = graph.reshape(x, [groups, channels / groups, rest]);
    return graph.reshape(graph.transpose(grouped, [0, 2, 1, 3]), input);
  }),
  rule(unfoldLayer, ({ args, input, output }, { graph, x }: OnnxContext) => {
    const [kernel, dilation, padding, stride] = [args.kernel_size, args.dilation, args.padding, args.stride].map(
      (each) => listOf(each, 2),
    );
    const [channels = 0, ...image] = input;
    const [top = 0, left = 0] = padding ?? [];
    const padded = graph.op("Pad", [x, graph.ints([0, 0, top, left, 0, 0, top, left]), graph.scalar(0)]);
    const counts: number[] = [];
    const windows = image.reduce((y, length, i) => {
      const [wide = 1, apart = 1, added = 0, step = 1] = [kernel?.[i], dilation?.[i], padding?.[i], stride?.[i]];
      const count = Math.floor((length + 2 * added - apart * (wide - 1) - 1) / step) + 1;
      counts.push(count);
      const places = Array.from(
        { length: wide * count },
        (_, at) => (at % count) * step + Math.floor(at / count) * apart,
      );
      return graph.gather(y, places, i + 2);
    }, padded);
    const [rows = 1, columns = 1] = counts;
    const apart = graph.reshape(windows, [channels, kernel?.[0] ?? 1, rows, kernel?.[1] ?? 1, columns]);
    return graph.reshape(graph.transpose(apart, [0, 1, 2, 4, 3, 5]), output);
  }),
  rule(foldLayer, ({ args }, { graph, x }: OnnxContext) => {
    const padding = listOf(args.padding, 2);
    return graph.op("Col2Im", [x, graph.ints(listOf(args.output_size, 2)), graph.ints(listOf(args.kernel_size, 2))], {
      dilations: listOf(args.dilation, 2),
      pads: [...padding, ...padding],
      strides: listOf(args.stride, 2),
    });
  }),

  rule(embeddingLayer, ({ name, args }, context: OnnxContext) => lookUp(context, name, args).rows),
  rule(embeddingBagLayer, ({ name, args }, context: OnnxContext) => {
    const { graph } = context;
    const { index, rows } = lookUp(context, name, args);
    const over = graph.ints([1]);
    const flat = { keepdims: 0 };
    const padding = placeOf(args.padding_idx, args.num_embeddings);
    const reduced = { sum: "ReduceSum", mean: "ReduceMean", max: "ReduceMax" } as const;
    if (padding === null) return graph.op(reduced[args.mode], [rows, over], flat);
    const isPadding = graph.op("Unsqueeze", [graph.op("Equal", [index, graph.ints([padding], [])]), graph.ints([2])]);
    const none = graph.scalar(0);
    const kept = graph.op("Where", [isPadding, none, graph.scalar(1)]);
    const count = graph.op("ReduceSum", [kept, over], flat);
    if (args.mode === "max") {
      const masked = graph.op("Where", [isPadding, graph.scalar(Number.NEGATIVE_INFINITY), rows]);
      // A bag of padding alone gives 0.
      return graph.op("Where", [graph.op("Equal", [count, none]), none, graph.op("ReduceMax", [masked, over], flat)]);
    }
    const total = graph.op("ReduceSum", [graph.op("Where", [isPadding, none, rows]), over], flat);
    return args.mode === "sum" ? total : graph.op("Div", [total, graph.op("Max", [count, graph.scalar(1)])]);
  }),
];
