/** Definitions of RNN, LSTM and GRU as layers of a job: batch-first, giving the last step unless all are asked for. */
import { z } from "zod";
import { ShapeError, showShape } from "../shape.ts";
import { defineLayer } from "./definition.ts";
import { GRU, LSTM, RNN, recurrentSpecs } from "./recurrent.ts";
import { probability, size } from "./schema.ts";

const sizes = {
  input_size: size.optional().describe("Features of each step; follows from the data when left out"),
  hidden_size: size.describe("Features of the state"),
  num_layers: z.int().min(1).max(64).default(1).describe("Layers upon each other"),
};
const common = {
  bias: z.boolean().default(true).describe("Learn additive biases"),
  dropout: probability.default(0).describe("Dropout between the layers, in training"),
  bidirectional: z.boolean().default(false).describe("Go through the sequence in both directions"),
  return_sequences: z
    .boolean()
    .default(false)
    .describe("Give the state after every step, not only the last; of both directions joined"),
};

interface Given {
  readonly input_size?: number | undefined;
  readonly hidden_size: number;
  readonly num_layers: number;
  readonly bias: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  readonly return_sequences: boolean;
  readonly proj_size?: number;
}

/** Numbers kept for a unit and step, halved, by gates: of an LSTM gates, cell, state and their gradients. */
const keptOf = { 1: 2, 3: 6.5, 4: 5.5 } as const;

function resolve<Args extends Given>(given: Args, input: readonly number[], gates: keyof typeof keptOf) {
  const [steps, found] = input;
  if (input.length !== 2 || steps === undefined || found === undefined) {
    throw new ShapeError(`takes samples of shape [steps, features], got ${showShape(input)}`);
  }
  if (given.input_size !== undefined && given.input_size !== found) {
    throw new ShapeError(`expects ${found}, got ${given.input_size}`, "input_size");
  }
  const { hidden_size: hidden, proj_size: projected = 0 } = given;
  if (projected >= hidden)
    throw new ShapeError(`must be smaller than hidden_size ${hidden}, got ${projected}`, "proj_size");
  const directions = given.bidirectional ? 2 : 1;
  const features = projected || hidden;
  let flops = 0;
  for (let layer = 0; layer < given.num_layers; layer++) {
    const inputs = layer === 0 ? found : features * directions;
    flops += directions * steps * 2 * (gates * hidden * (inputs + features + 4) + projected * hidden);
  }
  const width = directions * features;
  return {
    args: { ...given, input_size: found },
    output: given.return_sequences ? [steps, width] : [width],
    flops,
    innerValues: given.num_layers * directions * steps * hidden * keptOf[gates],
  };
}

const options = (given: Given) => ({
  numLayers: given.num_layers,
  bias: given.bias,
  batchFirst: true,
  dropout: given.dropout,
  bidirectional: given.bidirectional,
});

/** What `forward` of the module gives in a job. */
function returning<M extends RNN | LSTM | GRU>(module: M, { return_sequences }: Given): M {
  module.returns = return_sequences ? "sequence" : "last";
  return module;
}

export const rnnLayer = defineLayer({
  type: "RNN",
  summary: "h = tanh(W_ih·x + b_ih + W_hh·h + b_hh) over the steps of a sequence",
  args: z.strictObject({ ...sizes, nonlinearity: z.enum(["tanh", "relu"]).default("tanh"), ...common }),
  resolve: (given, input) => resolve(given, input, 1),
  parameters: (given) =>
    recurrentSpecs(given.input_size ?? 0, given.hidden_size, { kind: given.nonlinearity, ...options(given) }),
  create: (given) =>
    returning(
      new RNN(given.input_size ?? 0, given.hidden_size, { ...options(given), nonlinearity: given.nonlinearity }),
      given,
    ),
});

export const lstmLayer = defineLayer({
  type: "LSTM",
  summary: "Long short-term memory over the steps of a sequence",
  args: z.strictObject({
    ...sizes,
    ...common,
    proj_size: z
      .int()
      .min(0)
      .max(2 ** 24)
      .default(0)
      .describe("Project the state to this size; 0: not at all"),
  }),
  resolve: (given, input) => resolve(given, input, 4),
  parameters: (given) =>
    recurrentSpecs(given.input_size ?? 0, given.hidden_size, {
      kind: "lstm",
      ...options(given),
      projSize: given.proj_size,
    }),
  create: (given) =>
    returning(
      new LSTM(given.input_size ?? 0, given.hidden_size, { ...options(given), projSize: given.proj_size }),
      given,
    ),
});

export const gruLayer = defineLayer({
  type: "GRU",
  summary: "Gated recurrent units over the steps of a sequence",
  args: z.strictObject({ ...sizes, ...common }),
  resolve: (given, input) => resolve(given, input, 3),
  parameters: (given) => recurrentSpecs(given.input_size ?? 0, given.hidden_size, { kind: "gru", ...options(given) }),
  create: (given) => returning(new GRU(given.input_size ?? 0, given.hidden_size, options(given)), given),
});
