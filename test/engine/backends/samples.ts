/** Random calls of every instruction, edge sizes included, for fast-check: operands by their names in the table. */
import fc from "fast-check";
import type { TypedArray } from "../../../src/engine/backend.ts";
import type { InstructionName } from "../../../src/engine/instructions.ts";
import { convolutionSamples } from "./samples-convolution.ts";
import { embeddingSamples } from "./samples-embedding.ts";
import { normalizationSamples } from "./samples-normalization.ts";
import { optimizerSamples } from "./samples-optimizers.ts";
import { recurrentSamples } from "./samples-recurrent.ts";
import { Source } from "./source.ts";
import { family } from "./views.ts";

export interface Call {
  readonly arrays: Readonly<Record<string, TypedArray>>;
  readonly params: Readonly<Record<string, number>>;
}

const source = fc.integer({ min: 1, max: 2 ** 31 - 1 }).map((seed) => new Source(seed));
const floats = (n: number) => new Float32Array(n);
const product = (dims: readonly number[]) => dims.reduce((size, dim) => size * dim, 1);

/** Every remainder after whole vectors, and nothing at all. */
const size = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 10, max: 300 }));
const small = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 10, max: 40 }));
const atLeastOne = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 40 }));

const unary = fc
  .record({ source, n: size })
  .map(({ source, n }): Call => ({ arrays: { out: floats(n), x: source.edges(n) }, params: { n } }));

const dims = fc
  .array(fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 5 }) }, fc.constantFrom(0, 17)), { maxLength: 5 })
  .chain((outer) => fc.integer({ min: 0, max: 20 }).map((last) => [...outer, last]))
  .filter((dims) => product(dims) < 5000);

/** Strides over an operand that lacks some dimensions and has the others in another order in memory. */
function operand(source: Source, dims: readonly number[]): { strides: number[]; size: number } {
  const strides = dims.map(() => 0);
  let size = 1;
  const order = dims.map((_, d) => d).reverse();
  if (source.next() < 0.3) order.sort(() => source.next() - 0.5);
  for (const d of order) {
    if (source.next() < 0.3) continue;
    strides[d] = size;
    size *= dims[d]!;
  }
  return { strides, size };
}

const elementwise = (out: string, operands: Readonly<Record<string, string>>, values: "edges" | "floats" = "edges") =>
  fc.record({ source, dims }).map(({ source, dims }): Call => {
    const arrays: Record<string, TypedArray> = { [out]: floats(product(dims)) };
    const params: Record<string, number> = { rank: dims.length, ...family("d", dims) };
    for (const [name, prefix] of Object.entries(operands)) {
      const { strides, size } = operand(source, dims);
      arrays[name] = source[values](size);
      Object.assign(params, family(prefix, strides));
    }
    return { arrays, params };
  });

/** A slice with steps out of a larger array whose dimensions may lie in another order. */
const strided = (written: string, read: string, slice: "read" | "written") =>
  fc.record({ source, dims }).map(({ source, dims }): Call => {
    const strides = dims.map(() => 0);
    let size = 1;
    let offset = 0;
    const order = dims.map((_, d) => d).reverse();
    if (source.next() < 0.5) order.sort(() => source.next() - 0.5);
    for (const d of order) {
      const [start, step, after] = [source.integer(0, 2), source.integer(1, 2), source.integer(0, 1)];
      strides[d] = size * step;
      offset += size * start;
      size *= start + Math.max(dims[d]! - 1, 0) * step + 1 + after;
    }
    const [whole, part] = [source.edges(size), source.edges(product(dims))];
    return {
      arrays: slice === "read" ? { [written]: part, [read]: whole } : { [written]: whole, [read]: part },
      params: { rank: dims.length, offset, ...family("d", dims), ...family("s", strides) },
    };
  });

const view = fc.record({
  source,
  outer: fc.integer({ min: 0, max: 5 }),
  length: atLeastOne,
  inner: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 40 })),
});

const reduction = (values: "edges" | "floats", int = false) =>
  view.map(({ source, outer, length, inner }): Call => {
    const cells = outer * inner;
    const out = int ? new Int32Array(cells) : floats(cells);
    return { arrays: { out, x: source[values](cells * length) }, params: { outer, length, inner } };
  });

const along = (names: readonly string[]) =>
  view.map(({ source, outer, length, inner }): Call => {
    const n = outer * length * inner;
    const reads = Object.fromEntries(names.map((name) => [name, source.floats(n)]));
    return { arrays: { out: floats(n), ...reads }, params: { outer, length, inner } };
  });

const random = (params: (source: Source) => Record<string, number>, int = false) =>
  fc.record({ source, n: size }).map(({ source, n }): Call => {
    const out = int ? new Int32Array(n) : floats(n);
    return { arrays: { out, state: source.state() }, params: { n, ...params(source) } };
  });

