/** RNN, LSTM and GRU as ONNX ops: theirs where there is one, a Scan for an LSTM with a projection. */
import { gruLayer, lstmLayer, rnnLayer } from "../../../engine/nn/recurrent-layers.ts";
import { reordered } from "../../arrays.ts";
import { type PlacedLayer, rule } from "../../layer-rules.ts";
import { Graph } from "../graph.ts";
import type { OnnxContext } from "../onnx-rule.ts";

interface Args {
  readonly hidden_size: number;
  readonly num_layers: number;
  readonly bias: boolean;
  readonly bidirectional: boolean;
  readonly return_sequences: boolean;
  readonly proj_size?: number;
}

/** How ONNX has one of the three. */
interface Form {
  readonly op: "RNN" | "LSTM" | "GRU";
  /** For each of ONNX's gates, its place among PyTorch's. */
  readonly gates: readonly number[];
  readonly attributes: (directions: number) => Readonly<Record<string, number | readonly string[]>>;
}

/** PyTorch: input, forget, cell, output; ONNX: input, output, forget, cell. */
const LSTM: Form = { op: "LSTM", gates: [0, 3, 1, 2], attributes: () => ({}) };
/** PyTorch: reset, update, new; ONNX: update, reset, new. */
const GRU: Form = { op: "GRU", gates: [1, 0, 2], attributes: () => ({ linear_before_reset: 1 }) };
const rnn = (activation: "Tanh" | "Relu"): Form => ({
  op: "RNN",
  gates: [0],
  attributes: (directions) => ({ activations: new Array<string>(directions).fill(activation) }),
});

/** Every step's states (steps, N, features) of one layer, and the last of each direction. */
interface Steps {
  readonly all: string;
  /** (N, directions·features) */
  readonly last: string;
}

function layers(form: Form, { name, args, input }: PlacedLayer<Args>, { graph, x }: OnnxContext): string {
  const [steps = 1] = input;
  const features = (args.bidirectional ? 2 : 1) * (args.proj_size || args.hidden_size);
  let made: Steps = { all: graph.op("Transpose", [x], { perm: [1, 0, 2] }), last: x };
  for (let layer = 0; layer < args.num_layers; layer++) {
    made = args.proj_size
      ? projected(graph, made.all, name, layer, args)
      : oneLayer(form, graph, made.all, name, layer, args, steps);
  }
  if (!args.return_sequences) return made.last;
  return graph.reshape(graph.op("Transpose", [made.all], { perm: [1, 0, 2] }), [steps, features]);
}

const directionsOf = (args: Args): readonly string[] => (args.bidirectional ? ["", "_reverse"] : [""]);

function oneLayer(form: Form, graph: Graph, x: string, name: string, layer: number, args: Args, steps: number): Steps {
  const directions = directionsOf(args);
  const { hidden_size: hidden } = args;
  const stacked = (part: string): string => {
    const parts = directions.map((direction) => graph.weightValues(`${name}.${part}_l${layer}${direction}`));
    const columns = (parts[0]?.data.length ?? 0) / (form.gates.length * hidden);
    const values = parts.flatMap((part) => [...reordered(part, form.gates).data]);
    return graph.floats(values, [directions.length, form.gates.length * hidden, columns]);
  };
  const biases = (): string => {
    const values = directions.flatMap((direction) =>
      ["bias_ih", "bias_hh"].flatMap((part) => [
        ...reordered(graph.weightValues(`${name}.${part}_l${layer}${direction}`), form.gates).data,
      ]),
    );
    return graph.floats(values, [directions.length, 2 * form.gates.length * hidden]);
  };
  const [all = "", last = ""] = graph.ops(
    form.op,
    [x, stacked("weight_ih"), stacked("weight_hh"), args.bias ? biases() : null],
    {
      hidden_size: hidden,
      direction: args.bidirectional ? "bidirectional" : "forward",
      ...form.attributes(directions.length),
    },
    2,
  );
  const width = directions.length * hidden;
  // (steps, directions, N, hidden) → (steps, N, directions·hidden)
  const joined = graph.op("Reshape", [
    graph.op("Transpose", [all], { perm: [0, 2, 1, 3] }),
    graph.ints([steps, -1, width]),
  ]);
  return { all: joined, last: graph.reshape(graph.op("Transpose", [last], { perm: [1, 0, 2] }), [width]) };
}

