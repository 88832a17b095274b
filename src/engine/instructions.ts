/**
 * The instruction set: what an op becomes on a device. One table, read by every backend.
 *
 * An instruction is an opcode, buffers and scalar parameters. Running it at once is eager mode; keeping the list and
 * running it again is compiled mode. So nothing that changes between two steps may be a parameter: learning rate,
 * step count, random counter and batch cursor live in buffers.
 *
 * Roles: `writes` are wholly overwritten, `updates` are read and written, `reads` are only read. Buffers are passed in
 * that order. Unless said otherwise a buffer holds float32 and tensors are contiguous, row-major.
 */

/** How a parameter is encoded: 32-bit integer, 32-bit float, or 64-bit float (two words). */
export type ParamType = "i32" | "f32" | "f64";

export interface InstructionShape {
  readonly writes?: readonly string[];
  readonly updates?: readonly string[];
  readonly reads?: readonly string[];
  readonly params: Readonly<Record<string, ParamType>>;
}

export interface Instruction extends Required<InstructionShape> {
  readonly name: string;
  readonly code: number;
  readonly paramTypes: readonly ParamType[];
  readonly bufferCount: number;
}

/** Highest rank that a strided instruction takes, after neighbouring dimensions have been merged. */
export const MAX_RANK = 6;

const dims = (prefix: string): Record<string, ParamType> =>
  Object.fromEntries(Array.from({ length: MAX_RANK }, (_, i) => [`${prefix}${i}`, "i32" as const]));

/** out = f(x), n elements. */
const unary: InstructionShape = { writes: ["out"], reads: ["x"], params: { n: "i32" } };

/** out = f(a, b): `out` is contiguous over dims d0…; a and b have element strides (0 repeats: broadcasting). */
const binary: InstructionShape = {
  writes: ["out"],
  reads: ["a", "b"],
  params: { rank: "i32", ...dims("d"), ...dims("a"), ...dims("b") },
};

/** x seen as [outer, length, inner]; `length` is reduced away: out is [outer, inner]. */
const reduction: InstructionShape = {
  writes: ["out"],
  reads: ["x"],
  params: { outer: "i32", length: "i32", inner: "i32" },
};

/** The same view of x, normalised along `length`: out has x's size. */
const along = reduction;
const alongBackward: InstructionShape = { ...reduction, reads: ["g", "y"] };

/**
 * A stream of random numbers (Philox4x32-10): [key0, key1, stream, counter], each as two int32s, its lower 16 bits and its
 * upper (a device may keep integers as float32, which is exact below 2²⁴). Word j of draw i is
 * word i%4 of philox(counter = [i>>2, state.counter, stream, 0], key = [key0, key1]); the instruction then adds 1 to
 * `counter`, so a draw depends on seed, stream and call alone, never on threads, device or batch layout.
 */
const random = (params: Record<string, ParamType>): InstructionShape => ({
  writes: ["out"],
  updates: ["state"],
  params: { n: "i32", ...params },
});

/** Updates param and its state from grad. */
const optimizer = (...state: readonly string[]): InstructionShape => ({
  updates: ["param", ...state, "scalars"],
  reads: ["grad", "hyper"],
  params: { n: "i32", flags: "i32" },
});

/**
 * Convolutions: x is [batch, channels, height, width], weight [features, channels/groups, kernelHeight, kernelWidth], and
 * the result [batch, features, outHeight, outWidth]. Output (i, j) begins at x's (i·strideY − padTop, j·strideX −
 * padLeft); beyond x's edges, wherever the sizes lead, are zeros.
 */
const convolution = (writes: string, ...reads: readonly string[]): InstructionShape => ({
  writes: [writes],
  reads,
  params: {
    batch: "i32",
    groups: "i32",
    channels: "i32",
    height: "i32",
    width: "i32",
    features: "i32",
    outHeight: "i32",
    outWidth: "i32",
    kernelHeight: "i32",
    kernelWidth: "i32",
    strideY: "i32",
    strideX: "i32",
    dilationY: "i32",
    dilationX: "i32",
    padTop: "i32",
    padLeft: "i32",
  },
});

