/**
 * Every op, activation and loss: first and second derivatives against central differences, in float64.
 *
 * L(x) = Σ v·f(x) for random v; its gradient must equal (L(x+ε) − L(x−ε)) / 2ε in each coordinate, and so must the
 * gradient of Σ w·∇L. Inputs stay away from kinks, which test/engine/golden compares with PyTorch one by one.
 */
import { describe, expect, test } from "vitest";
import {
  Device,
  grad,
  layers,
  losses,
  type Module,
  ops,
  type Shape,
  Tensor,
  useDevice,
} from "../../src/engine/index.ts";
import { elementCount } from "../../src/engine/shape.ts";
import { Float64Backend } from "./float64-backend.ts";
import type { Case } from "./gradient-case.ts";
import { embeddingCases } from "./gradient-cases-embedding.ts";
import { normalizationCases } from "./gradient-cases-normalization.ts";
import { recurrentCases } from "./gradient-cases-recurrent.ts";
import { spatialCases } from "./gradient-cases-spatial.ts";
import { layerArguments, layerInputs } from "./gradient-layers.ts";
import { spatialCalls } from "./nn/spatial-arguments.ts";

const device = useDevice(new Device(new Float64Backend()));

const EPSILON = 1e-6;

/** Values in ±(0.2 … 1.7), none near 0 and no two near each other. */
function values(count: number, seed: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => {
    const u = Math.abs(Math.sin(seed * 78.233 + i * 12.9898) * 43758.5453) % 1;
    return (i % 2 === 0 ? 1 : -1) * (0.2 + u * 1.5);
  });
}

function tensorOf(data: Float64Array, shape: Shape, requiresGrad: boolean): Tensor {
  const storage = device.allocate(Math.max(4, data.length * 4));
  device.backend.write(storage.buffer, data);
  return new Tensor(storage, shape, "float32", requiresGrad);
}

const numbers = (t: Tensor): Float64Array => device.backend.read(t.storage.buffer, new Float64Array(t.size));

const positive = Math.abs;
const probability = (v: number): number => 0.5 + v / 5;
const indexOf = (...ints: number[]): Tensor => {
  const storage = device.allocate(ints.length * 4);
  device.backend.write(storage.buffer, Int32Array.from(ints));
  return new Tensor(storage, [ints.length], "int32");
};
const one = (f: Case["f"], more: Partial<Case> = {}): Case => ({ f, shapes: [[2, 3]], ...more });

