/**
 * How a large instruction is cut into parts that threads may run at the same time: the one table.
 *
 * A part computes each element of its results as the whole would, so the bits are the same however many parts there are.
 * What adds up over everything, or is never large, is not here and stays on one thread. The numbers are nanoseconds for
 * each element (or what is counted), measured on one core of an AMD EPYC (Zen 4).
 */
import type { InstructionName } from "../../instructions.ts";
import {
  type Cut,
  chosen,
  dropoutMask,
  elements,
  type Factors,
  LINE,
  param,
  range,
  rows,
  strided,
  wholeFeatures,
  window,
} from "./cut.ts";

const unary = (name: InstructionName, each: number): Cut => elements(name, each, ["out", "x"]);
const binary = (name: InstructionName, each: number): Cut => strided(name, each, [null, "a", "b"]);

const outer = (name: InstructionName, each: number, out: Factors, ...reads: readonly string[]): Cut =>
  rows(name, {
    size: "outer",
    // Short rows are worked on four by four.
    grain: 4,
    moves: { out, ...Object.fromEntries(reads.map((read) => [read, ["length", "inner"]])) },
    each,
    work: ["outer", "length", "inner"],
  });

/** By rows of the result or, where there is but one, by its columns. */
function sum(each: number): Cut {
  const byRows = outer("sum", each, ["inner"], "x");
  const byColumns = range("sum", { size: "inner", grain: LINE, each, work: ["length", "inner"] });
  const rowsOf = param("sum", "outer");
  return chosen((params) => (rowsOf(params) === 1 ? byColumns : byRows));
}

/** Of one product and sum with relaxed SIMD. */
const PER_TERM = 0.039;

/** By rows or columns of the result, whichever are more: each part packs the whole of the other operand for itself. */
function product(name: "matmul" | "linear"): Cut {
  const [byRows, byColumns] = [window(name, "m", PER_TERM), window(name, "n", PER_TERM)];
  const [rowsOf, columnsOf] = [param(name, "m"), param(name, "n")];
  return chosen((params) => (rowsOf(params) >= columnsOf(params) ? byRows : byColumns));
}

function matmul(): Cut {
  const one = product("matmul");
  const several = rows("matmul", {
    size: "batch",
    moves: { out: ["m", "n"], a: ["strideA"], b: ["strideB"] },
    each: PER_TERM,
    work: ["m", "n", "k", "batch"],
  });
  const batchOf = param("matmul", "batch");
  return chosen((params) => (batchOf(params) === 1 ? one : several));
}

const SOURCE = ["channels", "height", "width"];
const RESULT = ["features", "outHeight", "outWidth"];
const TERMS = [...["batch", ...RESULT], ...["channels", "kernelHeight", "kernelWidth"]];

/** By images. */
const convolution = (name: InstructionName, out: Factors, source: "x" | "g", step: Factors): Cut =>
  rows(name, { size: "batch", moves: { out, [source]: step }, each: 0.043, work: TERMS, per: "groups" });

/** By features, which fill a tile by eight: it adds up over images. */
function convolutionWeight(): Cut {
  const featuresOf = param("convolutionWeight", "features");
  const grain = (params: readonly number[]): number => (featuresOf(params) >= 64 ? 8 : 4);
  return range("convolutionWeight", { size: "features", grain, each: 0.043, work: TERMS, per: "groups" });
}

const planes = (name: InstructionName, each: number, work: Factors): Cut =>
  rows(name, {
    size: "planes",
    moves: { out: ["outHeight", "outWidth"], index: ["outHeight", "outWidth"], x: ["height", "width"] },
    each,
    work: ["planes", ...work],
  });

/** By samples: each goes through all its steps alone. `each` is what an activation takes besides the product. */
function recurrent(name: "recurrent" | "recurrentBackward", each: number): Cut {
  const units = range(name, { size: "batch", grain: 2, each: 1, work: ["steps", "batch", "hidden"] });
  const [kindOf, featuresOf] = [param(name, "kind"), param(name, "features")];
  const gates: Readonly<Record<number, number>> = { 2: 4, 3: 3 };
  return {
    ...units,
    nanoseconds: (params) =>
      units.nanoseconds(params) * (gates[kindOf(params)] ?? 1) * (featuresOf(params) * PER_TERM + each),
  };
}

