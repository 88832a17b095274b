/** Modules for models that a program writes: containers, whole transformers, comparisons of two inputs. */
import { describe, expect, test } from "vitest";
import {
  Bilinear,
  CosineSimilarity,
  Linear,
  MaxPool3d,
  MaxUnpool3d,
  Module,
  ModuleDict,
  ModuleList,
  ones,
  PairwiseDistance,
  Parameter,
  ParameterDict,
  ParameterList,
  type Tensor,
  Transformer,
  tensor,
  zeros,
} from "../../../src/engine/index.ts";
import "../device-of-the-tests.ts";

describe("containers", () => {
  class Net extends Module {
    readonly steps = new ModuleList([new Linear(2, 3), new Linear(3, 1)]);
    readonly heads = new ModuleDict({ mean: new Linear(2, 1, false) });
    readonly scales = new ParameterList([new Parameter({ shape: [1], init: { distribution: "constant", value: 2 } })]);
    readonly shifts = new ParameterDict({
      first: new Parameter({ shape: [1], init: { distribution: "constant", value: 0.5 } }),
    });
    forward(x: Tensor): Tensor {
      return this.steps.list.reduce((value, layer) => layer.forward(value), x);
    }
  }

  test("hold what a module trains, under PyTorch's names", () => {
    expect(Array.from(new Net().namedParameters(), ([name]) => name)).toEqual([
      ...["steps.0.weight", "steps.0.bias", "steps.1.weight", "steps.1.bias"],
      ...["heads.mean.weight", "scales.0", "shifts.first"],
    ]);
  });

  test("carry its weights from one model to another", () => {
    const [first, second] = [new Net(), new Net()];
    second.loadStateDict(first.stateDict());
    const x = tensor([[0.5, -1]]);
    expect(second.forward(x).toList()).toEqual(first.forward(x).toList());
  });

  test("have no forward of their own", () => {
    expect(() => new ModuleList([]).forward()).toThrow("ModuleList only holds its parts and has no forward");
  });
});

describe("Transformer", () => {
  test("draws its matrices within Glorot's bounds, from the seed too", () => {
    const model = new Transformer(8, 2, { numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 24 }).seed(3);
    for (const [name, parameter] of model.namedParameters()) {
      if (parameter.rank < 2) continue;
      const [rows = 0, columns = 0] = parameter.shape;
      const bound = Math.sqrt(6 / (rows + columns));
      const largest = Math.max(...parameter.data().map(Math.abs));
      expect(largest, name).toBeLessThanOrEqual(Math.fround(bound));
      expect(largest, name).toBeGreaterThan(0.8 * bound);
    }
  });

  test("a causal target does not look ahead", () => {
    const model = new Transformer(4, 2, { numEncoderLayers: 1, numDecoderLayers: 1, dropout: 0, batchFirst: true });
    const source = ones([1, 3, 4]);
    const rows = (last: number): unknown => {
      const target = tensor([
        [
          [1, 0, 2, 1],
          [0, 1, 0, 2],
          [last, last, 0, 1],
        ],
      ]);
      const [made] = JSON.parse(
        JSON.stringify(model.transform(source, target, { target: { isCausal: true } }).toList()),
      );
      return made.slice(0, 2);
    };
    expect(rows(5)).toEqual(rows(-3));
  });
});

test("MaxUnpool puts back what MaxPool took, and zeros elsewhere", () => {
  const x = tensor(
    Float32Array.from({ length: 16 }, (_, i) => (i * 7) % 16),
    [1, 1, 2, 2, 4],
  );
  const { values, indices } = new MaxPool3d(2).pool(x);
  const back = new MaxUnpool3d(2).forward(values, indices);
  expect(back.shape).toEqual(x.shape);
  const kept = new Set(values.data());
  expect(Array.from(back.data())).toEqual(Array.from(x.data(), (value) => (kept.has(value) ? value : 0)));
});

test("indices that are no indices are refused", () => {
  expect(() => new MaxUnpool3d(2).forward(zeros([1, 1, 1, 1, 2]), zeros([1, 1, 1, 1, 2]))).toThrow(
    "MaxUnpool3d: indices are int32 in the shape of the values",
  );
});

test("Bilinear is x₁ᵀ·W·x₂ + b", () => {
  const module = new Bilinear(2, 2, 1);
  module.loadStateDict(
    new Map([
      ["weight", { shape: [1, 2, 2], data: Float32Array.of(1, 2, 3, 4) }],
      ["bias", { shape: [1], data: Float32Array.of(10) }],
    ]),
  );
  // 1·1·5 + 1·2·6 + 2·3·5 + 2·4·6 + 10
  expect(module.forward(tensor([[1, 2]]), tensor([[5, 6]])).toList()).toEqual([[105]]);
});

test("CosineSimilarity of nothing has a gradient", () => {
  const nothing = tensor([[0, 0]], { requiresGrad: true });
  const similarity = new CosineSimilarity().forward(nothing, tensor([[3, 4]]));
  expect(similarity.toList()).toEqual([0]);
  similarity.backward(ones([1]));
  expect(nothing.grad?.data().every(Number.isFinite)).toBe(true);
});

test("PairwiseDistance keeps its dimension when asked", () => {
  const [a, b] = [tensor([[1, 5]]), tensor([[4, 1]])];
  expect(new PairwiseDistance(2, 0, true).forward(a, b).toList()).toEqual([[5]]);
  expect(new PairwiseDistance(1, 0).forward(a, b).toList()).toEqual([7]);
});