const cases: Record<string, Case[]> = {
  add: [
    { f: ops.add, shapes: [[2, 3], [3]] },
    { f: (x) => ops.add(x, x), shapes: [[4]] },
  ],
  sub: [{ f: ops.sub, shapes: [[3], [2, 3]] }],
  mul: [
    {
      f: ops.mul,
      shapes: [
        [2, 1, 3],
        [4, 1],
      ],
    },
  ],
  div: [
    {
      f: ops.div,
      shapes: [
        [2, 3],
        [1, 3],
      ],
    },
  ],
  pow: [{ f: ops.pow, shapes: [[2, 3], [3]], domain: positive }, one((x) => ops.pow(x, 3))],
  maximum: [{ f: ops.maximum, shapes: [[2, 3], [3]] }],
  minimum: [{ f: ops.minimum, shapes: [[2, 3], [3]] }],
  neg: [one(ops.neg)],
  abs: [one(ops.abs)],
  exp: [one(ops.exp)],
  expm1: [one(ops.expm1)],
  log: [one(ops.log, { domain: positive })],
  log1p: [one(ops.log1p, { domain: positive })],
  sqrt: [one(ops.sqrt, { domain: positive })],
  rsqrt: [one(ops.rsqrt, { domain: positive })],
  reciprocal: [one(ops.reciprocal)],
  square: [one(ops.square)],
  sin: [one(ops.sin)],
  cos: [one(ops.cos)],
  erf: [one(ops.erf)],
  relu: [one(ops.relu)],
  sigmoid: [one(ops.sigmoid)],
  tanh: [one(ops.tanh)],
  clamp: [one((x) => ops.clamp(x, -1, 1))],
  where: [{ f: (c, a, b) => ops.where(ops.gt(c, 0), a, b), shapes: [[2, 3], [3], [2, 1]] }],
  clone: [one(ops.clone)],
  sum: [one((x) => ops.sum(x)), { f: (x) => ops.sum(x, [0, 2], true), shapes: [[2, 3, 4]] }],
  mean: [one((x) => ops.mean(x, 1)), { f: (x) => ops.mean(x, [0, 1]), shapes: [[2, 3, 2]] }],
  sumTo: [{ f: (x) => ops.sumTo(x, [3, 1]), shapes: [[2, 3, 4]] }],
  amax: [one((x) => ops.amax(x, 1)), { f: (x) => ops.amax(x, 0, true), shapes: [[3, 2, 2]] }],
  softmax: [one((x) => ops.softmax(x, -1)), { f: (x) => ops.softmax(x, 1), shapes: [[2, 3, 2]] }],
  logSoftmax: [one((x) => ops.logSoftmax(x, -1)), { f: (x) => ops.logSoftmax(x, 0), shapes: [[3, 2]] }],
  reshape: [one((x) => ops.reshape(x, [3, -1]))],
  flatten: [{ f: (x) => ops.flatten(x, 1), shapes: [[2, 3, 2]] }],
  permute: [{ f: (x) => ops.permute(x, [2, 0, 1]), shapes: [[2, 3, 4]] }],
  transpose: [{ f: (x) => ops.transpose(x, 0, -1), shapes: [[2, 3, 4]] }],
  expand: [{ f: (x) => ops.expand(x, [4, 2, 3]), shapes: [[2, 1]] }],
  slice: [{ f: (x) => ops.slice(x, 1, 1, 3), shapes: [[2, 4, 2]] }],
  concat: [
    {
      f: (a, b) => ops.concat([a, b, a], 1),
      shapes: [
        [2, 3],
        [2, 1],
      ],
    },
  ],
  stack: [
    {
      f: (a, b) => ops.stack([a, b], 1),
      shapes: [
        [2, 3],
        [2, 3],
      ],
    },
  ],
  gatherRows: [{ f: (x) => ops.gatherRows(x, indexOf(2, 0, 2, 1)), shapes: [[3, 2]] }],
  scatterAddRows: [{ f: (x) => ops.scatterAddRows(x, indexOf(2, 0, 2, 1), [3, 2]), shapes: [[4, 2]] }],
  pick: [{ f: (x) => ops.pick(x, indexOf(2, -1, 1), -1), shapes: [[3, 3]] }],
  unpick: [{ f: (x) => ops.unpick(x, indexOf(2, -1, 1), 3, -1), shapes: [[3]] }],
  matmul: [
    {
      f: (a, b) => ops.matmul(a, b),
      shapes: [
        [2, 3],
        [3, 4],
      ],
    },
    {
      f: (a, b) => ops.matmul(a, b, true, false),
      shapes: [
        [3, 2],
        [3, 4],
      ],
    },
    {
      f: (a, b) => ops.matmul(a, b, false, true),
      shapes: [
        [2, 3],
        [4, 3],
      ],
    },
    {
      f: (a, b) => ops.matmul(a, b, true, true),
      shapes: [
        [3, 2],
        [4, 3],
      ],
    },
    {
      f: (a, b) => ops.matmul(a, b),
      shapes: [
        [2, 2, 3],
        [3, 2],
      ],
    },
    {
      f: (a, b) => ops.matmul(a, b, true, true),
      shapes: [
        [2, 1, 3, 2],
        [2, 2, 3],
      ],
    },
    { f: (a, b) => ops.matmul(a, b), shapes: [[3], [2, 3, 2]] },
    { f: (a, b) => ops.matmul(a, b), shapes: [[2, 3], [3]] },
    { f: (a, b) => ops.matmul(a, b), shapes: [[3], [3]] },
  ],
  linear: [
    { f: (x, w, b) => ops.linear(x, w, b), shapes: [[2, 3], [4, 3], [4]] },
    {
      f: (x, w) => ops.linear(x, w, null),
      shapes: [
        [2, 2, 3],
        [4, 3],
      ],
    },
  ],
  ...normalizationCases,
  ...spatialCases,
  ...embeddingCases,
  ...recurrentCases,
};

/** Ops whose results have no derivative: comparisons, steps, indices, conversions. */
const WITHOUT = new Set([
  "eq",
  "ne",
  "lt",
  "le",
  "gt",
  "ge",
  "sign",
  "floor",
  "argmax",
  "toFloat",
  "toInt",
  "moments",
  "renormRows",
]);

describe("each op's first and second derivatives equal central differences", () => {
  for (const [name, list] of Object.entries(cases)) {
    list.forEach((given, i) => {
      test(`${name}${list.length > 1 ? ` ${i + 1}` : ""}`, () => check(given));
    });
  }

  test("no op is left out", () => {
    const missing = Object.keys(ops).filter((name) => !(name in cases) && !WITHOUT.has(name));
    expect(missing).toEqual([]);
  });
});

describe("each layer's first and second derivatives equal central differences", () => {
  // Whole numbers have no derivative; what is looked up with them is tried above.
  for (const definition of [...layers.values()].filter(({ wholeNumbersBelow }) => !wholeNumbersBelow)) {
    test(definition.type, () => {
      const spatial = spatialCalls[definition.type];
      const module = definition
        .create(definition.args.parse(spatial?.args ?? layerArguments[definition.type] ?? {}))
        .eval();
      const shape = spatial?.input ?? layerInputs[definition.type] ?? [2, 4];
      check({ f: (x) => module.forward(x), shapes: [shape] });
    });
  }
});