/** By rows of the table, each thread looking for its own. */
function tableRows(name: "scatterAddRows" | "embeddingBackward", size: string): Cut {
  const rowsOf = param(name, "rows");
  const sizeOf = param(name, size);
  const table = range(name, { size, each: 0.08, work: [size, "width"] });
  return {
    ...table,
    nanoseconds: (params) => table.nanoseconds(params) * (1 + (4 * rowsOf(params)) / Math.max(1, sizeOf(params))),
  };
}

/** By outer positions or, where there is but one, by channels. */
function normalize(): Cut {
  const extent = { each: 0.3, work: ["outer", "channels", "inner"] };
  const [position, channel] = [["channels", "inner"], ["inner"]];
  const byOuter = rows("normalize", {
    ...{ ...extent, size: "outer", grain: wholeFeatures(position) },
    moves: { out: position, x: position },
  });
  const byChannels = rows("normalize", {
    ...{ ...extent, size: "channels", grain: wholeFeatures(channel) },
    moves: { out: channel, x: channel, mean: [], rstd: [] },
  });
  const outerOf = param("normalize", "outer");
  return chosen((params) => (outerOf(params) === 1 ? byChannels : byOuter));
}

/** Of what lies side by side (`run` is 1) a cache line at a time, else one by one. */
const lines = (name: InstructionName, run: string): ((params: readonly number[]) => number) => {
  const runOf = param(name, run);
  return (params) => (runOf(params) === 1 ? LINE : 1);
};

const channels = (name: "moments" | "normalizeBackward", each: number): Cut =>
  range(name, { size: "channels", grain: lines(name, "inner"), each, work: ["outer", "channels", "inner"] });

function normalizeWeightBackward(each: number): Cut {
  const name = "normalizeWeightBackward";
  return range(name, { size: "features", grain: lines(name, "spread"), each, work: ["n"] });
}

