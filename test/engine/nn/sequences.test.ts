/** Recurrent layers, attention and positions: what PyTorch's golden cases leave open. */
import { describe, expect, test } from "vitest";
import {
  GRU,
  LSTM,
  layers,
  type Module,
  MultiheadAttention,
  PositionalEncoding,
  RNN,
  randn,
  type Tensor,
  TransformerEncoderLayer,
  tensor,
  zeros,
} from "../../../src/engine/index.ts";
import "../device-of-the-tests.ts";

const values = (t: Tensor): number[] => Array.from(t.data());

/** A layer as a job makes it. */
function layer(type: string, given: Record<string, unknown>, input: readonly number[]): Module {
  const definition = layers.get(type);
  if (!definition) throw new Error(`no layer ${type}`);
  return definition.create(definition.args.parse(definition.resolve(definition.args.parse(given), input).args)).seed(1);
}

describe("a recurrent layer of a job", () => {
  const x = randn([2, 5, 3]);

  test("gives the last step, or all if asked", () => {
    const last = layer("GRU", { hidden_size: 4 }, [5, 3]).forward(x);
    const all = layer("GRU", { hidden_size: 4, return_sequences: true }, [5, 3]).forward(x);
    expect(all.shape).toEqual([2, 5, 4]);
    expect(last.toList()).toEqual(all.slice(1, 4, 5).reshape([2, 4]).toList());
  });

  test("gives both directions' last states joined: of the last step and of the first", () => {
    const given = { hidden_size: 4, bidirectional: true, num_layers: 2 };
    const last = layer("LSTM", given, [5, 3]).forward(x);
    const all = layer("LSTM", { ...given, return_sequences: true }, [5, 3]).forward(x);
    expect(last.shape).toEqual([2, 8]);
    expect(last.slice(1, 0, 4).toList()).toEqual(all.slice(1, 4, 5).slice(2, 0, 4).reshape([2, 4]).toList());
    expect(last.slice(1, 4, 8).toList()).toEqual(all.slice(1, 0, 1).slice(2, 4, 8).reshape([2, 4]).toList());
  });

  test("drops between its layers in training alone", () => {
    const module = layer("RNN", { hidden_size: 4, num_layers: 2, dropout: 0.5 }, [5, 3]);
    const [first, second] = [module.forward(x), module.forward(x)];
    expect(values(first)).not.toEqual(values(second));
    module.eval();
    expect(values(module.forward(x))).toEqual(values(module.forward(x)));
  });
});

test("states can be handed on: two halves of a sequence are the whole", () => {
  const x = randn([6, 2, 3]);
  for (const module of [
    new RNN(3, 4).seed(1),
    new GRU(3, 4, { numLayers: 2 }).seed(1),
    new LSTM(3, 4, { projSize: 2 }).seed(1),
  ]) {
    const whole = module.run(x);
    const { h, c } = module.run(x.slice(0, 0, 3));
    const rest = module.run(x.slice(0, 3, 6), { h, ...(c && { c }) });
    const difference = whole.output.slice(0, 3, 6).sub(rest.output).abs();
    expect(Math.max(...values(difference))).toBeLessThan(1e-6);
  }
});

test("weights carry PyTorch's names, all within ±1/√hidden", () => {
  const module = new LSTM(3, 4, { numLayers: 2, bidirectional: true, projSize: 2 }).seed(1);
  const names = [...module.stateDict().keys()];
  expect(names.slice(0, 10)).toEqual([
    "weight_ih_l0",
    "weight_hh_l0",
    "bias_ih_l0",
    "bias_hh_l0",
    "weight_hr_l0",
    "weight_ih_l0_reverse",
    "weight_hh_l0_reverse",
    "bias_ih_l0_reverse",
    "bias_hh_l0_reverse",
    "weight_hr_l0_reverse",
  ]);
  expect(names).toHaveLength(20);
  for (const { data } of module.stateDict().values()) expect(data.every((v) => Math.abs(v) <= 0.5)).toBe(true);
});

