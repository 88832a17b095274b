/** PyTorch's constructor calls of recurrent and attention modules as this library's, and their calls with all inputs. */
import { z } from "zod";
import {
  GRU,
  GRUCell,
  LSTM,
  LSTMCell,
  type Masks,
  type Module,
  MultiheadAttention,
  ops,
  RNN,
  RNNCell,
  type Tensor,
  Transformer,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
} from "../../../src/engine/index.ts";
import { type ModuleCase, namedArguments } from "./golden-cases.ts";

/** Each input of a call; LSTM's pair of states is one of two tensors. */
type Inputs = readonly (readonly Tensor[])[];
type Named = Readonly<Record<string, Tensor>>;

interface SequenceModule {
  readonly module: Module;
  readonly call: (inputs: Inputs, named: Named) => Tensor[];
}

const Recurrent = z.strictObject({
  input_size: z.number(),
  hidden_size: z.number(),
  num_layers: z.number().default(1),
  nonlinearity: z.enum(["tanh", "relu"]).default("tanh"),
  bias: z.boolean().default(true),
  batch_first: z.boolean().default(false),
  bidirectional: z.boolean().default(false),
  proj_size: z.number().default(0),
});

const Attention = z.strictObject({
  embed_dim: z.number(),
  num_heads: z.number(),
  bias: z.boolean().default(true),
  add_bias_kv: z.boolean().default(false),
  add_zero_attn: z.boolean().default(false),
  batch_first: z.boolean().default(false),
});

const Block = z.strictObject({
  d_model: z.number(),
  nhead: z.number(),
  num_encoder_layers: z.number().exactOptional(),
  num_decoder_layers: z.number().exactOptional(),
  dim_feedforward: z.number(),
  dropout: z.number(),
  activation: z.enum(["relu", "gelu"]).default("relu"),
  batch_first: z.boolean().default(false),
  norm_first: z.boolean().default(false),
  bias: z.boolean().default(true),
});

const present = (tensors: readonly (Tensor | null)[]): Tensor[] => tensors.filter((t) => t !== null);

function recurrent(type: "RNN" | "LSTM" | "GRU", given: ModuleCase): SequenceModule {
  const args = Recurrent.parse(namedArguments(given, []));
  const options = {
    numLayers: args.num_layers,
    bias: args.bias,
    batchFirst: args.batch_first,
    bidirectional: args.bidirectional,
  };
  const [features, hidden] = [args.input_size, args.hidden_size];
  const module =
    type === "RNN"
      ? new RNN(features, hidden, { ...options, nonlinearity: args.nonlinearity })
      : type === "LSTM"
        ? new LSTM(features, hidden, { ...options, projSize: args.proj_size })
        : new GRU(features, hidden, options);
  const call = (inputs: Inputs): Tensor[] => {
    const [x, h, c] = inputs.flat();
    const { output, ...states } = module.run(need(x), { ...(h && { h }), ...(c && { c }) });
    return present([output, states.h, states.c]);
  };
  return { module, call };
}

function cell(type: "RNNCell" | "LSTMCell" | "GRUCell", given: ModuleCase): SequenceModule {
  const args = Recurrent.parse(namedArguments(given, ["input_size", "hidden_size", "bias"]));
  const [features, hidden] = [args.input_size, args.hidden_size];
  const module =
    type === "RNNCell"
      ? new RNNCell(features, hidden, args.bias, args.nonlinearity)
      : type === "LSTMCell"
        ? new LSTMCell(features, hidden, args.bias)
        : new GRUCell(features, hidden, args.bias);
  const call = (inputs: Inputs): Tensor[] => {
    const [x, h, c] = inputs.flat();
    const states = module.step(need(x), h, c);
    return present([states.h, states.c]);
  };
  return { module, call };
}

function attention(given: ModuleCase): SequenceModule {
  const args = Attention.parse(namedArguments(given, []));
  const module = new MultiheadAttention(args.embed_dim, args.num_heads, {
    bias: args.bias,
    addBiasKv: args.add_bias_kv,
    addZeroAttn: args.add_zero_attn,
    batchFirst: args.batch_first,
  });
  const call = (inputs: Inputs, named: Named): Tensor[] => {
    const [q, k, v] = inputs.flat();
    const { output, weights } = module.attend(need(q), need(k), need(v), masks(named));
    return [output, weights];
  };
  return { module, call };
}

function block(given: ModuleCase) {
  const args = Block.parse(namedArguments(given, ["d_model", "nhead", "dim_feedforward", "dropout"]));
  const options = {
    ...(args.num_encoder_layers !== undefined && { numEncoderLayers: args.num_encoder_layers }),
    ...(args.num_decoder_layers !== undefined && { numDecoderLayers: args.num_decoder_layers }),
    dimFeedforward: args.dim_feedforward,
    dropout: args.dropout,
    activation: args.activation,
    batchFirst: args.batch_first,
    normFirst: args.norm_first,
    bias: args.bias,
  };
  return { width: args.d_model, heads: args.nhead, options };
}

function encoder(given: ModuleCase): SequenceModule {
  const { width, heads, options } = block(given);
  const module = new TransformerEncoderLayer(width, heads, options);
  return { module, call: (inputs, named) => [module.encode(need(inputs.flat()[0]), masks(named))] };
}

function decoder(given: ModuleCase): SequenceModule {
  const { width, heads, options } = block(given);
  const module = new TransformerDecoderLayer(width, heads, options);
  const call = (inputs: Inputs, named: Named): Tensor[] => {
    const [target, memory] = inputs.flat();
    return [module.decode(need(target), need(memory), { target: masks(named, "tgt"), memory: masks(named, "memory") })];
  };
  return { module, call };
}

function transformer(given: ModuleCase): SequenceModule {
  const { width, heads, options } = block(given);
  const module = new Transformer(width, heads, options);
  const call = (inputs: Inputs, named: Named): Tensor[] => {
    const [source, target] = inputs.flat();
    const all = { source: masks(named, "src"), target: masks(named, "tgt"), memory: masks(named, "memory") };
    return [module.transform(need(source), need(target), all)];
  };
  return { module, call };
}

/** PyTorch's bool masks, which come as 0 and 1: what is to be ignored. */
function masks(named: Named, of = "src"): Masks {
  const padding = named["key_padding_mask"] ?? named[`${of}_key_padding_mask`];
  const ignored = named["attn_mask"] ?? named[`${of}_mask`];
  return {
    ...(padding && { keyPaddingMask: padding }),
    ...(ignored && { attnMask: ops.where(ignored, Number.NEGATIVE_INFINITY, 0) }),
  };
}

function need(tensor: Tensor | undefined): Tensor {
  if (!tensor) throw new Error("the case lacks an input");
  return tensor;
}

const makers: Readonly<Record<string, (given: ModuleCase) => SequenceModule>> = {
  RNN: (given) => recurrent("RNN", given),
  LSTM: (given) => recurrent("LSTM", given),
  GRU: (given) => recurrent("GRU", given),
  RNNCell: (given) => cell("RNNCell", given),
  LSTMCell: (given) => cell("LSTMCell", given),
  GRUCell: (given) => cell("GRUCell", given),
  MultiheadAttention: attention,
  TransformerEncoderLayer: encoder,
  TransformerDecoderLayer: decoder,
  Transformer: transformer,
};

export const SEQUENCE_MODULES: readonly string[] = Object.keys(makers);

export function createSequenceModule(type: string, given: ModuleCase): SequenceModule {
  const make = makers[type];
  if (!make) throw new Error(`There is no such module as ${type} here.`);
  return make(given);
}
