/** Modules: found parts, names, weights in and out, seeds. */
import { expect, test } from "vitest";
import {
  Dropout,
  LayerNorm,
  Linear,
  Module,
  manualSeed,
  ones,
  RMSNorm,
  Sequential,
  Tanh,
  type Tensor,
  zeros,
} from "../../../src/engine/index.ts";
import "../device-of-the-tests.ts";

class Net extends Module {
  readonly hidden = new Sequential(new Linear(3, 4), new Tanh(), new Dropout(0.5));
  readonly out = new Linear(4, 2, false);
  forward(x: Tensor): Tensor {
    return this.out.forward(this.hidden.forward(x));
  }
}

const values = (t: Tensor): number[] => Array.from(t.data());

test("weights carry PyTorch's state_dict names", () => {
  expect([...new Net().stateDict().keys()]).toEqual(["hidden.0.weight", "hidden.0.bias", "out.weight"]);
});

test("weights go out and in again", () => {
  const [a, b] = [new Net().seed(1).eval(), new Net().seed(2).eval()];
  const x = zeros([1, 3]).add(0.5);
  expect(values(b.forward(x))).not.toEqual(values(a.forward(x)));
  b.loadStateDict(a.stateDict());
  expect(values(b.forward(x))).toEqual(values(a.forward(x)));
});

test("weights that don't belong to a model are named", () => {
  const state = new Net().stateDict();
  state.delete("out.weight");
  state.set("out.bias", { shape: [2], data: new Float32Array(2) });
  expect(() => new Net().loadStateDict(state)).toThrow("missing: out.weight; unexpected: out.bias");
  const wrong = new Map([["out.weight", { shape: [2, 5], data: new Float32Array(10) }]]);
  expect(() => new Net().loadStateDict(wrong, { strict: false })).toThrow(
    "out.weight has shape [2, 5], the model wants [2, 4]",
  );
});

test("a seed decides the weights, by name", () => {
  const weights = (seed: number): number[] => values(new Net().seed(seed).hidden.forward(zeros([1, 3])));
  expect(new Net().seed(3).stateDict()).toEqual(new Net().seed(3).stateDict());
  expect(weights(3)).not.toEqual(weights(4));
});

test("seeds beyond 32 bits differ", () => {
  const of = (seed: number) => new Linear(4, 4).seed(seed).stateDict();
  expect(of(2 ** 32 + 5)).not.toEqual(of(5));
  expect(of(2 ** 32 + 5)).toEqual(of(2 ** 32 + 5));
});

test("Linear starts within ±1/√in_features, and uses the whole range", () => {
  const data = Array.from(new Linear(64, 200).seed(0).weight.data());
  expect(Math.max(...data.map(Math.abs))).toBeLessThanOrEqual(1 / 8);
  expect(Math.max(...data)).toBeGreaterThan(0.124);
  expect(Math.min(...data)).toBeLessThan(-0.124);
  expect(Math.abs(data.reduce((sum, v) => sum + v, 0) / data.length)).toBeLessThan(0.005);
});

test("manualSeed repeats the modules that are built after it", () => {
  const build = () => {
    manualSeed(11);
    return new Net().stateDict();
  };
  expect(build()).toEqual(build());
});

test("dropout drops the share it is told to, scales the rest, and is off in evaluation", () => {
  const dropout = new Dropout(0.25).seed(5);
  const x = zeros([10_000]).add(1);
  const dropped = values(dropout.forward(x));
  const zerosSeen = dropped.filter((v) => v === 0).length;
  expect(zerosSeen / 10_000).toBeCloseTo(0.25, 1);
  expect(new Set(dropped)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
  expect(values(dropout.forward(x))).not.toEqual(dropped);
  expect(values(dropout.eval().forward(x))).toEqual(values(x));
});

test("a dropout of everything gives zeros, not NaN", () => {
  expect(values(new Dropout(1).forward(zeros([3]).add(1)))).toEqual([0, 0, 0]);
});

test("train and eval reach every module inside", () => {
  const net = new Net().eval();
  expect(Array.from(net.namedModules(), ([, { training }]) => training)).toEqual([
    false,
    false,
    false,
    false,
    false,
    false,
  ]);
  expect(net.train().hidden.training).toBe(true);
});

test("weights over several dimensions get gradients of their own shape", () => {
  for (const norm of [new LayerNorm([2, 3]), new RMSNorm([2, 3], 1e-5)]) {
    norm
      .forward(ones([4, 2, 3]))
      .sum()
      .backward();
    for (const [name, { grad }] of norm.namedParameters()) expect(grad?.shape, name).toEqual([2, 3]);
  }
});