describe("causal attention", () => {
  for (const [type, given] of [
    ["MultiheadAttention", { num_heads: 2, causal: true }],
    ["TransformerEncoderLayer", { nhead: 2, dim_feedforward: 8, causal: true, dropout: 0 }],
  ] as const) {
    test(`${type}: a step depends on no later one`, () => {
      const module = layer(type, given, [5, 4]);
      const x = randn([1, 5, 4]);
      const changed = x.add(tensor([[[0], [0], [0], [1], [-1]]]));
      const [a, b] = [module.forward(x), module.forward(changed)];
      expect(values(a.slice(1, 0, 3))).toEqual(values(b.slice(1, 0, 3)));
      expect(values(a.slice(1, 3, 5))).not.toEqual(values(b.slice(1, 3, 5)));
    });
  }
});

describe("positional encoding", () => {
  test("adds sin(p/10000^(2i/d)) and its cosine", () => {
    const y = values(new PositionalEncoding(4).forward(zeros([1, 3, 4])));
    const expected = [0, 1, 2].flatMap((p) => [Math.sin(p), Math.cos(p), Math.sin(p / 100), Math.cos(p / 100)]);
    y.forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i] ?? Number.NaN, 6);
    });
    expect(new PositionalEncoding(4).stateDict().size).toBe(0);
  });

  test("takes any length up to its longest, also an odd number of features", () => {
    const module = new PositionalEncoding(3, "sinusoidal", 4);
    expect(module.forward(zeros([2, 1, 3])).shape).toEqual([2, 1, 3]);
    expect(module.forward(zeros([2, 4, 3])).shape).toEqual([2, 4, 3]);
    expect(() => module.forward(zeros([2, 5, 3]))).toThrow("(N, L, 3) with L up to 4, got [2, 5, 3]");
  });

  test("learns a table, of which a shorter sequence takes the first rows", () => {
    const module = new PositionalEncoding(2, "learned", 4).seed(1);
    const y = module.forward(zeros([1, 3, 2]));
    expect(values(y)).toEqual(Array.from(module.stateDict().get("weight")?.data.slice(0, 6) ?? []));
    y.sum().backward();
    expect(module.weight?.grad?.toList()).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
      [0, 0],
    ]);
  });
});

test("attention starts as PyTorch does: Xavier for the inputs' weights, no biases", () => {
  const state = new MultiheadAttention(6, 2).seed(1).stateDict();
  const largest = (name: string): number => Math.max(...Array.from(state.get(name)?.data ?? [], Math.abs));
  expect([...state.keys()]).toEqual(["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"]);
  // √(6/(18 + 6)) and 1/√6
  expect(largest("in_proj_weight")).toBeLessThanOrEqual(0.5);
  expect(largest("in_proj_weight")).toBeGreaterThan(0.45);
  expect(largest("out_proj.weight")).toBeLessThanOrEqual(Math.fround(1 / Math.sqrt(6)));
  expect([largest("in_proj_bias"), largest("out_proj.bias")]).toEqual([0, 0]);
});

test("keys and values may have features of their own", () => {
  const module = new MultiheadAttention(4, 2, { kdim: 3, vdim: 5, batchFirst: true }).seed(1);
  expect([...module.stateDict().keys()].slice(0, 3)).toEqual(["q_proj_weight", "k_proj_weight", "v_proj_weight"]);
  const { output, weights } = module.attend(randn([2, 6, 4]), randn([2, 7, 3]), randn([2, 7, 5]));
  expect([output.shape, weights.shape]).toEqual([
    [2, 6, 4],
    [2, 6, 7],
  ]);
});

test("an encoder layer drops in training alone", () => {
  const module = new TransformerEncoderLayer(4, 2, { dimFeedforward: 8, batchFirst: true }).seed(1);
  const x = randn([1, 3, 4]);
  expect(values(module.forward(x))).not.toEqual(values(module.forward(x)));
  module.eval();
  expect(values(module.forward(x))).toEqual(values(module.forward(x)));
});
