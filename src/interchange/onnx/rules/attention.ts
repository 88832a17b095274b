/** Attention, transformer layers and positional encodings as ONNX ops. */
import { attentionLayer, encoderLayer } from "../../../engine/nn/attention-layers.ts";
import { encoderStackLayer } from "../../../engine/nn/encoder-stack-layer.ts";
import { positionalEncodingLayer, sinusoids } from "../../../engine/nn/positional-encoding.ts";
import { rule } from "../../layer-rules.ts";
import type { Graph } from "../graph.ts";
import { float } from "../model.ts";
import type { OnnxContext } from "../onnx-rule.ts";
import { linear } from "./shapes.ts";

interface Attention {
  readonly heads: number;
  readonly steps: number;
  readonly features: number;
  readonly causal: boolean;
  readonly zeroKey: boolean;
}

/** softmax(q·kᵀ/√d)·v in several heads, of (N, steps, features). */
function attend(graph: Graph, x: string, name: string, { heads, steps, features, causal, zeroKey }: Attention): string {
  const size = features / heads;
  const weight = graph.op("Transpose", [graph.weight(`${name}.in_proj_weight`)], { perm: [1, 0] });
  const product = graph.op("MatMul", [x, weight]);
  const biased = graph.hasWeight(`${name}.in_proj_bias`)
    ? graph.op("Add", [product, graph.weight(`${name}.in_proj_bias`)])
    : product;
  const [q = "", k = "", v = ""] = graph.ops("Split", [biased], { axis: 2, num_outputs: 3 }, 3);

  const forEach = (row: string): string => {
    const batch = graph.op("Slice", [graph.op("Shape", [x]), graph.ints([0]), graph.ints([1])]);
    return graph.op("Expand", [row, graph.op("Concat", [batch, graph.ints([1, features])], { axis: 0 })]);
  };
  const longer = (keys: string, extra: "bias_k" | "bias_v"): string => {
    const rows = [keys];
    if (graph.hasWeight(`${name}.${extra}`)) rows.push(forEach(graph.weight(`${name}.${extra}`)));
    if (zeroKey) rows.push(forEach(graph.floats(new Array<number>(features).fill(0), [1, 1, features])));
    return rows.length === 1 ? keys : graph.op("Concat", rows, { axis: 1 });
  };
  // What is added is never masked.
  const sources = steps + Number(graph.hasWeight(`${name}.bias_k`)) + Number(zeroKey);
  const apart = (rows: string, count: number, perm: readonly number[]): string =>
    graph.op("Transpose", [graph.reshape(rows, [count, heads, size])], { perm });

  const queries = graph.op("Mul", [apart(q, steps, [0, 2, 1, 3]), graph.scalar(1 / Math.sqrt(size))]);
  const scores = graph.op("MatMul", [queries, apart(longer(k, "bias_k"), sources, [0, 2, 3, 1])]);
  const masked = causal ? graph.op("Add", [scores, causalMask(graph, steps, sources)]) : scores;
  const weights = graph.op("Softmax", [masked], { axis: -1 });
  const values = graph.op("MatMul", [weights, apart(longer(v, "bias_v"), sources, [0, 2, 1, 3])]);
  const joined = graph.reshape(graph.op("Transpose", [values], { perm: [0, 2, 1, 3] }), [steps, features]);
  return linear(graph, joined, `${name}.out_proj`, 3);
}

function causalMask(graph: Graph, steps: number, sources: number): string {
  const values = Float32Array.from({ length: steps * sources }, (_, i) =>
    i % sources > Math.floor(i / sources) ? Number.NEGATIVE_INFINITY : 0,
  );
  return graph.floats(values, [steps, sources]);
}

interface Encoder {
  readonly nhead: number;
  readonly activation: "relu" | "gelu";
  readonly layer_norm_eps: number;
  readonly norm_first: boolean;
  readonly causal: boolean;
}

function encode(
  graph: Graph,
  x: string,
  name: string,
  args: Encoder,
  [steps = 1, features = 1]: readonly number[],
): string {
  const norm = (value: string, part: string): string => layerNorm(graph, value, `${name}.${part}`, args.layer_norm_eps);
  const attention = (value: string): string =>
    attend(graph, value, `${name}.self_attn`, {
      heads: args.nhead,
      steps,
      features,
      causal: args.causal,
      zeroKey: false,
    });
  const feed = (value: string): string => {
    const hidden = linear(graph, value, `${name}.linear1`, 3);
    return linear(graph, graph.op(args.activation === "gelu" ? "Gelu" : "Relu", [hidden]), `${name}.linear2`, 3);
  };
  if (args.norm_first) {
    const y = graph.op("Add", [x, attention(norm(x, "norm1"))]);
    return graph.op("Add", [y, feed(norm(y, "norm2"))]);
  }
  const y = norm(graph.op("Add", [x, attention(x)]), "norm1");
  return norm(graph.op("Add", [y, feed(y)]), "norm2");
}

function layerNorm(graph: Graph, x: string, name: string, eps: number): string {
  const bias = graph.hasWeight(`${name}.bias`) ? graph.weight(`${name}.bias`) : null;
  return graph.op("LayerNormalization", [x, graph.weight(`${name}.weight`), bias], { axis: -1, epsilon: float(eps) });
}

export const attentionRules = [
  rule(attentionLayer, ({ name, args, input: [steps = 1, features = 1] }, { graph, x }: OnnxContext) =>
    attend(graph, x, name, {
      heads: args.num_heads,
      steps,
      features,
      causal: args.causal,
      zeroKey: args.add_zero_attn,
    }),
  ),
  rule(encoderLayer, ({ name, args, input }, { graph, x }: OnnxContext) => encode(graph, x, name, args, input)),
  rule(encoderStackLayer, ({ name, args, input }, { graph, x }: OnnxContext) => {
    let y = x;
    for (let i = 0; i < args.num_layers; i++) y = encode(graph, y, `${name}.layers.${i}`, args.encoder_layer, input);
    return args.norm ? layerNorm(graph, y, `${name}.norm`, 1e-5) : y;
  }),
  rule(positionalEncodingLayer, ({ name, args, input }, { graph, x }: OnnxContext) => {
    const [steps = 1, features = 1] = input;
    if (args.kind === "sinusoidal")
      return graph.op("Add", [x, graph.floats(sinusoids(steps, features), [steps, features])]);
    const table = graph.weight(`${name}.weight`);
    return graph.op("Add", [x, graph.op("Slice", [table, graph.ints([0]), graph.ints([steps]), graph.ints([0])])]);
  }),
];