export const cuts: Partial<Record<InstructionName, Cut>> = {
  fill: elements("fill", 0.08, ["out"]),
  copy: unary("copy", 0.1),
  toFloat: unary("toFloat", 0.2),
  toInt: unary("toInt", 0.14),
  neg: unary("neg", 0.1),
  abs: unary("abs", 0.1),
  sign: unary("sign", 0.25),
  exp: unary("exp", 1),
  expm1: unary("expm1", 1.5),
  log: unary("log", 1.8),
  log1p: unary("log1p", 2),
  sqrt: unary("sqrt", 0.35),
  rsqrt: unary("rsqrt", 0.55),
  reciprocal: unary("reciprocal", 0.2),
  square: unary("square", 0.08),
  sin: unary("sin", 2.7),
  cos: unary("cos", 2.7),
  floor: unary("floor", 0.08),
  tanh: unary("tanh", 1.3),
  sigmoid: unary("sigmoid", 1.2),
  erf: unary("erf", 2.9),
  relu: unary("relu", 0.08),

  add: binary("add", 0.15),
  sub: binary("sub", 0.15),
  mul: binary("mul", 0.15),
  div: binary("div", 0.25),
  pow: binary("pow", 10),
  maximum: binary("maximum", 0.2),
  minimum: binary("minimum", 0.2),
  eq: binary("eq", 0.18),
  ne: binary("ne", 0.18),
  lt: binary("lt", 0.18),
  le: binary("le", 0.18),
  gt: binary("gt", 0.18),
  ge: binary("ge", 0.18),
  reluBackward: binary("reluBackward", 0.15),
  sigmoidBackward: binary("sigmoidBackward", 0.2),
  tanhBackward: binary("tanhBackward", 0.2),
  where: strided("where", 0.2, [null, "c", "a", "b"]),
  copyStrided: strided("copyStrided", 0.35, [null, "s"]),
  assignStrided: strided("assignStrided", 0.35, ["s", null]),

  sum: sum(0.17),
  amax: outer("amax", 0.65, ["inner"], "x"),
  argmax: outer("argmax", 0.85, ["inner"], "x"),
  softmax: outer("softmax", 2.2, ["length", "inner"], "x"),
  logSoftmax: outer("logSoftmax", 3.2, ["length", "inner"], "x"),
  softmaxBackward: outer("softmaxBackward", 0.5, ["length", "inner"], "g", "y"),
  logSoftmaxBackward: outer("logSoftmaxBackward", 1.8, ["length", "inner"], "g", "y"),

  matmul: matmul(),
  linear: product("linear"),

  gatherRows: rows("gatherRows", {
    ...{ size: "rows", moves: { out: ["width"], index: [] } },
    ...{ each: 0.15, work: ["rows", "width"] },
  }),
  scatterAddRows: tableRows("scatterAddRows", "outRows"),
  gatherBatch: rows("gatherBatch", {
    ...{ size: "rows", moves: { out: ["width"], order: [] } },
    ...{ each: 0.15, work: ["rows", "width"] },
  }),
  embedding: rows("embedding", {
    ...{ size: "rows", moves: { out: ["width"], index: [] } },
    ...{ each: 0.2, work: ["rows", "width"] },
  }),
  embeddingBackward: tableRows("embeddingBackward", "tableRows"),
  gatherAlong: rows("gatherAlong", {
    ...{ size: "rows", moves: { out: ["count"], x: ["cols"], index: ["count"] } },
    ...{ each: 0.6, work: ["rows", "count"] },
  }),
  scatterAlong: rows("scatterAlong", {
    ...{ size: "rows", moves: { out: ["cols"], x: ["count"], index: ["count"] } },
    ...{ each: 0.19, work: ["rows", "cols"] },
  }),
  sparseProduct: rows("sparseProduct", {
    ...{ size: "outer", moves: { out: ["rows", "inner"], x: ["length", "inner"] } },
    ...{ each: 1.5, work: ["outer", "rows", "inner"] },
  }),
  dropoutMask: dropoutMask(1.7),

  clipByNorm: elements("clipByNorm", 0.1, ["x"]),
  clipByValue: elements("clipByValue", 0.1, ["x"]),
  addInPlace: elements("addInPlace", 0.11, ["x", "y"]),

  sgd: elements("sgd", 0.4, ["param", "momentum", "grad"], "step"),
  adam: elements("adam", 0.88, ["param", "expAvg", "expAvgSq", "maxExpAvgSq", "grad"], "step"),
  rmsprop: elements("rmsprop", 0.7, ["param", "squareAvg", "gradAvg", "momentum", "grad"], "scalars"),
  adagrad: elements("adagrad", 0.6, ["param", "sum", "grad"], "scalars"),
  adadelta: elements("adadelta", 1, ["param", "squareAvg", "accDelta", "grad"], "scalars"),
  adamax: elements("adamax", 0.7, ["param", "expAvg", "expInf", "grad"], "scalars"),
  nadam: elements("nadam", 1.05, ["param", "expAvg", "expAvgSq", "grad"], "scalars"),
  radam: elements("radam", 0.88, ["param", "expAvg", "expAvgSq", "grad"], "scalars"),
  rprop: elements("rprop", 1.1, ["param", "previous", "stepSize", "grad"], "scalars"),
  asgd: elements("asgd", 0.5, ["param", "average", "grad"], "scalars"),
  lion: elements("lion", 0.6, ["param", "expAvg", "grad"], "scalars"),

  recurrent: recurrent("recurrent", 1.5),
  recurrentBackward: recurrent("recurrentBackward", 1),

  normalize: normalize(),
  moments: channels("moments", 0.25),
  normalizeBackward: channels("normalizeBackward", 0.5),
  normalizeWeightBackward: normalizeWeightBackward(0.25),

  convolution: convolution("convolution", RESULT, "x", SOURCE),
  biasedConvolution: convolution("biasedConvolution", RESULT, "x", SOURCE),
  convolutionInput: convolution("convolutionInput", SOURCE, "g", RESULT),
  convolutionWeight: convolutionWeight(),
  maxPool: planes("maxPool", 0.4, ["outHeight", "outWidth", "kernelHeight", "kernelWidth"]),
  adaptiveMaxPool: planes("adaptiveMaxPool", 0.6, ["height", "width"]),
};
