/**
 * Every instruction in plain JavaScript: what a backend has to agree with. Slow, simple, in float64.
 *
 * A reference gets arrays and parameters by their names in the instruction table and changes what the instruction
 * writes or updates. A float32 buffer comes as a Float64Array with the same values; the caller rounds afterwards.
 */
import type { InstructionName } from "../../../src/engine/instructions.ts";
import { philox } from "./philox.ts";
import { convolutionReferences } from "./reference-convolution.ts";
import { embeddingReferences } from "./reference-embedding.ts";
import { normalizationReferences } from "./reference-normalization.ts";
import { optimizerReferences } from "./reference-optimizers.ts";
import { recurrentReferences } from "./reference-recurrent.ts";
import { erf, power, scalarFunctions } from "./scalar-functions.ts";
import { along, visit } from "./views.ts";

export type Numbers = Float64Array | Int32Array;
type Arrays = Readonly<Record<string, Numbers>>;
type Params = Readonly<Record<string, number>>;
export type Reference = (arrays: Arrays, params: Params) => void;

const unary =
  (f: (x: number) => number): Reference =>
  ({ out, x }, { n }) => {
    for (let i = 0; i < n!; i++) out![i] = f(x![i]!);
  };

const binary =
  (f: (a: number, b: number) => number): Reference =>
  ({ out, a, b }, params) => {
    visit(params, ["a", "b"], (i, [atA, atB]) => {
      out![i] = f(a![atA!]!, b![atB!]!);
    });
  };

const logSumExp = (values: readonly number[]) => {
  const max = Math.max(...values);
  return max + Math.log(values.reduce((sum, value) => sum + Math.exp(value - max), 0));
};

/** The words of one call on a random stream, which then moves on. */
function words(state: Numbers, count: number): number[] {
  const [key0, key1, stream, counter] = [0, 2, 4, 6].map((at) => (state[at]! | (state[at + 1]! << 16)) >>> 0);
  state[6] = (counter! + 1) & 0xffff;
  state[7] = ((counter! + 1) >>> 16) & 0xffff;
  return Array.from({ length: Math.ceil(count / 4) }, (_, block) =>
    philox([block, counter!, stream!, 0], [key0!, key1!]),
  ).flat();
}

const unit = (word: number) => (word >>> 8) / 2 ** 24;

const f32 = Math.fround;

