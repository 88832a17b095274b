/**
 * The activations of torch.nn: one line of arguments, one of formula. Derivatives follow from the ops they are made of;
 * formulas are arranged so that they agree with PyTorch at the kinks, and so that the branch not taken stays finite.
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
  logSoftmax,
  lt,
  minimum,
  mul,
  neg,
  relu,
  reshape,
  sigmoid,
  slice,
  softmax,
  sub,
  tanh,
  where,
} from "../ops/index.ts";
import { nextStream, type RandomStream } from "../random.ts";
import { elementCount, normalizeDim, type Shape, ShapeError, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { defineLayer, type LayerDefinition } from "./definition.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { dim, inplace, size } from "./schema.ts";

interface ActivationSource<Schema extends z.ZodObject> {
  summary: string;
  args?: Schema;
  range?: readonly [number, number];
  /** Rough cost of one element. */
  flops?: number;
  f(x: Tensor, args: z.output<Schema>): Tensor;
}

/** An activation as a module class (`new ELU({ alpha: 1 })`) that carries its definition. */
export interface ActivationClass<Schema extends z.ZodObject> {
  new (args?: z.input<Schema>): Module;
  readonly definition: LayerDefinition<Schema>;
}

const noArgs = z.strictObject({});
const inplaceOnly = z.strictObject({ inplace });

function activation<Schema extends z.ZodObject>(
  type: string,
  schema: Schema,
  { summary, range, flops = 1, f }: ActivationSource<Schema>,
): ActivationClass<Schema> {
  class Activation extends Module {
    static readonly definition: LayerDefinition<Schema> = defineLayer({
      type,
      summary,
      args: schema,
      ...(range && { range }),
      resolve: (args, input) => ({ args, output: input, flops: flops * elementCount(input) }),
      create: (args) => new Activation(args),
    });
    readonly #args: z.output<Schema>;

    constructor(args: unknown = {}) {
      super();
      this.#args = schema.parse(args);
    }
    forward(x: Tensor): Tensor {
      return f(x, this.#args);
    }
  }
  Object.defineProperty(Activation, "name", { value: type });
  return Activation;
}

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
  f: (x, a) => where(gt(x, a.lambd), sub(x, a.lambd), where(lt(x, -a.lambd), add(x, a.lambd), 0)),
});
export const Threshold = activation(
  "Threshold",
  z.strictObject({ threshold: z.number(), value: z.number(), inplace }),
  {
    summary: "x where x > threshold, else value",
    f: (x, a) => where(le(x, a.threshold), a.value, x),
  },
);

/** PyTorch picks 0 for rank 0, 1 and 3, else 1, when `dim` is left out. */
const impliedDim = (x: Tensor, given: number | null | undefined): number =>
  given ?? ([0, 1, 3].includes(x.rank) ? 0 : 1);
const dimArgs = z.strictObject({
  dim: dim
    .nullish()
    .transform((d) => d ?? null)
    .describe("Dimension to normalise, the batch being 0; left out: 1 (0 for rank 3)"),
});
export const Softmax = activation("Softmax", dimArgs, {
  summary: "eˣ / Σ eˣ along dim",
  range: [0, 1],
  flops: 10,
  f: (x, a) => softmax(x, impliedDim(x, a.dim)),
});
export const LogSoftmax = activation("LogSoftmax", dimArgs, {
  summary: "log(eˣ / Σ eˣ) along dim",
  range: [-Infinity, 0],
  flops: 12,
  f: (x, a) => logSoftmax(x, impliedDim(x, a.dim)),
});
export const Softmin = activation("Softmin", dimArgs, {
  summary: "softmax(−x) along dim",
  range: [0, 1],
  flops: 11,
  f: (x, a) => softmax(neg(x), impliedDim(x, a.dim)),
});
export const Softmax2d = activation("Softmax2d", noArgs, {
  summary: "softmax over the channels of (N, C, H, W)",
  range: [0, 1],
  flops: 10,
  f: (x) => softmax(x, -3),
});

