/** Linear: y = xWᵀ + b over the last dimension. */
import { z } from "zod";
import { linear } from "../ops/index.ts";
import { uniformWithin } from "../random.ts";
import { elementCount, ShapeError } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { defineLayer } from "./definition.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { size } from "./schema.ts";

const args = z.strictObject({
  in_features: size.optional().describe("Size of each input sample; follows from the data when left out"),
  out_features: size.describe("Size of each output sample"),
  bias: z.boolean().default(true).describe("Learn an additive bias"),
});

/** Shapes: (*, in_features) → (*, out_features). Weight (out, in) and bias (out) start as U(±1/√in_features). */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  constructor(inFeatures: number, outFeatures: number, bias = true) {
    super();
    const specs = parameters(inFeatures, outFeatures);
    this.weight = new Parameter(specs.weight);
    this.bias = bias ? new Parameter(specs.bias) : null;
  }

  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
}

/** kaiming_uniform_(a=√5) for the weight, which is U(±1/√fan_in), and the same for the bias. */
function parameters(inFeatures: number, outFeatures: number) {
  const init = uniformWithin(inFeatures > 0 ? 1 / Math.sqrt(inFeatures) : 0);
  return { weight: { shape: [outFeatures, inFeatures], init }, bias: { shape: [outFeatures], init } };
}

export const linearLayer = defineLayer({
  type: "Linear",
  summary: "y = xWᵀ + b over the last dimension",
  args,
  resolve(given, input) {
    const found = input.at(-1);
    if (found === undefined)
      throw new ShapeError(
        "needs at least one dimension to work on, got single numbers. Give each sample as an array.",
      );
    if (given.in_features !== undefined && given.in_features !== found) {
      throw new ShapeError(`expects ${found}, got ${given.in_features}`, "in_features");
    }
    const output = [...input.slice(0, -1), given.out_features];
    const multiplyAdds = elementCount(output) * found;
    return { args: { ...given, in_features: found }, output, flops: 2 * multiplyAdds };
  },
  parameters(given) {
    const { weight, bias } = parameters(given.in_features ?? 0, given.out_features);
    return given.bias ? { weight, bias } : { weight };
  },
  create: (given) => new Linear(given.in_features ?? 0, given.out_features, given.bias),
});
