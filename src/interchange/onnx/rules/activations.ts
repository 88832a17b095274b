/** Activations as ONNX ops. */
import * as nn from "../../../engine/nn/activations.ts";
import { gluLayer } from "../../../engine/nn/glu.ts";
import { preluLayer, rreluLayer } from "../../../engine/nn/learned-slopes.ts";
import { impliedDim, LogSoftmax, Softmax, Softmax2d, Softmin } from "../../../engine/nn/softmax.ts";
import { type PlacedLayer, rule } from "../../layer-rules.ts";
import type { Graph } from "../graph.ts";
import { float } from "../model.ts";
import type { OnnxContext } from "../onnx-rule.ts";

/** One op that takes x alone. */
const plain =
  (op: string) =>
  (_: unknown, { graph, x }: OnnxContext): string =>
    graph.op(op, [x]);

const clip = (graph: Graph, x: string, low: number, high: number): string =>
  graph.op("Clip", [x, graph.scalar(low), graph.scalar(high)]);

/** Dimension of the softmaxes, counted with the batch. */
const axisOf = ({ args, input }: PlacedLayer<{ dim: number | null }>): number => impliedDim(input.length + 1, args.dim);

export const activationRules = [
  rule(nn.ReLU.definition, plain("Relu")),
  rule(nn.ReLU6.definition, (_, { graph, x }: OnnxContext) => clip(graph, x, 0, 6)),
  rule(nn.LeakyReLU.definition, ({ args }, { graph, x }: OnnxContext) =>
    graph.op("LeakyRelu", [x], { alpha: float(args.negative_slope) }),
  ),
  rule(nn.ELU.definition, ({ args }, { graph, x }: OnnxContext) => graph.op("Elu", [x], { alpha: float(args.alpha) })),
  rule(nn.CELU.definition, ({ args }, { graph, x }: OnnxContext) =>
    graph.op("Celu", [x], { alpha: float(args.alpha) }),
  ),
  rule(nn.SELU.definition, plain("Selu")),
  rule(nn.GELU.definition, ({ args }, { graph, x }: OnnxContext) =>
    graph.op("Gelu", [x], { approximate: args.approximate }),
  ),
  rule(nn.SiLU.definition, (_, { graph, x }: OnnxContext) => graph.op("Mul", [x, graph.op("Sigmoid", [x])])),
  rule(nn.Mish.definition, plain("Mish")),
  rule(nn.Sigmoid.definition, plain("Sigmoid")),
  rule(nn.Tanh.definition, plain("Tanh")),
  rule(nn.LogSigmoid.definition, (_, { graph, x }: OnnxContext) =>
    graph.op("Neg", [graph.op("Softplus", [graph.op("Neg", [x])])]),
  ),
  rule(nn.Softsign.definition, plain("Softsign")),
  rule(nn.Tanhshrink.definition, (_, { graph, x }: OnnxContext) => graph.op("Sub", [x, graph.op("Tanh", [x])])),
  rule(nn.Softplus.definition, ({ args }, { graph, x }: OnnxContext) => {
    const scaled = graph.op("Mul", [x, graph.scalar(args.beta)]);
    const curve = graph.op("Div", [graph.op("Softplus", [scaled]), graph.scalar(args.beta)]);
    return graph.op("Where", [graph.op("Greater", [scaled, graph.scalar(args.threshold)]), x, curve]);
  }),
  rule(nn.Hardtanh.definition, ({ args }, { graph, x }: OnnxContext) => clip(graph, x, args.min_val, args.max_val)),
  rule(nn.Hardsigmoid.definition, (_, { graph, x }: OnnxContext) =>
    graph.op("HardSigmoid", [x], { alpha: float(1 / 6), beta: float(0.5) }),
  ),
  rule(nn.Hardswish.definition, plain("HardSwish")),
  rule(nn.Hardshrink.definition, ({ args }, { graph, x }: OnnxContext) =>
    graph.op("Shrink", [x], { lambd: float(args.lambd), bias: float(0) }),
  ),
  rule(nn.Softshrink.definition, ({ args }, { graph, x }: OnnxContext) =>
    graph.op("Shrink", [x], { lambd: float(args.lambd), bias: float(args.lambd) }),
  ),
  rule(nn.Threshold.definition, ({ args }, { graph, x }: OnnxContext) =>
    graph.op("Where", [graph.op("Greater", [x, graph.scalar(args.threshold)]), x, graph.scalar(args.value)]),
  ),
  rule(gluLayer, ({ args, input }, { graph, x }: OnnxContext) => {
    const axis = args.dim < 0 ? args.dim + input.length + 1 : args.dim;
    const [value = "", gate = ""] = graph.ops("Split", [x], { axis, num_outputs: 2 }, 2);
    return graph.op("Mul", [value, graph.op("Sigmoid", [gate])]);
  }),
  rule(preluLayer, ({ name, args, input }, { graph, x }: OnnxContext) => {
    const slope = graph.weight(`${name}.weight`);
    const perChannel = args.num_parameters > 1 && input.length > 1;
    return graph.op("PRelu", [x, perChannel ? channelwise(graph, slope, input.length - 1) : slope]);
  }),
  rule(rreluLayer, ({ args }, { graph, x }: OnnxContext) =>
    graph.op("LeakyRelu", [x], { alpha: float((args.lower + args.upper) / 2) }),
  ),
  rule(Softmax.definition, (layer, { graph, x }: OnnxContext) => graph.op("Softmax", [x], { axis: axisOf(layer) })),
  rule(LogSoftmax.definition, (layer, { graph, x }: OnnxContext) =>
    graph.op("LogSoftmax", [x], { axis: axisOf(layer) }),
  ),
  rule(Softmin.definition, (layer, { graph, x }: OnnxContext) =>
    graph.op("Softmax", [graph.op("Neg", [x])], { axis: axisOf(layer) }),
  ),
  rule(Softmax2d.definition, (_, { graph, x }: OnnxContext) => graph.op("Softmax", [x], { axis: 1 })),
];

/** A weight for each channel, in the shape that lies over (N, C, …positions). */
export const channelwise = (graph: Graph, weight: string, positions: number): string =>
  graph.op("Reshape", [weight, graph.ints([-1, ...new Array<number>(positions).fill(1)])]);