export const references: Readonly<Record<InstructionName, Reference>> = {
  fill: ({ out }, { n, value }) => void out!.fill(value!, 0, n!),
  copy: unary((x) => x),
  toFloat: unary((x) => x),
  toInt: unary((x) => Math.trunc(x)),
  toSingle: unary((x) => x),
  neg: unary((x) => -x),
  abs: unary(Math.abs),
  sign: unary((x) => (x > 0 ? 1 : x < 0 ? -1 : 0)),
  exp: unary(Math.exp),
  expm1: unary(Math.expm1),
  log: unary(Math.log),
  log1p: unary(Math.log1p),
  sqrt: unary(Math.sqrt),
  rsqrt: unary((x) => 1 / Math.sqrt(x)),
  reciprocal: unary((x) => 1 / x),
  square: unary((x) => x * x),
  sin: unary(Math.sin),
  cos: unary(Math.cos),
  floor: unary(Math.floor),
  tanh: unary(Math.tanh),
  sigmoid: unary(scalarFunctions.sigmoid),
  erf: unary(erf),
  relu: unary((x) => (x < 0 ? 0 : x)),

  add: binary((a, b) => a + b),
  sub: binary((a, b) => a - b),
  mul: binary((a, b) => a * b),
  div: binary((a, b) => a / b),
  pow: binary(power),
  maximum: binary(Math.max),
  minimum: binary(Math.min),
  eq: binary((a, b) => Number(a === b)),
  ne: binary((a, b) => Number(a !== b)),
  lt: binary((a, b) => Number(a < b)),
  le: binary((a, b) => Number(a <= b)),
  gt: binary((a, b) => Number(a > b)),
  ge: binary((a, b) => Number(a >= b)),
  reluBackward: binary((g, x) => (x <= 0 ? 0 : g)),
  sigmoidBackward: binary((g, y) => g * y * (1 - y)),
  tanhBackward: binary((g, y) => g * (1 - y * y)),
  where: ({ out, condition, a, b }, params) => {
    visit(params, ["c", "a", "b"], (i, [atC, atA, atB]) => {
      out![i] = condition![atC!] !== 0 ? a![atA!]! : b![atB!]!;
    });
  },
  copyStrided: ({ out, x }, params) => {
    visit(params, ["s"], (i, [at]) => {
      out![i] = x![params["offset"]! + at!]!;
    });
  },
  assignStrided: ({ out, x }, params) => {
    visit(params, ["s"], (i, [at]) => {
      out![params["offset"]! + at!] = x![i]!;
    });
  },

  sum: ({ out, x }, params) =>
    along(params, (cell, positions) => {
      out![cell] = positions.reduce((sum, at) => sum + x![at]!, 0);
    }),
  amax: ({ out, x }, params) =>
    along(params, (cell, positions) => {
      out![cell] = Math.max(...positions.map((at) => x![at]!));
    }),
  argmax: ({ out, x }, params) =>
    along(params, (cell, positions) => {
      const values = positions.map((at) => x![at]!);
      const nan = values.findIndex(Number.isNaN);
      out![cell] = nan >= 0 ? nan : values.indexOf(Math.max(...values));
    }),
  softmax: ({ out, x }, params) =>
    along(params, (_, positions) => {
      const total = logSumExp(positions.map((at) => x![at]!));
      for (const at of positions) out![at] = Math.exp(x![at]! - total);
    }),
  logSoftmax: ({ out, x }, params) =>
    along(params, (_, positions) => {
      const total = logSumExp(positions.map((at) => x![at]!));
      for (const at of positions) out![at] = x![at]! - total;
    }),
  softmaxBackward: ({ out, g, y }, params) =>
    along(params, (_, positions) => {
      const dot = positions.reduce((sum, at) => sum + g![at]! * y![at]!, 0);
      for (const at of positions) out![at] = y![at]! * (g![at]! - dot);
    }),
  logSoftmaxBackward: ({ out, g, y }, params) =>
    along(params, (_, positions) => {
      const total = positions.reduce((sum, at) => sum + g![at]!, 0);
      for (const at of positions) out![at] = g![at]! - Math.exp(y![at]!) * total;
    }),

  matmul: ({ out, a, b }, { m, n, k, transA, transB, batch, strideA, strideB }) => {
    for (let s = 0; s < batch!; s++) {
      for (let i = 0; i < m!; i++) {
        for (let j = 0; j < n!; j++) {
          let sum = 0;
          for (let p = 0; p < k!; p++) {
            const atA = transA ? p * m! + i : i * k! + p;
            const atB = transB ? j * k! + p : p * n! + j;
            sum += a![s * strideA! + atA]! * b![s * strideB! + atB]!;
          }
          out![(s * m! + i) * n! + j] = sum;
        }
      }
    }
  },
  linear: ({ out, x, weight, bias }, { m, n, k }) => {
    for (let i = 0; i < m!; i++) {
      for (let j = 0; j < n!; j++) {
        let sum = bias![j]!;
        for (let p = 0; p < k!; p++) sum += x![i * k! + p]! * weight![j * k! + p]!;
        out![i * n! + j] = sum;
      }
    }
  },

  gatherRows: ({ out, x, index }, { rows, width }) => {
    for (let i = 0; i < rows! * width!; i++) out![i] = x![index![Math.floor(i / width!)]! * width! + (i % width!)]!;
  },
  scatterAddRows: ({ out, x, index }, { rows, width, outRows }) => {
    out!.fill(0, 0, outRows! * width!);
    for (let i = 0; i < rows! * width!; i++) {
      const at = index![Math.floor(i / width!)]! * width! + (i % width!);
      out![at] = out![at]! + x![i]!;
    }
  },
  pick: ({ out, x, index }, { rows, cols, ignore }) => {
    for (let r = 0; r < rows!; r++) out![r] = index![r] === ignore ? 0 : (x![r * cols! + index![r]!] ?? 0);
  },
  unpick: ({ out, x, index }, { rows, cols, ignore }) => {
    for (let r = 0; r < rows!; r++) {
      for (let c = 0; c < cols!; c++) out![r * cols! + c] = c === index![r] && c !== ignore ? x![r]! : 0;
    }
  },

  randomUniform: ({ out, state }, { n, low, high }) => {
    const drawn = words(state!, n!);
    for (let i = 0; i < n!; i++) out![i] = low! + f32(unit(drawn[i]!) * f32(high! - low!));
  },
  randomNormal: ({ out, state }, { n, mean, std }) => {
    const drawn = words(state!, n!);
    for (let i = 0; i < n!; i++) {
      const pair = i - (i % 2);
      const length = Math.sqrt(-2 * Math.log(1 - unit(drawn[pair]!)));
      const angle = 2 * Math.PI * unit(drawn[pair + 1]!);
      out![i] = mean! + std! * length * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
    }
  },
  dropoutMask: ({ out, state }, { n, p }) => {
    const drawn = words(state!, n!);
    for (let i = 0; i < n!; i++) out![i] = unit(drawn[i]!) >= p! ? 1 / f32(1 - p!) : 0;
  },
  randomPermutation: ({ out, state }, { n }) => {
    const drawn = words(state!, n!);
    for (let i = 0; i < n!; i++) out![i] = i;
    for (let i = n! - 1; i > 0; i--) {
      const j = Number((BigInt(drawn[i]!) * BigInt(i + 1)) >> 32n);
      [out![i], out![j]] = [out![j]!, out![i]!];
    }
  },

  gatherBatch: ({ out, x, order, cursor }, { rows, width }) => {
    for (let i = 0; i < rows! * width!; i++) {
      const row = order![cursor![0]! + Math.floor(i / width!)]!;
      out![i] = x![row * width! + (i % width!)]!;
    }
  },
  advance: ({ cursor }, { by }) => {
    cursor![0]! += by!;
  },
  storeAt: ({ out, x, at }, { n }) => {
    for (let i = 0; i < n!; i++) out![at![0]! + i] = x![i]!;
  },
  accumulate: ({ total, x }, { weight }) => {
    total![0]! += x![0]! * weight!;
  },
  confusion: ({ matrix, target, predicted }, { rows, classes }) => {
    const known = (c: number) => c >= 0 && c < classes!;
    for (let r = 0; r < rows!; r++) {
      const [t, p] = [target![r]!, predicted![r]!];
      if (known(t) && known(p)) matrix![t * classes! + p]! += 1;
    }
  },
  residuals: ({ sums, predicted, target }, { n }) => {
    sums![0]! += n!;
    for (let i = 0; i < n!; i++) {
      const t = target![i]!;
      const difference = predicted![i]! - t;
      sums![1]! += Math.abs(difference);
      sums![2]! += difference ** 2;
      sums![3]! += t;
      sums![4]! += t ** 2;
    }
  },
  sumSquares: ({ total, x }, { n }) => {
    for (let i = 0; i < n!; i++) total![0]! += x![i]! ** 2;
  },
  clipByNorm: ({ x, total }, { n, max }) => {
    const factor = f32(Math.min(1, max! / (Math.sqrt(total![0]!) + 1e-6)));
    for (let i = 0; i < n!; i++) x![i]! *= factor;
  },
  clipByValue: ({ x }, { n, limit }) => {
    for (let i = 0; i < n!; i++) x![i] = Math.min(Math.max(x![i]!, -limit!), limit!);
  },
  addInPlace: ({ x, y }, { n }) => {
    for (let i = 0; i < n!; i++) x![i]! += y![i]!;
  },

  sgd: ({ param, momentum, step, grad, hyper }, { n, flags }) => {
    const [lr, mu, dampening, decay] = hyper!;
    const first = step![0] === 0;
    step![0]! += 1;
    for (let i = 0; i < n!; i++) {
      let g = flags! & 2 ? -grad![i]! : grad![i]!;
      g += decay! * param![i]!;
      if (flags! & 4) {
        momentum![i] = first ? g : mu! * momentum![i]! + (1 - dampening!) * g;
        g = flags! & 1 ? g + mu! * momentum![i]! : momentum![i]!;
      }
      param![i]! -= lr! * g;
    }
  },
  adam: ({ param, expAvg, expAvgSq, maxExpAvgSq, step, grad, hyper }, { n, flags }) => {
    const [lr, beta1, beta2, eps, decay] = hyper!;
    step![0]! += 1;
    const correction1 = 1 - beta1! ** step![0]!;
    const correction2 = 1 - beta2! ** step![0]!;
    for (let i = 0; i < n!; i++) {
      let g = flags! & 2 ? -grad![i]! : grad![i]!;
      if (flags! & 4) param![i]! *= 1 - lr! * decay!;
      else g += decay! * param![i]!;
      expAvg![i] = beta1! * expAvg![i]! + (1 - beta1!) * g;
      expAvgSq![i] = beta2! * expAvgSq![i]! + (1 - beta2!) * g * g;
      let v = expAvgSq![i]!;
      if (flags! & 1) v = maxExpAvgSq![i] = Math.max(maxExpAvgSq![i]!, v);
      param![i]! -= ((lr! / correction1) * expAvg![i]!) / (Math.sqrt(v) / Math.sqrt(correction2) + eps!);
    }
  },
  setRate: ({ hyper, at, table }, { momentumAt }) => {
    const i = at![0]!;
    at![0] = i + 1;
    hyper![0] = table![2 * i]!;
    if (momentumAt! >= 0) hyper![momentumAt!] = table![2 * i + 1]!;
  },
  ...optimizerReferences,
  ...normalizationReferences,
  ...embeddingReferences,
  ...recurrentReferences,
  ...convolutionReferences,
};
