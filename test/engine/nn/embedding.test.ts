/** What PyTorch's golden cases leave open of embeddings. */
import { expect, test } from "vitest";
import { Embedding, EmbeddingBag, grad, ops, tensor } from "../../../src/engine/index.ts";
import "../device-of-the-tests.ts";

test("whole numbers may come as floats, as in a job's columns", () => {
  const module = new Embedding(4, 2).seed(1);
  const [a, b] = [tensor(Int32Array.of(3, 0), [2]), tensor([3, 0])];
  expect(module.forward(b).toList()).toEqual(module.forward(a).toList());
});

test("a number without an embedding gives NaN and no gradient, and touches nothing", () => {
  const module = new Embedding(3, 2).seed(1);
  const y = module.forward(tensor([2, 3, -1, 1e9]));
  expect(Array.from(y.data(), Number.isNaN)).toEqual([false, false, true, true, true, true, true, true]);
  y.backward(tensor([1, 1, 5, 5, 5, 5, 5, 5], [4, 2]));
  expect(module.weight.grad?.toList()).toEqual([
    [0, 0],
    [0, 0],
    [1, 1],
  ]);
});

test("padding starts as zeros, gets no gradient, and may be counted from the end", () => {
  const module = new Embedding(3, 2, -1).seed(1);
  const rows = module.stateDict().get("weight")?.data ?? [];
  expect(Array.from(rows.slice(4))).toEqual([0, 0]);
  expect(rows.slice(0, 4).every((v) => v !== 0)).toBe(true);
  module
    .forward(tensor([2, 0]))
    .sum()
    .backward();
  expect(module.weight.grad?.toList()).toEqual([
    [1, 1],
    [0, 0],
    [0, 0],
  ]);
  expect(() => new Embedding(3, 2, 3)).toThrow("is 3, and there are 3 embeddings, 0 … 2");
});

test("a bag of padding alone gives zeros", () => {
  for (const mode of ["sum", "mean", "max"] as const) {
    const module = new EmbeddingBag(3, 2, null, 2, false, mode, 1).seed(1);
    expect(module.forward(tensor([[1, 1]])).toList(), mode).toEqual([[0, 0]]);
  }
});

test("gradients that are differentiated again keep padding and frequency", () => {
  const x = tensor([2, 2, 0, 1]);
  for (const scaleGradByFreq of [false, true]) {
    const module = new Embedding(3, 1, 1, null, 2, scaleGradByFreq).seed(1);
    const scale = tensor([1, 1, 1, 1], { requiresGrad: true });
    const loss = ops.sum(ops.mul(ops.reshape(module.forward(x), [4]), scale));
    const [first] = grad(loss, [module.weight], undefined, { createGraph: true });
    if (!first) throw new Error("no gradient");
    // ∂(Σ rows of the gradient)/∂scale: 1 for each use, shared where it counts, 0 for padding.
    const [second] = grad(ops.sum(first), [scale]);
    expect(second?.toList()).toEqual(scaleGradByFreq ? [0.5, 0.5, 1, 0] : [1, 1, 1, 0]);
  }
});
