/** PReLU and RReLU: leaky ReLUs whose slope is learned, or drawn. */
import { z } from "zod";
import { gt, mul, reshape, where } from "../ops/index.ts";
import { nextStream, type RandomStream } from "../random.ts";
import { elementCount, ShapeError } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { defineLayer } from "./definition.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { inplace, size } from "./schema.ts";

/** x where x > 0, else weight·x; the weight is learned, one in all or one per channel (dimension 1). */
export class PReLU extends Module {
  readonly weight: Parameter;
  constructor(numParameters = 1, init = 0.25) {
    super();
    this.weight = new Parameter({ shape: [numParameters], init: { distribution: "constant", value: init } });
  }
  forward(x: Tensor): Tensor {
    const alone = x.rank === 0 ? [] : [this.weight.size];
    const shape = this.weight.size > 1 ? [this.weight.size, ...x.shape.slice(2).map(() => 1)] : alone;
    return where(gt(x, 0), x, mul(x, reshape(this.weight, shape)));
  }
}
export const preluLayer = defineLayer({
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

/** x where x > 0, else slope·x, the slope drawn from U(lower, upper) per element in training and their mean otherwise. */
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
    return where(gt(x, 0), x, mul(x, slope));
  }
}
export const rreluLayer = defineLayer({
  type: "RReLU",
  summary: "x where x > 0, else a random slope·x (the mean slope outside training)",
  args: z
    .strictObject({ lower: z.number().default(1 / 8), upper: z.number().default(1 / 3), inplace })
    .refine((a) => a.lower <= a.upper, { path: ["upper"], message: "must not be below lower" }),
  resolve: (args, input) => ({ args, output: input, flops: 2 * elementCount(input) }),
  create: (args) => new RReLU(args.lower, args.upper),
});
