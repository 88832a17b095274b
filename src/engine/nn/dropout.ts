/** The dropouts: parts of the input are dropped at random while training. Masks depend on seed, layer name and call alone. */
import { z } from "zod";
import { mul, where } from "../ops/index.ts";
import { nextStream, type RandomStream } from "../random.ts";
import { elementCount, type Shape, ShapeError, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { defineLayer, type LayerDefinition } from "./definition.ts";
import { Module } from "./module.ts";
import { inplace, probability } from "./schema.ts";

abstract class DropoutModule extends Module {
  readonly stream: RandomStream = nextStream();
  protected readonly p: number;

  constructor(p = 0.5) {
    super();
    if (!(p >= 0 && p <= 1)) throw new RangeError(`Dropout: p is a probability, from 0 to 1, and not ${p}.`);
    this.p = p;
  }

  forward(x: Tensor): Tensor {
    return this.training && this.p > 0 ? this.drop(x) : x;
  }

  protected abstract drop(x: Tensor): Tensor;
}

/** x·mask/(1 − p): each element is dropped with probability p. */
export class Dropout extends DropoutModule {
  protected drop(x: Tensor): Tensor {
    return mul(x, this.stream.dropoutMask(x.shape, this.p));
  }
}

/** Whole channels of (N, C, *), or of one sample (C, *) with `positions` dimensions after the channel. */
abstract class ChannelDropout extends DropoutModule {
  protected abstract readonly positions: number;

  protected drop(x: Tensor): Tensor {
    const channelRank = x.rank === this.positions + 1 ? 1 : 2;
    if (x.rank < channelRank) {
      throw new ShapeError(`${this.constructor.name} takes (N, C, …), got ${showShape(x.shape)}.`);
    }
    return mul(x, this.stream.dropoutMask(channelShape(x.shape, channelRank), this.p));
  }
}

/** One value for each (n, c), to be repeated over the positions. */
const channelShape = (shape: Shape, rank: number): Shape => shape.map((size, i) => (i < rank ? size : 1));

export class Dropout1d extends ChannelDropout {
  protected readonly positions = 1;
}
export class Dropout2d extends ChannelDropout {
  // PyTorch takes a rank of 3 for (N, C, L), not for one image.
  protected readonly positions = Number.NaN;
}
export class Dropout3d extends ChannelDropout {
  protected readonly positions = 3;
}

/** SELU's limit for x → −∞, −scale·α: what a dropped element becomes. */
const DROPPED = -1.7580993408473766;

/**
 * Dropout that keeps mean and variance (Klambauer et al., "Self-normalizing neural networks", 2017): y = a·(x or
 * SELU's limit) + b. Meant to follow SELU.
 */
export class AlphaDropout extends DropoutModule {
  protected drop(x: Tensor): Tensor {
    if (this.p === 1) return mul(x, 0);
    const a = 1 / Math.sqrt((1 - this.p) * (1 + this.p * DROPPED ** 2));
    const kept = where(this.stream.dropoutMask(this.maskShape(x), this.p), x, DROPPED);
    return kept.mul(a).add(-a * DROPPED * this.p);
  }

  protected maskShape(x: Tensor): Shape {
    return x.shape;
  }
}

/** AlphaDropout of whole channels of (N, C, *). */
export class FeatureAlphaDropout extends AlphaDropout {
  protected override maskShape(x: Tensor): Shape {
    if (x.rank < 2) throw new ShapeError(`FeatureAlphaDropout takes (N, C, …), got ${showShape(x.shape)}.`);
    return channelShape(x.shape, 2);
  }
}

const args = z.strictObject({ p: probability.default(0.5).describe("Probability of being dropped"), inplace });

/** `samples` says which shapes it takes, of which ranks; any where it is left out. */
function define(
  Class: new (p: number) => DropoutModule,
  summary: string,
  samples?: { readonly shape: string; readonly ranks: readonly number[] },
): LayerDefinition<typeof args> {
  return defineLayer({
    type: Class.name,
    summary,
    args,
    resolve(given, input) {
      if (samples && !samples.ranks.includes(input.length)) {
        throw new ShapeError(`takes samples of shape ${samples.shape}, got ${showShape(input)}`);
      }
      return { args: given, output: input, flops: elementCount(input) };
    },
    create: (given) => new Class(given.p),
  });
}

const WHOLE_CHANNELS = "Zeroes whole channels with probability p in training and scales the rest by 1/(1 − p)";

export const dropoutLayers: readonly LayerDefinition[] = [
  define(Dropout, "Zeroes each element with probability p in training and scales the rest by 1/(1 − p)"),
  define(Dropout1d, WHOLE_CHANNELS, { shape: "[channels, length]", ranks: [2] }),
  define(Dropout2d, WHOLE_CHANNELS, { shape: "[channels, height, width]", ranks: [3] }),
  define(Dropout3d, WHOLE_CHANNELS, { shape: "[channels, depth, height, width]", ranks: [4] }),
  define(AlphaDropout, "Dropout that keeps mean and variance, to follow SELU"),
  define(FeatureAlphaDropout, "AlphaDropout of whole channels", { shape: "[channels, …]", ranks: [1, 2, 3, 4, 5] }),
];