/** One layer of an LSTM with proj_size, which ONNX's has not: a Scan for each direction. */
function projected(graph: Graph, x: string, name: string, layer: number, args: Args): Steps {
  const made = directionsOf(args).map((direction) => scan(graph, x, `${name}.`, `l${layer}${direction}`, args));
  const joined = (parts: readonly string[], axis: number): string =>
    parts.length === 1 ? (parts[0] ?? "") : graph.op("Concat", parts, { axis });
  return {
    all: joined(
      made.map(({ all }) => all),
      2,
    ),
    last: joined(
      made.map(({ last }) => last),
      1,
    ),
  };
}

function scan(graph: Graph, x: string, name: string, end: string, args: Args): Steps {
  const { hidden_size: hidden, proj_size: features = 0, bias } = args;
  const reverse = end.endsWith("_reverse");
  const transposed = (part: string): string =>
    graph.op("Transpose", [graph.weight(`${name}${part}_${end}`)], { perm: [1, 0] });
  const [inputs, states, projection] = [transposed("weight_ih"), transposed("weight_hh"), transposed("weight_hr")];

  const body = new Graph(new Map(), graph);
  const inner = (part: string): string => `${name}${end}.${part}`;
  const [h, c, step] = [inner("h"), inner("c"), inner("step")];
  const sum = body.op("Add", [body.op("MatMul", [step, inputs]), body.op("MatMul", [h, states])]);
  const biased = bias
    ? body.op("Add", [
        body.op("Add", [sum, graph.weight(`${name}bias_ih_${end}`)]),
        graph.weight(`${name}bias_hh_${end}`),
      ])
    : sum;
  const [i = "", f = "", g = "", o = ""] = body.ops("Split", [biased], { axis: -1, num_outputs: 4 }, 4);
  const kept = body.op("Mul", [body.op("Sigmoid", [f]), c]);
  const cell = body.op("Add", [kept, body.op("Mul", [body.op("Sigmoid", [i]), body.op("Tanh", [g])])]);
  const output = body.op("Mul", [body.op("Sigmoid", [o]), body.op("Tanh", [cell])]);
  const state = body.op("MatMul", [output, projection]);
  const value = (called: string, width: number | string) =>
    ({ name: called, type: "float", shape: ["N", width] }) as const;
  const told = body.op("Identity", [state]);
  const loop = body.buildBody(
    `${name}${end}`,
    [value(h, features), value(c, hidden), value(step, "features")],
    [value(state, features), value(cell, hidden), value(told, features)],
  );

  const batch = graph.op("Slice", [graph.op("Shape", [x]), graph.ints([1]), graph.ints([2])]);
  const zeros = (width: number): string =>
    graph.op("ConstantOfShape", [graph.op("Concat", [batch, graph.ints([width])], { axis: 0 })]);
  const [last = "", , all = ""] = graph.ops(
    "Scan",
    [zeros(features), zeros(hidden), x],
    {
      body: loop,
      num_scan_inputs: 1,
      scan_input_directions: [Number(reverse)],
      scan_output_directions: [Number(reverse)],
    },
    3,
  );
  return { all, last };
}

export const recurrentRules = [
  rule(rnnLayer, (layer, context: OnnxContext) =>
    layers(rnn(layer.args.nonlinearity === "relu" ? "Relu" : "Tanh"), layer, context),
  ),
  rule(lstmLayer, (layer, context: OnnxContext) => layers(LSTM, layer, context)),
  rule(gruLayer, (layer, context: OnnxContext) => layers(GRU, layer, context)),
];