/** a·σ(b), where a and b are the halves of x along `dim`. */
export class GLU extends Module {
  readonly #dim: number;
  constructor(dimension = -1) {
    super();
    this.#dim = dimension;
  }
  forward(x: Tensor): Tensor {
    const at = normalizeDim(this.#dim, x.rank, "GLU");
    const whole = x.shape[at] ?? 0;
    return mul(slice(x, at, 0, whole / 2), sigmoid(slice(x, at, whole / 2, whole)));
  }
}
const gluLayer = defineLayer({
  type: "GLU",
  summary: "a·σ(b), where a and b are the halves of x along dim",
  args: z.strictObject({ dim: dim.default(-1) }),
  resolve(args, input) {
    const at = args.dim < 0 ? input.length + args.dim : args.dim - 1;
    const whole = input[at];
    if (whole === undefined)
      throw new ShapeError(`dimension ${args.dim} does not exist in samples of shape ${showShape(input)}`, "dim");
    if (whole % 2 !== 0)
      throw new ShapeError(`halves dimension ${args.dim}, whose size is ${whole}: it must be even`, "dim");
    const output: Shape = input.map((n, i) => (i === at ? n / 2 : n));
    return { args, output, flops: 10 * elementCount(output) };
  },
  create: (args) => new GLU(args.dim),
});

/** x where x > 0, else weight·x; the weight is learned, one in all or one per channel (dimension 1). */
export class PReLU extends Module {
  readonly weight: Parameter;
  constructor(numParameters = 1, init = 0.25) {
    super();
    this.weight = new Parameter({ shape: [numParameters], init: { distribution: "constant", value: init } });
  }
  forward(x: Tensor): Tensor {
    const perChannel = this.weight.size > 1 && x.rank > 2;
    const slope = perChannel ? reshape(this.weight, [this.weight.size, ...x.shape.slice(2).map(() => 1)]) : this.weight;
    return where(gt(x, 0), x, mul(x, slope));
  }
}
const preluLayer = defineLayer({
  type: "PReLU",
  summary: "x where x > 0, else weight·x with a learned weight",
  args: z.strictObject({ num_parameters: size.default(1), init: z.number().default(0.25) }),
  resolve(args, input) {
    const channels = input[0];
    if (args.num_parameters !== 1 && args.num_parameters !== channels) {
      throw new ShapeError(
        `expects 1 or ${channels ?? 1} (one for each channel), got ${args.num_parameters}`,
        "num_parameters",
      );
    }
    return { args, output: input, flops: 2 * elementCount(input) };
  },
  parameters: (args) => ({
    weight: { shape: [args.num_parameters], init: { distribution: "constant", value: args.init } },
  }),
  create: (args) => new PReLU(args.num_parameters, args.init),
});

/** x where x ≥ 0, else slope·x, the slope drawn from U(lower, upper) per element in training and their mean otherwise. */
export class RReLU extends Module {
  readonly stream: RandomStream = nextStream();
  readonly #lower: number;
  readonly #upper: number;
  constructor(lower = 1 / 8, upper = 1 / 3) {
    super();
    this.#lower = lower;
    this.#upper = upper;
  }
  forward(x: Tensor): Tensor {
    const slope = this.training
      ? this.stream.uniform(x.shape, this.#lower, this.#upper)
      : (this.#lower + this.#upper) / 2;
    return where(ge(x, 0), x, mul(x, slope));
  }
}
const rreluLayer = defineLayer({
  type: "RReLU",
  summary: "x where x ≥ 0, else a random slope·x (the mean slope outside training)",
  args: z
    .strictObject({ lower: z.number().default(1 / 8), upper: z.number().default(1 / 3), inplace })
    .refine((a) => a.lower <= a.upper, { path: ["upper"], message: "must not be below lower" }),
  resolve: (args, input) => ({ args, output: input, flops: 2 * elementCount(input) }),
  create: (args) => new RReLU(args.lower, args.upper),
});

export const activationLayers: readonly LayerDefinition[] = [
  ...[
    ReLU,
    ReLU6,
    LeakyReLU,
    ELU,
    CELU,
    SELU,
    GELU,
    SiLU,
    Mish,
    Sigmoid,
    Tanh,
    LogSigmoid,
    Softsign,
    Tanhshrink,
    Softplus,
    Hardtanh,
    Hardsigmoid,
    Hardswish,
    Hardshrink,
    Softshrink,
    Threshold,
    Softmax,
    LogSoftmax,
    Softmin,
    Softmax2d,
  ].map((made) => made.definition),
  gluLayer,
  preluLayer,
  rreluLayer,
];
