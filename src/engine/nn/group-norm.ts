/** GroupNorm (Wu and He, 2018): the channels of each sample normalised group by group. */
import { z } from "zod";
import { moments, type NormalizedView, normalize } from "../ops/index.ts";
import { elementCount, ShapeError, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { defineLayer } from "./definition.ts";
import { Module } from "./module.ts";
import type { Parameter } from "./parameter.ts";
import { affineSpecs, parameterOf } from "./running-statistics.ts";
import { channels, epsilon, size } from "./schema.ts";

/** Shapes: (N, C, *). Weight and bias (C) are for each channel. */
export class GroupNorm extends Module {
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly #groups: number;
  readonly #channels: number;
  readonly #eps: number;

  constructor(numGroups: number, numChannels: number, eps = 1e-5, affine = true, bias = true) {
    super();
    if (numChannels % numGroups !== 0) {
      throw new ShapeError(`GroupNorm: ${numChannels} channels can't be split into ${numGroups} groups.`, "num_groups");
    }
    this.#groups = numGroups;
    this.#channels = numChannels;
    this.#eps = eps;
    const specs = affineSpecs([numChannels], affine, affine && bias);
    this.weight = parameterOf(specs["weight"]);
    this.bias = parameterOf(specs["bias"]);
  }

  forward(x: Tensor): Tensor {
    const [batch = 1, features = 1, ...positions] = x.shape;
    if (x.rank < 2 || features !== this.#channels) {
      throw new ShapeError(`GroupNorm takes (N, ${this.#channels}, …), got ${showShape(x.shape)}.`, "num_channels");
    }
    const spread = elementCount(positions);
    const view: NormalizedView = [1, batch * this.#groups, (features / this.#groups) * spread];
    const affine = { weight: this.weight, bias: this.bias, features, spread };
    return normalize(x, view, moments(x, view, this.#eps), { of: "x", eps: this.#eps }, affine);
  }
}

export const groupNormLayer = defineLayer({
  type: "GroupNorm",
  summary: "Normalises the channels of each sample in num_groups groups",
  args: z.strictObject({
    num_groups: size.describe("Groups that the channels are split into"),
    num_channels: channels,
    eps: epsilon(1e-5),
    affine: z.boolean().default(true).describe("Learn a weight and bias for each channel"),
    bias: z.boolean().default(true).describe("With affine: learn a bias"),
  }),
  resolve(given, input) {
    const [found] = input;
    if (found === undefined) throw new ShapeError("needs channels to group, got single numbers");
    if (given.num_channels !== undefined && given.num_channels !== found) {
      throw new ShapeError(`expects ${found}, got ${given.num_channels}`, "num_channels");
    }
    if (found % given.num_groups !== 0) {
      throw new ShapeError(`must divide the ${found} channels, and ${given.num_groups} does not`, "num_groups");
    }
    return { args: { ...given, num_channels: found }, output: input, flops: 5 * elementCount(input) };
  },
  parameters: (given) => affineSpecs([given.num_channels ?? 0], given.affine, given.affine && given.bias),
  create: (given) => new GroupNorm(given.num_groups, given.num_channels ?? 0, given.eps, given.affine, given.bias),
});
