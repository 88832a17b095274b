/**
 * The elementwise activations of torch.nn: one line of arguments, one of formula. Derivatives follow from the ops they
 * are made of; formulas are arranged so that they agree with PyTorch at the kinks, and so that the branch not taken stays
 * finite.
 */
import { z } from "zod";
import {
  abs,
  add,
  div,
  erf,
  exp,
  expm1,
  ge,
  gt,
  le,
  log1p,
  minimum,
  mul,
  neg,
  relu,
  sigmoid,
  sign,
  sub,
  tanh,
  where,
} from "../ops/index.ts";
import type { Tensor } from "../tensor.ts";
import { activation, inplaceOnly, noArgs } from "./activation.ts";
import { inplace } from "./schema.ts";

/** x where x ≤ 0 (or NaN), else 0: keeps exp finite in a branch that is not taken, with derivative 1 at 0. */
const negativePart = (x: Tensor): Tensor => where(gt(x, 0), 0, x);
/** PyTorch's hardtanh family has derivative 0 at both edges. */
const hardtanh = (x: Tensor, low: number, high: number): Tensor => where(le(x, low), low, where(ge(x, high), high, x));
const softplus = (x: Tensor, beta = 1, threshold = 20): Tensor => {
  const scaled = mul(x, beta);
  const linear = gt(scaled, threshold);
  return where(linear, x, div(log1p(exp(where(linear, 0, scaled))), beta));
};

export const ReLU = activation("ReLU", inplaceOnly, { summary: "max(0, x)", range: [0, Infinity], f: relu });
export const ReLU6 = activation("ReLU6", inplaceOnly, {
  summary: "min(max(0, x), 6)",
  range: [0, 6],
  f: (x) => hardtanh(x, 0, 6),
});
export const LeakyReLU = activation(
  "LeakyReLU",
  z.strictObject({ negative_slope: z.number().default(0.01), inplace }),
  {
    summary: "x where x > 0, else negative_slope·x",
    f: (x, a) => where(gt(x, 0), x, mul(x, a.negative_slope)),
  },
);
export const ELU = activation("ELU", z.strictObject({ alpha: z.number().default(1), inplace }), {
  summary: "x where x > 0, else alpha·(eˣ − 1)",
  flops: 10,
  f: (x, a) => where(gt(x, 0), x, mul(expm1(negativePart(x)), a.alpha)),
});
export const CELU = activation("CELU", z.strictObject({ alpha: z.number().default(1), inplace }), {
  summary: "max(0, x) + min(0, alpha·(e^(x/alpha) − 1))",
  flops: 10,
  f: (x, a) => where(gt(x, 0), x, mul(expm1(div(negativePart(x), a.alpha)), a.alpha)),
});
const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;
export const SELU = activation("SELU", inplaceOnly, {
  summary: "1.0507·(x where x > 0, else 1.6733·(eˣ − 1)): self-normalising",
  flops: 10,
  f: (x) => mul(where(gt(x, 0), x, mul(expm1(negativePart(x)), SELU_ALPHA)), SELU_SCALE),
});
export const GELU = activation("GELU", z.strictObject({ approximate: z.enum(["none", "tanh"]).default("none") }), {
  summary: "x·Φ(x), Φ the normal distribution's cumulative function",
  flops: 12,
  f: (x, a) => mul(mul(x, 0.5), add(a.approximate === "tanh" ? tanh(geluInner(x)) : erf(mul(x, Math.SQRT1_2)), 1)),
});
/** √(2/π)·(x + 0.044715·x³) */
const geluInner = (x: Tensor): Tensor => mul(add(x, mul(mul(x, mul(x, x)), 0.044715)), Math.sqrt(2 / Math.PI));
export const SiLU = activation("SiLU", inplaceOnly, { summary: "x·σ(x)", flops: 10, f: (x) => mul(x, sigmoid(x)) });
export const Mish = activation("Mish", inplaceOnly, {
  summary: "x·tanh(softplus(x))",
  flops: 20,
  f: (x) => mul(x, tanh(softplus(x))),
});
export const Sigmoid = activation("Sigmoid", noArgs, { summary: "1 / (1 + e⁻ˣ)", range: [0, 1], flops: 8, f: sigmoid });
export const Tanh = activation("Tanh", noArgs, { summary: "tanh(x)", range: [-1, 1], flops: 8, f: tanh });
export const LogSigmoid = activation("LogSigmoid", noArgs, {
  summary: "log σ(x)",
  range: [-Infinity, 0],
  flops: 14,
  f: (x) => sub(minimum(x, 0), log1p(exp(neg(abs(x))))),
});
export const Softsign = activation("Softsign", noArgs, {
  summary: "x / (1 + |x|)",
  range: [-1, 1],
  flops: 3,
  f: (x) => div(x, add(abs(x), 1)),
});
export const Tanhshrink = activation("Tanhshrink", noArgs, {
  summary: "x − tanh(x)",
  flops: 9,
  f: (x) => sub(x, tanh(x)),
});
export const Softplus = activation(
  "Softplus",
  z.strictObject({ beta: z.number().default(1), threshold: z.number().default(20) }),
  {
    summary: "log(1 + e^(beta·x)) / beta, and x above the threshold",
    range: [0, Infinity],
    flops: 14,
    f: (x, a) => softplus(x, a.beta, a.threshold),
  },
);
export const Hardtanh = activation(
  "Hardtanh",
  z.strictObject({ min_val: z.number().default(-1), max_val: z.number().default(1), inplace }),
  { summary: "x kept within min_val … max_val", f: (x, a) => hardtanh(x, a.min_val, a.max_val) },
);
export const Hardsigmoid = activation("Hardsigmoid", inplaceOnly, {
  summary: "min(max(0, x + 3), 6) / 6",
  range: [0, 1],
  flops: 3,
  f: (x) => div(hardtanh(add(x, 3), 0, 6), 6),
});
export const Hardswish = activation("Hardswish", inplaceOnly, {
  summary: "x·min(max(0, x + 3), 6) / 6",
  flops: 4,
  f: (x) => div(mul(x, hardtanh(add(x, 3), 0, 6)), 6),
});
export const Hardshrink = activation("Hardshrink", z.strictObject({ lambd: z.number().default(0.5) }), {
  summary: "x where |x| > lambd, else 0",
  f: (x, a) => where(le(abs(x), a.lambd), 0, x),
});
export const Softshrink = activation("Softshrink", z.strictObject({ lambd: z.number().min(0).default(0.5) }), {
  summary: "x moved toward 0 by lambd, and 0 within it",
  f: (x, a) => where(le(abs(x), a.lambd), 0, sub(x, mul(sign(x), a.lambd))),
});
export const Threshold = activation(
  "Threshold",
  z.strictObject({ threshold: z.number(), value: z.number(), inplace }),
  {
    summary: "x where x > threshold, else value",
    f: (x, a) => where(le(x, a.threshold), a.value, x),
  },
);

export const elementwiseLayers = [
  ReLU.definition,
  ReLU6.definition,
  LeakyReLU.definition,
  ELU.definition,
  CELU.definition,
  SELU.definition,
  GELU.definition,
  SiLU.definition,
  Mish.definition,
  Sigmoid.definition,
  Tanh.definition,
  LogSigmoid.definition,
  Softsign.definition,
  Tanhshrink.definition,
  Softplus.definition,
  Hardtanh.definition,
  Hardsigmoid.definition,
  Hardswish.definition,
  Hardshrink.definition,
  Softshrink.definition,
  Threshold.definition,
];
