/** Normalisations as ONNX ops. */

import { elementCount } from "../../../engine/definitions.ts";
import { batchNormLayers } from "../../../engine/nn/batch-norm.ts";
import { groupNormLayer } from "../../../engine/nn/group-norm.ts";
import { instanceNormLayers } from "../../../engine/nn/instance-norm.ts";
import { FLOAT32_EPSILON, layerNormLayer, rmsNormLayer } from "../../../engine/nn/layer-norm.ts";
import { localResponseNormLayer, neighbours } from "../../../engine/nn/local-response-norm.ts";
import { rule } from "../../layer-rules.ts";
import type { Graph } from "../graph.ts";
import { float } from "../model.ts";
import type { OnnxContext } from "../onnx-rule.ts";
import { channelwise } from "./activations.ts";

/** (x − mean)/√(biased variance + eps) over these dimensions. */
function normalise(graph: Graph, x: string, axes: readonly number[], eps: number): string {
  const over = graph.ints(axes);
  const centred = graph.op("Sub", [x, graph.op("ReduceMean", [x, over], { keepdims: 1 })]);
  const variance = graph.op("ReduceMean", [graph.op("Mul", [centred, centred]), over], { keepdims: 1 });
  return graph.op("Div", [centred, graph.op("Sqrt", [graph.op("Add", [variance, graph.scalar(eps)])])]);
}

/** y·weight + bias for each channel, as far as the layer has them. */
function affine(graph: Graph, y: string, name: string, positions: number): string {
  const over = (part: string): string => {
    const weight = graph.weight(`${name}.${part}`);
    return positions === 0 ? weight : channelwise(graph, weight, positions);
  };
  const scaled = graph.hasWeight(`${name}.weight`) ? graph.op("Mul", [y, over("weight")]) : y;
  return graph.hasWeight(`${name}.bias`) ? graph.op("Add", [scaled, over("bias")]) : scaled;
}

/** A weight, or what stands for it where there is none. */
const weightOr = (graph: Graph, name: string, length: number, value: number): string =>
  graph.hasWeight(name) ? graph.weight(name) : graph.floats(new Array<number>(length).fill(value));

/** By running statistics. */
function running(graph: Graph, x: string, name: string, channels: number, eps: number): string {
  return graph.op(
    "BatchNormalization",
    [
      x,
      weightOr(graph, `${name}.weight`, channels, 1),
      weightOr(graph, `${name}.bias`, channels, 0),
      graph.weight(`${name}.running_mean`),
      graph.weight(`${name}.running_var`),
    ],
    { epsilon: float(eps) },
  );
}

export const normRules = [
  ...batchNormLayers.map((definition) =>
    rule(definition, ({ name, args, input }, { graph, x }: OnnxContext) => {
      const [channels = 1, ...positions] = input;
      if (args.track_running_stats) return running(graph, x, name, channels, args.eps);
      const axes = [0, ...positions.map((_, i) => i + 2)];
      return affine(graph, normalise(graph, x, axes, args.eps), name, positions.length);
    }),
  ),
  ...instanceNormLayers.map((definition) =>
    rule(definition, ({ name, args, input }, { graph, x }: OnnxContext) => {
      const [channels = 1] = input;
      if (args.track_running_stats) return running(graph, x, name, channels, args.eps);
      const weight = weightOr(graph, `${name}.weight`, channels, 1);
      const bias = weightOr(graph, `${name}.bias`, channels, 0);
      return graph.op("InstanceNormalization", [x, weight, bias], { epsilon: float(args.eps) });
    }),
  ),
  rule(groupNormLayer, ({ name, args, input }, { graph, x }: OnnxContext) => {
    const grouped = graph.reshape(x, [args.num_groups, elementCount(input) / args.num_groups]);
    const normalised = graph.reshape(normalise(graph, grouped, [2], args.eps), input);
    return affine(graph, normalised, name, input.length - 1);
  }),
  rule(layerNormLayer, ({ name, args }, { graph, x }: OnnxContext) => {
    const shape = [args.normalized_shape ?? []].flat();
    const ones = () => graph.floats(new Array<number>(elementCount(shape)).fill(1), shape);
    const scale = graph.hasWeight(`${name}.weight`) ? graph.weight(`${name}.weight`) : ones();
    const bias = graph.hasWeight(`${name}.bias`) ? graph.weight(`${name}.bias`) : null;
    return graph.op("LayerNormalization", [x, scale, bias], { axis: -shape.length, epsilon: float(args.eps) });
  }),
  rule(rmsNormLayer, ({ name, args }, { graph, x }: OnnxContext) => {
    const axes = [args.normalized_shape ?? []].flat().map((_, i, { length }) => i - length);
    const square = graph.op("ReduceMean", [graph.op("Mul", [x, x]), graph.ints(axes)], { keepdims: 1 });
    const root = graph.op("Sqrt", [graph.op("Add", [square, graph.scalar(args.eps ?? FLOAT32_EPSILON)])]);
    return affine(graph, graph.op("Div", [x, root]), name, 0);
  }),
  rule(localResponseNormLayer, ({ args, input }, { graph, x }: OnnxContext) => {
    const channels = input[0] ?? 1;
    const squares = graph.op("Mul", [x, x]);
    const around = graph.linearMap(squares, 1, input.length + 1, channels, neighbours(channels, args.size));
    const base = graph.op("Add", [graph.op("Mul", [around, graph.scalar(args.alpha)]), graph.scalar(args.k)]);
    return graph.op("Div", [x, graph.op("Pow", [base, graph.scalar(args.beta)])]);
  }),
];
