/** BatchNorm1d, 2d and 3d (Ioffe and Szegedy, 2015): each channel normalised over batch and positions. */
import { z } from "zod";
import { moments, type NormalizedView, normalize } from "../ops/index.ts";
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
    .describe("Share of a new batch in the running statistics; null: a plain average of all batches"),
  affine: z.boolean().default(true).describe("Learn a weight and bias for each channel"),
  track_running_stats: z.boolean().default(true).describe("Keep running statistics for use outside training"),
  bias: z.boolean().default(true).describe("With affine: learn a bias"),
});

/**
 * Shapes: (N, C, *). In training by the batch's own mean and biased variance, while running_mean and running_var (the
 * unbiased one) follow with `momentum`; in evaluation by those, unless they are not tracked.
 */
export abstract class BatchNorm extends RunningNorm {
  constructor(
    numFeatures: number,
    eps = 1e-5,
    momentum: number | null = 0.1,
    affine = true,
    trackRunningStats = true,
    bias = true,
  ) {
    super(numFeatures, eps, momentum, affine, trackRunningStats, bias);
  }

  /** How many dimensions an input has, the batch included. */
  abstract readonly ranks: readonly number[];

  /** Without running statistics a batch is normalised by its own, always. */
  override get mixesSamples(): boolean {
    return this.running_mean === null;
  }

  forward(x: Tensor): Tensor {
    const [batch = 1, features = 1, ...positions] = x.shape;
    if (!this.ranks.includes(x.rank) || features !== this.features) {
      const wanted = this.ranks.join(" or ");
      throw new ShapeError(
        `${this.constructor.name} takes (N, ${this.features}, …) of rank ${wanted}, got ${showShape(x.shape)}.`,
        "num_features",
      );
    }
    const view: NormalizedView = [batch, features, elementCount(positions)];
    const affine = { weight: this.weight, bias: this.bias, features, spread: view[2] };
    const running = this.runningMoments();
    if (running) return normalize(x, view, running, { of: "elsewhere" }, affine);
    const count = batch * view[2];
    if (this.training && count === 1) {
      throw new ShapeError(
        `${this.constructor.name} can't train on one value for each channel, and this batch has shape ${showShape(x.shape)}. ` +
          "Use larger batches (or drop_last, if it is the last one), or eval().",
      );
    }
    const own = moments(x, view, this.eps);
    this.track(own, { rows: 1, count, momentum: this.momentum ?? -1, counted: true });
    return normalize(x, view, own, { of: "x", eps: this.eps }, affine);
  }
}

export class BatchNorm1d extends BatchNorm {
  readonly ranks = [2, 3];
}
export class BatchNorm2d extends BatchNorm {
  readonly ranks = [4];
}
export class BatchNorm3d extends BatchNorm {
  readonly ranks = [5];
}

function define(
  type: string,
  shapes: string,
  sampleRanks: readonly number[],
  Class: new (...args: ConstructorParameters<typeof BatchNorm>) => BatchNorm,
): LayerDefinition<typeof args> {
  return defineLayer({
    type,
    summary: `Normalises each channel of samples ${shapes} over batch and positions; running statistics outside training`,
    args,
    resolve(given, input) {
      const [found] = input;
      if (found === undefined || !sampleRanks.includes(input.length)) {
        throw new ShapeError(`takes samples of shape ${shapes}, got ${showShape(input)}`);
      }
      if (given.num_features !== undefined && given.num_features !== found) {
        throw new ShapeError(`expects ${found}, got ${given.num_features}`, "num_features");
      }
      const alone = elementCount(input) === found;
      return {
        args: { ...given, num_features: found },
        output: input,
        flops: 5 * elementCount(input),
        // One value has no variance.
        ...(alone && { smallestBatch: 2 }),
      };
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

export const batchNormLayers = [
  define("BatchNorm1d", "[channels] or [channels, length]", [1, 2], BatchNorm1d),
  define("BatchNorm2d", "[channels, height, width]", [3], BatchNorm2d),
  define("BatchNorm3d", "[channels, depth, height, width]", [4], BatchNorm3d),
];