/** Targets that a loss can do something with. */
const TARGETS: Readonly<Record<string, (value: number, i: number) => number>> = {
  KLDivLoss: (v) => Math.abs(v),
  PoissonNLLLoss: (v) => Math.abs(v),
  SoftMarginLoss: (v) => Math.sign(v),
  HingeEmbeddingLoss: (v) => Math.sign(v),
  MultiLabelMarginLoss: (_, i) => [2, 0, -1, 1, -1, 0, -1, 0, 0][i] ?? -1,
};

interface LossInput {
  readonly shape: Shape;
  readonly target: readonly number[];
  readonly of?: (x: Tensor) => Tensor;
}
/** Where outputs [3, 3] beside as many targets don't do. */
const LOSS_INPUTS: Readonly<Record<string, LossInput>> = {
  GaussianNLLLoss: { shape: [3, 4], target: [0.5, -1, 2, 0, 1, -0.3] },
  // Three samples of four steps; PyTorch's gradient is that of log-probabilities which logSoftmax gave.
  CTCLoss: { shape: [3, 4, 3], target: [1, 2, 2, 2, 1, -1], of: (x) => ops.logSoftmax(x, 2) },
};

describe("each loss's first and second derivatives equal central differences", () => {
  const sampleWeights = tensorOf(Float64Array.of(0.5, 2, 0), [3], false);
  for (const definition of losses.values()) {
    const make = (args: Record<string, unknown>): Module => definition.create(definition.args.parse(args));
    const binary = definition.threshold !== undefined;
    const wanted = TARGETS[definition.type] ?? ((v: number) => (binary ? probability(v) : v));
    const { shape = [3, 3], target: given, of = (x: Tensor) => x } = LOSS_INPUTS[definition.type] ?? {};
    const numbers = given ? Float64Array.from(given) : values(9, 3).map(wanted);
    const target =
      definition.targets === "index" ? indexOf(2, 0, 1) : tensorOf(numbers, [3, numbers.length / 3], false);
    const domain = definition.type === "BCELoss" ? probability : undefined;
    for (const reduction of ["mean", "sum"]) {
      test(`${definition.type}, ${reduction}`, () => {
        const loss = make({ reduction });
        check({ f: (x) => loss.forward(of(x), target), shapes: [shape], ...(domain && { domain }) });
        check({ f: (x) => loss.forward(of(x), target, sampleWeights), shapes: [shape], ...(domain && { domain }) });
      });
    }
  }

  test("CrossEntropyLoss with weights, smoothing and an ignored target", () => {
    const loss = losses.get("CrossEntropyLoss");
    const module = loss?.create(loss.args.parse({ weight: [1, 2, 0.5], label_smoothing: 0.1, ignore_index: 1 }));
    check({ f: (x) => module?.forward(x, indexOf(2, 1, 0)) ?? x, shapes: [[3, 3]] });
  });
});

/** First derivatives of f, then (treating ∇L as the function) second ones. */
function check({ f, shapes, domain = (v) => v }: Case): void {
  const points = shapes.map((shape, i) => values(elementCount(shape), i + 1).map(domain));
  compare(f, shapes, points, 1e-6);
  const gradient = (...inputs: Tensor[]): Tensor => {
    const loss = weighted(f(...inputs), 11);
    const parts = grad(loss, inputs, undefined, { createGraph: true });
    const flat = parts.flatMap((part) => (part ? [ops.reshape(part, [part.size])] : []));
    return ops.concat(flat, 0);
  };
  compare(gradient, shapes, points, 1e-5);
}

/** Σ v·y for fixed random v. */
function weighted(y: Tensor, seed: number): Tensor {
  return y.mul(tensorOf(values(y.size, seed), y.shape, false)).sum();
}

function compare(f: Case["f"], shapes: readonly Shape[], points: readonly Float64Array[], tolerance: number): void {
  const loss = (at: readonly Float64Array[], requiresGrad: boolean): { inputs: Tensor[]; value: Tensor } => {
    const inputs = at.map((data, i) => tensorOf(data, shapes[i] ?? [], requiresGrad));
    return { inputs, value: weighted(f(...inputs), 5) };
  };
  const { inputs, value } = loss(points, true);
  // A function that is linear in everything has a constant gradient, which then depends on no input.
  const analytic = value.requiresGrad ? grad(value, inputs) : inputs.map(() => null);
  points.forEach((point, i) => {
    const found = analytic[i] ? numbers(analytic[i]) : new Float64Array(point.length);
    point.forEach((_, j) => {
      const shifted = (by: number): number => {
        const moved = points.map((p, k) => (k === i ? p.map((v, l) => (l === j ? v + by : v)) : p));
        // The second derivative's function needs gradients inside, so inputs require them here too.
        return numbers(loss(moved, true).value)[0] ?? Number.NaN;
      };
      const numeric = (shifted(EPSILON) - shifted(-EPSILON)) / (2 * EPSILON);
      const error = Math.abs((found[j] ?? Number.NaN) - numeric) / Math.max(1, Math.abs(numeric));
      expect(error, `input ${i}, element ${j}: ${found[j]} and not ${numeric}`).toBeLessThan(tolerance);
    });
  });
}