const table = fc.record({ source, rows: small, width: small, tableRows: atLeastOne });
const picking = fc.record({ source, rows: small, cols: atLeastOne, ignore: fc.constantFrom(-100, 0, 2) });
const vector = fc.record({ source, n: size });

export const samples: Readonly<Record<InstructionName, fc.Arbitrary<Call>>> = {
  fill: vector.map(({ source, n }) => ({ arrays: { out: floats(n) }, params: { n, value: source.floats(1)[0]! } })),
  copy: unary,
  toFloat: vector.map(({ source, n }) => ({
    arrays: { out: floats(n), x: source.integers(n, -(2 ** 31), 2 ** 31 - 1) },
    params: { n },
  })),
  toInt: vector.map(({ source, n }) => ({
    arrays: { out: new Int32Array(n), x: source.floats(n).map((x) => x * 1000) },
    params: { n },
  })),
  toSingle: vector.map(({ source, n }) => ({
    arrays: { out: floats(n), x: Float64Array.from(source.floats(n), (x) => x / 3) },
    params: { n },
  })),
  neg: unary,
  abs: unary,
  sign: unary,
  exp: unary,
  expm1: unary,
  log: unary,
  log1p: unary,
  sqrt: unary,
  rsqrt: unary,
  reciprocal: unary,
  square: unary,
  sin: unary,
  cos: unary,
  floor: unary,
  tanh: unary,
  sigmoid: unary,
  erf: unary,
  relu: unary,

  add: elementwise("out", { a: "a", b: "b" }),
  sub: elementwise("out", { a: "a", b: "b" }),
  mul: elementwise("out", { a: "a", b: "b" }),
  div: elementwise("out", { a: "a", b: "b" }),
  pow: elementwise("out", { a: "a", b: "b" }),
  maximum: elementwise("out", { a: "a", b: "b" }),
  minimum: elementwise("out", { a: "a", b: "b" }),
  eq: elementwise("out", { a: "a", b: "b" }),
  ne: elementwise("out", { a: "a", b: "b" }),
  lt: elementwise("out", { a: "a", b: "b" }),
  le: elementwise("out", { a: "a", b: "b" }),
  gt: elementwise("out", { a: "a", b: "b" }),
  ge: elementwise("out", { a: "a", b: "b" }),
  reluBackward: elementwise("out", { a: "a", b: "b" }),
  sigmoidBackward: elementwise("out", { a: "a", b: "b" }, "floats"),
  tanhBackward: elementwise("out", { a: "a", b: "b" }, "floats"),
  where: elementwise("out", { condition: "c", a: "a", b: "b" }),
  copyStrided: strided("out", "x", "read"),
  assignStrided: strided("out", "x", "written"),

  sum: reduction("floats"),
  amax: reduction("edges"),
  argmax: reduction("edges", true),
  softmax: along(["x"]),
  logSoftmax: along(["x"]),
  softmaxBackward: along(["g", "y"]),
  logSoftmaxBackward: along(["g", "y"]),

  matmul: fc
    .record({ source, m: small, n: small, k: small, batch: fc.integer({ min: 0, max: 3 }), bits: fc.nat(15) })
    .map(({ source, m, n, k, batch, bits }) => ({
      arrays: {
        out: floats(batch * m * n),
        a: source.floats(bits & 4 ? m * k : batch * m * k),
        b: source.floats(bits & 8 ? k * n : batch * k * n),
      },
      params: {
        ...{ m, n, k, transA: bits & 1, transB: (bits >> 1) & 1, batch },
        ...{ strideA: bits & 4 ? 0 : m * k, strideB: bits & 8 ? 0 : k * n },
      },
    })),
  linear: fc.record({ source, m: small, n: small, k: small }).map(({ source, m, n, k }) => ({
    arrays: { out: floats(m * n), x: source.floats(m * k), weight: source.floats(n * k), bias: source.floats(n) },
    params: { m, n, k },
  })),

  gatherRows: table.map(({ source, rows, width, tableRows }) => ({
    arrays: {
      ...{ out: floats(rows * width), x: source.edges(tableRows * width) },
      index: source.integers(rows, 0, tableRows - 1),
    },
    params: { rows, width },
  })),
  scatterAddRows: table.map(({ source, rows, width, tableRows }) => ({
    arrays: {
      ...{ out: floats(tableRows * width), x: source.floats(rows * width) },
      index: source.integers(rows, 0, tableRows - 1),
    },
    params: { rows, width, outRows: tableRows },
  })),
  pick: picking.map(({ source, rows, cols, ignore }) => ({
    arrays: { out: floats(rows), x: source.edges(rows * cols), index: classes(source, rows, cols, ignore) },
    params: { rows, cols, ignore },
  })),
  unpick: picking.map(({ source, rows, cols, ignore }) => ({
    arrays: { out: floats(rows * cols), x: source.edges(rows), index: classes(source, rows, cols, ignore) },
    params: { rows, cols, ignore },
  })),

  randomUniform: random((source) => ({ low: Math.fround(-source.next()), high: Math.fround(source.next()) })),
  randomNormal: random((source) => ({ mean: Math.fround(source.next()), std: Math.fround(source.next()) })),
  dropoutMask: random((source) => ({ p: [0, 0.25, 0.5, 1][source.integer(0, 3)]! })),
  randomPermutation: random(() => ({}), true),

  gatherBatch: table.map(({ source, rows, width, tableRows }) => ({
    arrays: {
      ...{ out: floats(rows * width), x: source.edges(tableRows * width) },
      ...{ order: source.integers(rows + 5, 0, tableRows - 1), cursor: source.integers(1, 0, 5) },
    },
    params: { rows, width },
  })),
  advance: source.map((source) => ({
    arrays: { cursor: source.integers(1, 0, 1000) },
    params: { by: source.integer(-10, 10) },
  })),
  storeAt: vector.map(({ source, n }) => ({
    arrays: { out: source.floats(n + 7), x: source.edges(n), at: source.integers(1, 0, 7) },
    params: { n },
  })),
  accumulate: source.map((source) => ({
    arrays: { total: Float64Array.of(source.next()), x: source.floats(1) },
    params: { weight: source.next() },
  })),
  confusion: fc.record({ source, rows: small, classes: atLeastOne }).map(({ source, rows, classes }) => ({
    arrays: {
      matrix: new Float64Array(classes * classes).fill(3),
      target: source.integers(rows, -1, classes),
      predicted: source.integers(rows, -1, classes),
    },
    params: { rows, classes },
  })),
  residuals: vector.map(({ source, n }) => ({
    arrays: { sums: Float64Array.of(1, 2, 3, 4, 5), predicted: source.floats(n), target: source.floats(n) },
    params: { n },
  })),
  sumSquares: vector.map(({ source, n }) => ({
    arrays: { total: Float64Array.of(source.next()), x: source.floats(n) },
    params: { n },
  })),
  clipByNorm: vector.map(({ source, n }) => ({
    arrays: { x: source.floats(n), total: Float64Array.of(source.next() * 10) },
    params: { n, max: source.next() * 3 },
  })),
  clipByValue: vector.map(({ source, n }) => ({ arrays: { x: source.edges(n) }, params: { n, limit: 1.5 } })),
  addInPlace: vector.map(({ source, n }) => ({ arrays: { x: source.edges(n), y: source.edges(n) }, params: { n } })),

  sgd: fc.record({ source, n: size, flags: fc.nat(7), step: fc.nat(3) }).map(({ source, n, flags, step }) => ({
    arrays: {
      ...{ param: source.floats(n), momentum: source.floats(n), step: Float64Array.of(step) },
      ...{ grad: source.floats(n), hyper: Float64Array.of(0.1, 0.9, source.integer(0, 1) * 0.3, source.next() * 0.1) },
    },
    params: { n, flags },
  })),
  adam: fc.record({ source, n: size, flags: fc.nat(7), step: fc.nat(3) }).map(({ source, n, flags, step }) => ({
    arrays: {
      ...{ param: source.floats(n), expAvg: source.floats(n), expAvgSq: source.positive(n) },
      ...{ maxExpAvgSq: source.positive(n), step: Float64Array.of(step), grad: source.floats(n) },
      hyper: Float64Array.of(0.01, 0.9, 0.999, 1e-8, source.integer(0, 1) * 0.1),
    },
    params: { n, flags },
  })),
  setRate: fc
    .record({ source, at: fc.nat(4), momentumAt: fc.integer({ min: -1, max: 2 }) })
    .map(({ source, at, momentumAt }) => ({
      arrays: {
        hyper: Float64Array.of(1, 2, 3),
        at: Int32Array.of(at),
        table: Float64Array.from({ length: 10 }, () => source.next()),
      },
      params: { momentumAt },
    })),
  ...optimizerSamples,
  ...normalizationSamples,
  ...embeddingSamples,
  ...recurrentSamples,
  ...convolutionSamples,
};

function classes(source: Source, rows: number, cols: number, ignore: number): Int32Array {
  return source
    .integers(rows, 0, cols - 1)
    .map((c) => (source.next() < 0.2 ? ignore : c))
    .map((c) => (c >= cols ? 0 : c));
}
