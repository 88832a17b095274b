/** InstanceNorm1d, 2d and 3d (Ulyanov, Vedaldi and Lempitsky, 2016): each channel of each sample normalised by itself. */
import { z } from "zod";
import { moments, type NormalizedView, normalize, reshape } from "../ops/index.ts";
import { elementCount, ShapeError, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { defineLayer, type LayerDefinition } from "./definition.ts";
import type { ParameterSpec } from "./parameter.ts";
import { affineSpecs, RunningNorm, runningSpecs } from "./running-statistics.ts";
import { channels, epsilon } from "./schema.ts";

const args = z.strictObject({
  num_features: channels,
  eps: epsilon(1e-5),
  momentum: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .default(0.1)
    .describe("Share of a new batch in the running statistics; null: none"),
  affine: z.boolean().default(false).describe("Learn a weight and bias for each channel"),
  track_running_stats: z.boolean().default(false).describe("Keep running statistics for use outside training"),
  bias: z.boolean().default(true).describe("With affine: learn a bias"),
});

/** Shapes: (N, C, *) or one sample (C, *). With running statistics those are used in evaluation, as in BatchNorm. */
export abstract class InstanceNorm extends RunningNorm {
  constructor(
    numFeatures: number,
    eps = 1e-5,
    momentum: number | null = 0.1,
    affine = false,
    trackRunningStats = false,
    bias = true,
  ) {
    super(numFeatures, eps, momentum, affine, trackRunningStats, bias);
  }

  /** Dimensions of the positions: 1 for sequences, 2 for images. */
  abstract readonly positions: number;

  forward(x: Tensor): Tensor {
    if (x.rank === this.positions + 1) return reshape(this.forward(reshape(x, [1, ...x.shape])), x.shape);
    const [batch = 1, features = 1, ...positions] = x.shape;
    if (x.rank !== this.positions + 2 || features !== this.features) {
      throw new ShapeError(
        `${this.constructor.name} takes (N, ${this.features}, …) with ${this.positions} more dimensions, got ${showShape(x.shape)}.`,
        "num_features",
      );
    }
    const spread = elementCount(positions);
    const affine = { weight: this.weight, bias: this.bias, features, spread };
    const running = this.runningMoments();
    if (running) return normalize(x, [batch, features, spread], running, { of: "elsewhere" }, affine);
    if (this.training && spread === 1) {
      throw new ShapeError(`${this.constructor.name} can't train on a single position: ${showShape(x.shape)}.`);
    }
    const view: NormalizedView = [1, batch * features, spread];
    const own = moments(x, view, this.eps);
    // As in PyTorch, num_batches_tracked stays as it is, and without a momentum so do the others.
    this.track(own, { rows: batch, count: spread, momentum: this.momentum ?? 0, counted: false });
    return normalize(x, view, own, { of: "x", eps: this.eps }, affine);
  }
}

export class InstanceNorm1d extends InstanceNorm {
  readonly positions = 1;
}
export class InstanceNorm2d extends InstanceNorm {
  readonly positions = 2;
}
export class InstanceNorm3d extends InstanceNorm {
  readonly positions = 3;
}

function define(
  type: string,
  shape: string,
  sampleRank: number,
  Class: new (...args: ConstructorParameters<typeof InstanceNorm>) => InstanceNorm,
): LayerDefinition<typeof args> {
  return defineLayer({
    type,
    summary: `Normalises each channel of each sample ${shape} over its positions`,
    args,
    resolve(given, input) {
      const [found] = input;
      if (found === undefined || input.length !== sampleRank) {
        throw new ShapeError(`takes samples of shape ${shape}, got ${showShape(input)}`);
      }
      if (given.num_features !== undefined && given.num_features !== found) {
        throw new ShapeError(`expects ${found}, got ${given.num_features}`, "num_features");
      }
      if (elementCount(input) === found) {
        throw new ShapeError(`normalises over positions, and samples of shape ${showShape(input)} have only one`);
      }
      return { args: { ...given, num_features: found }, output: input, flops: 5 * elementCount(input) };
    },
    parameters: (given) => affineSpecs([given.num_features ?? 0], given.affine, given.affine && given.bias),
    buffers: (given): Record<string, ParameterSpec> =>
      given.track_running_stats ? runningSpecs(given.num_features ?? 0) : {},
    create: (given) =>
      new Class(
        given.num_features ?? 0,
        given.eps,
        given.momentum,
        given.affine,
        given.track_running_stats,
        given.bias,
      ),
  });
}

export const instanceNormLayers = [
  define("InstanceNorm1d", "[channels, length]", 2, InstanceNorm1d),
  define("InstanceNorm2d", "[channels, height, width]", 3, InstanceNorm2d),
  define("InstanceNorm3d", "[channels, depth, height, width]", 4, InstanceNorm3d),
];