const shapes = {
  /** out[i] = value */
  fill: { writes: ["out"], params: { n: "i32", value: "f32" } },
  /** out[i] = x[i], any 4-byte type */
  copy: unary,
  /** int32 → float32 */
  toFloat: unary,
  /** float32 → int32, toward zero */
  toInt: unary,
  /** float64 → float32 */
  toSingle: unary,

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

  add: binary,
  sub: binary,
  mul: binary,
  div: binary,
  pow: binary,
  maximum: binary,
  minimum: binary,
  /** Comparisons give 1 or 0; any comparison with NaN is 0, except ne. */
  eq: binary,
  ne: binary,
  lt: binary,
  le: binary,
  gt: binary,
  ge: binary,
  /** b ≤ 0 ? 0 : a: gradient of relu, g and y; a NaN in b lets a through, as in PyTorch */
  reluBackward: binary,
  /** a·b·(1 − b): gradient of sigmoid, g and y */
  sigmoidBackward: binary,
  /** a·(1 − b²): gradient of tanh, g and y */
  tanhBackward: binary,
  /** out = condition ≠ 0 ? a : b, all three broadcast */
  where: {
    writes: ["out"],
    reads: ["condition", "a", "b"],
    params: { rank: "i32", ...dims("d"), ...dims("c"), ...dims("a"), ...dims("b") },
  },

  /** out (contiguous over dims) = x at offset + Σ index·stride: permute, expand, slice. Any 4-byte type. */
  copyStrided: {
    writes: ["out"],
    reads: ["x"],
    params: { rank: "i32", offset: "i32", ...dims("d"), ...dims("s") },
  },
  /** out at offset + Σ index·stride = x (contiguous over dims): the inverse, for concatenation and slice's gradient. */
  assignStrided: {
    updates: ["out"],
    reads: ["x"],
    params: { rank: "i32", offset: "i32", ...dims("d"), ...dims("s") },
  },

  sum: reduction,
  amax: reduction,
  /** int32 out: the first index of the largest value; a NaN counts as the largest */
  argmax: reduction,
  softmax: along,
  logSoftmax: along,
  /** y·(g − Σ g·y) */
  softmaxBackward: alongBackward,
  /** g − exp(y)·Σ g */
  logSoftmaxBackward: alongBackward,

  /**
   * out[m,n] = op(a)·op(b) per batch; a is [m,k] ([k,m] when transA), b is [k,n] ([n,k] when transB).
   * Batch strides are in elements; 0 repeats the same matrix.
   */
  matmul: {
    writes: ["out"],
    reads: ["a", "b"],
    params: {
      m: "i32",
      n: "i32",
      k: "i32",
      transA: "i32",
      transB: "i32",
      batch: "i32",
      strideA: "i32",
      strideB: "i32",
    },
  },
  /** out[m,n] = x[m,k]·weight[n,k]ᵀ + bias[n] */
  linear: { writes: ["out"], reads: ["x", "weight", "bias"], params: { m: "i32", n: "i32", k: "i32" } },

  /** out[r,:] = x[index[r],:], any 4-byte type; index int32 */
  gatherRows: { writes: ["out"], reads: ["x", "index"], params: { rows: "i32", width: "i32" } },
  /** out[index[r],:] += x[r,:], r ascending (deterministic); out is zeroed first */
  scatterAddRows: {
    writes: ["out"],
    reads: ["x", "index"],
    params: { rows: "i32", width: "i32", outRows: "i32" },
  },
  /** out[r] = x[r, index[r]]; 0 where index[r] = ignore, NaN where it is outside of the row */
  pick: { writes: ["out"], reads: ["x", "index"], params: { rows: "i32", cols: "i32", ignore: "i32" } },
  /** out[r,c] = c = index[r] ? x[r] : 0; the whole row 0 where index[r] = ignore */
  unpick: { writes: ["out"], reads: ["x", "index"], params: { rows: "i32", cols: "i32", ignore: "i32" } },

  /** low + u·(high − low), u uniform in [0,1) = (word >>> 8)·2⁻²⁴ */
  randomUniform: random({ low: "f32", high: "f32" }),
  /** Box–Muller on the words (4j, 4j+1) and (4j+2, 4j+3) of each block */
  randomNormal: random({ mean: "f32", std: "f32" }),
  /** u ≥ p ? 1/(1−p) : 0; p = 1 gives zeros */
  dropoutMask: random({ p: "f32" }),
  /** int32 out: a permutation of 0…n−1, Fisher–Yates from the top: i changes places with the high word of wordᵢ·(i+1) */
  randomPermutation: random({}),

  /** out[r,:] = x[order[cursor[0] + r],:], any 4-byte type; order and cursor int32: a batch without JavaScript */
  gatherBatch: { writes: ["out"], reads: ["x", "order", "cursor"], params: { rows: "i32", width: "i32" } },
  /** cursor[0] += by (int32) */
  advance: { updates: ["cursor"], params: { by: "i32" } },
  /** out[at[0] … + n) = x; at int32 in elements */
  storeAt: { updates: ["out"], reads: ["x", "at"], params: { n: "i32" } },
  /** total[0] (float64) += x[0]·weight */
  accumulate: { updates: ["total"], reads: ["x"], params: { weight: "f64" } },
  /** matrix[target[r], predicted[r]] += 1 (float64 counts, int32 classes); classes outside 0…classes−1 are left out */
  confusion: { updates: ["matrix"], reads: ["target", "predicted"], params: { rows: "i32", classes: "i32" } },
  /** sums (float64) += [n, Σ|p−t|, Σ(p−t)², Σt, Σt²] */
  residuals: { updates: ["sums"], reads: ["predicted", "target"], params: { n: "i32" } },

  /** total[0] (float64) += Σ x² */
  sumSquares: { updates: ["total"], reads: ["x"], params: { n: "i32" } },
  /** x *= min(1, max/(√total[0] + 1e-6)): torch.nn.utils.clip_grad_norm_, one call per gradient */
  clipByNorm: { updates: ["x"], reads: ["total"], params: { n: "i32", max: "f64" } },
  /** x = min(max(x, −limit), limit) */
  clipByValue: { updates: ["x"], params: { n: "i32", limit: "f32" } },
  /**
   * hyper[0] = table[2·at], and hyper[momentumAt] = table[2·at + 1] unless momentumAt is negative; then at += 1.
   * hyper and table are float64, at is int32: a schedule that moves with every step.
   */
  setRate: { updates: ["hyper", "at"], reads: ["table"], params: { momentumAt: "i32" } },
  /** x += y, in place: gradient accumulation */
  addInPlace: { updates: ["x"], reads: ["y"], params: { n: "i32" } },

  /**
   * torch.optim.SGD. hyper (float64): [lr, momentum, dampening, weight_decay]; step (float64) is counted here.
   * flags: 1 nesterov, 2 maximize, 4 has momentum (else `momentum` is not touched).
   */
  sgd: {
    updates: ["param", "momentum", "step"],
    reads: ["grad", "hyper"],
    params: { n: "i32", flags: "i32" },
  },
  /**
   * torch.optim.Adam and AdamW. hyper (float64): [lr, beta1, beta2, eps, weight_decay]; step (float64) is counted here.
   * flags: 1 amsgrad (else `maxExpAvgSq` is not touched), 2 maximize, 4 decoupled weight decay.
   */
  adam: {
    updates: ["param", "expAvg", "expAvgSq", "maxExpAvgSq", "step"],
    reads: ["grad", "hyper"],
    params: { n: "i32", flags: "i32" },
  },
  // Optimizers beyond those two. scalars (float64): [step, …] as named; flags 2: maximize, others as named.
  /** torch.optim.RMSprop. hyper: [lr, alpha, eps, weight_decay, momentum]; flags: 1 centered, 4 has momentum. */
  rmsprop: optimizer("squareAvg", "gradAvg", "momentum"),
  /** torch.optim.Adagrad. hyper: [lr, lr_decay, weight_decay, eps] */
  adagrad: optimizer("sum"),
  /** torch.optim.Adadelta. hyper: [lr, rho, eps, weight_decay] */
  adadelta: optimizer("squareAvg", "accDelta"),
  /** torch.optim.Adamax. hyper: [lr, beta1, beta2, eps, weight_decay] */
  adamax: optimizer("expAvg", "expInf"),
  /** torch.optim.NAdam. hyper: [lr, beta1, beta2, eps, weight_decay, momentum_decay]; scalars: [step, mu_product]; flags: 4 decoupled. */
  nadam: optimizer("expAvg", "expAvgSq"),
  /** torch.optim.RAdam. hyper: [lr, beta1, beta2, eps, weight_decay]; flags: 4 decoupled weight decay. */
  radam: optimizer("expAvg", "expAvgSq"),
  /** torch.optim.Rprop. hyper: [lr, etaminus, etaplus, smallest step, largest step] */
  rprop: optimizer("previous", "stepSize"),
  /** torch.optim.ASGD. hyper: [lr, lambd, alpha, t0, weight_decay]; scalars: [step, eta, mu] */
  asgd: optimizer("average"),
  /** Lion (Chen et al. 2023, algorithm 2). hyper: [lr, beta1, beta2, weight_decay] */
  lion: optimizer("expAvg"),

  // Normalisation. x is seen as [outer, channels, inner] and normalised over all but the channels; weight and bias, where
  // `flags` has them (1, 2; else those buffers are not read), belong to feature (i / spread) mod features of flat index i.
  /** Of each channel: mean, biased variance, 1/√(variance + eps). uncentred: the mean is taken for 0, as in RMSNorm. */
  moments: {
    writes: ["mean", "variance", "rstd"],
    reads: ["x"],
    params: { outer: "i32", channels: "i32", inner: "i32", uncentred: "i32", eps: "f64" },
  },
  /** (x − mean)·rstd·weight + bias */
  normalize: {
    writes: ["out"],
    reads: ["x", "mean", "rstd", "weight", "bias"],
    params: { outer: "i32", channels: "i32", inner: "i32", features: "i32", spread: "i32", flags: "i32" },
  },
  /**
   * Gradient of x where mean and rstd are its moments: rstd·(g·w − mean(g·w) − x̂·mean(g·w·x̂)); the middle term only
   * with flag 4, that the mean followed x. flags 1: there is a weight.
   */
  normalizeBackward: {
    writes: ["out"],
    reads: ["g", "x", "mean", "rstd", "weight"],
    params: { outer: "i32", channels: "i32", inner: "i32", features: "i32", spread: "i32", flags: "i32" },
  },
  /** Gradient of weight: Σ g·x̂ over what shares a feature; n elements in all. */
  normalizeWeightBackward: {
    writes: ["out"],
    reads: ["g", "x", "mean", "rstd"],
    params: { n: "i32", channels: "i32", inner: "i32", features: "i32", spread: "i32" },
  },
  /**
   * Running statistics: running = (1 − momentum)·running + momentum·(mean over `rows` of the moments), the variance times
   * `correction`. A momentum below 0 stands for 1/count. count grows by `counted` first.
   */
  trackMoments: {
    updates: ["runningMean", "runningVariance", "count"],
    reads: ["mean", "variance"],
    params: { rows: "i32", channels: "i32", counted: "i32", momentum: "f64", correction: "f64" },
  },

  // Convolution and pooling. The three convolutions are each other's gradients.
  convolution: convolution("out", "x", "weight"),
  /** … + bias[feature] */
  biasedConvolution: convolution("out", "x", "weight", "bias"),
  /** x's gradient from that of the result, which is transposed convolution: out has x's shape */
  convolutionInput: convolution("out", "g", "weight"),
  /** weight's gradient */
  convolutionWeight: convolution("out", "g", "x"),
  /**
   * The largest of each window of x [planes, height, width], and (int32) where in its plane: the first of equals; a NaN
   * counts as the largest. Every window must meet the plane.
   */
  maxPool: {
    writes: ["out", "index"],
    reads: ["x"],
    params: {
      planes: "i32",
      height: "i32",
      width: "i32",
      outHeight: "i32",
      outWidth: "i32",
      kernelHeight: "i32",
      kernelWidth: "i32",
      strideY: "i32",
      strideX: "i32",
      dilationY: "i32",
      dilationX: "i32",
      padTop: "i32",
      padLeft: "i32",
    },
  },
  /** The same with window i from ⌊i·size/count⌋ to before ⌈(i + 1)·size/count⌉ in each direction */
  adaptiveMaxPool: {
    writes: ["out", "index"],
    reads: ["x"],
    params: { planes: "i32", height: "i32", width: "i32", outHeight: "i32", outWidth: "i32" },
  },
  /** out[r, i] = x[r, index[r, i]] for x [rows, cols] and index (int32) [rows, count]; NaN for an index outside of a row */
  gatherAlong: { writes: ["out"], reads: ["x", "index"], params: { rows: "i32", cols: "i32", count: "i32" } },
  /** Zeros [rows, cols] with x[r, i] added at index[r, i], i ascending; an index outside of a row is left out */
  scatterAlong: { writes: ["out"], reads: ["x", "index"], params: { rows: "i32", cols: "i32", count: "i32" } },
  /**
   * A sparse matrix times x along one dimension: x is [outer, length, inner], out [outer, rows, inner], and out[o, r, i] =
   * Σ weight[t]·x[o, column[t], i] for start[r] ≤ t < start[r + 1]; start and column int32.
   */
  sparseProduct: {
    writes: ["out"],
    reads: ["x", "start", "column", "weight"],
    params: { outer: "i32", length: "i32", rows: "i32", inner: "i32" },
  },

  // Embeddings; index is int32.
  /** out[r,:] = table[index[r],:], NaN where that is outside of the table */
  embedding: {
    writes: ["out"],
    reads: ["table", "index"],
    params: { rows: "i32", width: "i32", tableRows: "i32" },
  },
  /**
   * out[index[r],:] += g[r,:], r ascending, but where index[r] is `padding` or outside of the table; byFrequency: divided
   * by counts (int32), how often an index was added.
   */
  embeddingBackward: {
    writes: ["out", "counts"],
    reads: ["g", "index"],
    params: { rows: "i32", width: "i32", tableRows: "i32", padding: "i32", byFrequency: "i32" },
  },
  /** Every table[index[r],:] with a p-norm above maxNorm *= maxNorm/(norm + 1e-7); normType is p */
  renormRows: {
    updates: ["table"],
    reads: ["index"],
    params: { rows: "i32", width: "i32", tableRows: "i32", maxNorm: "f64", normType: "f64" },
  },

  /**
   * RNN, LSTM or GRU over a sequence: out [steps, batch, features] from gi [steps, batch, gates·hidden], the input's part
   * of the gates, and the states before. kind: 0 tanh, 1 relu, 2 LSTM (gates i, f, g, o), 3 GRU (r, z, n). flags: 1 from
   * the last step to the first, 2 there is a bias, 4 there is a projection (LSTM; else features = hidden). What a kind
   * does not need is neither read nor written: gates (LSTM: activated; GRU: r, z, n and n's hidden part), cells (LSTM),
   * raw (what is projected).
   */
  recurrent: {
    writes: ["out", "gates", "cells", "raw"],
    reads: ["gi", "weight", "bias", "h0", "c0", "projection"],
    params: { kind: "i32", steps: "i32", batch: "i32", hidden: "i32", features: "i32", flags: "i32" },
  },
  /**
   * Gradients of gi (dInput), of the state's part of the gates (dState, for GRU; else it is dInput), of what the projection
   * gave (dRaw, with flag 4), and of the states at the start, from those of out (g) and of the last cell (gCell).
   */
  recurrentBackward: {
    writes: ["dInput", "dState", "dRaw", "dh0", "dc0"],
    reads: ["g", "gCell", "out", "gates", "cells", "weight", "h0", "c0", "projection"],
    params: { kind: "i32", steps: "i32", batch: "i32", hidden: "i32", features: "i32", flags: "i32" },
  },
} satisfies Record<string, InstructionShape>;

export type InstructionName = keyof typeof shapes;

/** Every instruction by name; codes count from 1 in the order above (0 ends a program). */
export const instructions = numbered(shapes);

/** Gives each instruction the code after the one before; the first one that after `last`. */
export function numbered<Names extends string>(
  table: Record<Names, InstructionShape>,
  last = 0,
): Readonly<Record<Names, Instruction>> {
  const out: Partial<Record<Names, Instruction>> = {};
  let code = last;
  for (const name in table) {
    const { writes = [], updates = [], reads = [], params } = table[name];
    const bufferCount = writes.length + updates.length + reads.length;
    out[name] = { name, code: ++code, writes, updates, reads, params, paramTypes: Object.values(params), bufferCount };
  }
  return out as Record<Names, Instruction>;
}
