/** PixelShuffle, PixelUnshuffle and ChannelShuffle: values change places between channels and positions. */
import { z } from "zod";
import { permute, reshape } from "../ops/index.ts";
import { type Shape, ShapeError, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { defineLayer } from "./definition.ts";
import { Module } from "./module.ts";
import { size } from "./schema.ts";

/** Channels, height and width of (*, C, H, W), and what comes before. */
function split(layer: string, shape: Shape): { before: Shape; c: number; h: number; w: number } {
  const [c, h, w] = shape.slice(-3);
  if (c === undefined || h === undefined || w === undefined) {
    throw new ShapeError(`${layer} takes samples of shape [channels, height, width], got ${showShape(shape)}`);
  }
  return { before: shape.slice(0, -3), c, h, w };
}

/** Reshapes the last three dimensions to `parts`, reorders those, and joins them again to `to`. */
function rearrange(x: Tensor, before: Shape, parts: Shape, order: readonly number[], to: Shape): Tensor {
  const kept = before.map((_, i) => i);
  const y = permute(reshape(x, [...before, ...parts]), [...kept, ...order.map((i) => i + before.length)]);
  return reshape(y, [...before, ...to]);
}

/** Shapes: (*, C·r², H, W) → (*, C, H·r, W·r) (Shi et al., 2016). */
export class PixelShuffle extends Module {
  readonly #factor: number;
  constructor(upscaleFactor: number) {
    super();
    this.#factor = upscaleFactor;
  }
  forward(x: Tensor): Tensor {
    const r = this.#factor;
    const { before, c, h, w } = split("PixelShuffle", x.shape);
    const to = shuffled([c, h, w], r);
    return rearrange(x, before, [c / (r * r), r, r, h, w], [0, 3, 1, 4, 2], to);
  }
}

function shuffled([c = 0, h = 0, w = 0]: Shape, r: number): Shape {
  if (c % (r * r) === 0) return [c / (r * r), h * r, w * r];
  throw new ShapeError(
    `expects a factor whose square divides the ${c} channels of the samples, got ${r}`,
    "upscale_factor",
  );
}

/** Shapes: (*, C, H·r, W·r) → (*, C·r², H, W). */
export class PixelUnshuffle extends Module {
  readonly #factor: number;
  constructor(downscaleFactor: number) {
    super();
    this.#factor = downscaleFactor;
  }
  forward(x: Tensor): Tensor {
    const r = this.#factor;
    const { before, c, h, w } = split("PixelUnshuffle", x.shape);
    const to = unshuffled([c, h, w], r);
    return rearrange(x, before, [c, h / r, r, w / r, r], [0, 2, 4, 1, 3], to);
  }
}

function unshuffled([c = 0, h = 0, w = 0]: Shape, r: number): Shape {
  if (h % r === 0 && w % r === 0) return [c * r * r, h / r, w / r];
  throw new ShapeError(`expects a divisor of height and width, which are ${h} and ${w}, got ${r}`, "downscale_factor");
}

/** Shapes: (N, C, *) → the same. The channels of each group are dealt out to all groups (Zhang et al., 2018). */
export class ChannelShuffle extends Module {
  readonly #groups: number;
  constructor(groups: number) {
    super();
    this.#groups = groups;
  }
  forward(x: Tensor): Tensor {
    const [n = 1, c = 1, ...positions] = x.shape;
    checkGroups(c, this.#groups);
    const rest = positions.reduce((product, length) => product * length, 1);
    const grouped = reshape(x, [n, this.#groups, c / this.#groups, rest]);
    return reshape(permute(grouped, [0, 2, 1, 3]), x.shape);
  }
}

function checkGroups(channels: number, groups: number): void {
  if (channels % groups === 0) return;
  throw new ShapeError(`expects a divisor of the ${channels} channels of the samples, got ${groups}`, "groups");
}

export const pixelShuffleLayer = defineLayer({
  type: "PixelShuffle",
  summary: "Makes r² channels one channel of r times the height and width",
  args: z.strictObject({ upscale_factor: size.describe("r") }),
  resolve(given, input) {
    const { before, c, h, w } = split("it", input);
    return { args: given, output: [...before, ...shuffled([c, h, w], given.upscale_factor)], flops: 0 };
  },
  create: (given) => new PixelShuffle(given.upscale_factor),
});

export const pixelUnshuffleLayer = defineLayer({
  type: "PixelUnshuffle",
  summary: "Makes one channel r² channels of height and width divided by r",
  args: z.strictObject({ downscale_factor: size.describe("r") }),
  resolve(given, input) {
    const { before, c, h, w } = split("it", input);
    return { args: given, output: [...before, ...unshuffled([c, h, w], given.downscale_factor)], flops: 0 };
  },
  create: (given) => new PixelUnshuffle(given.downscale_factor),
});

export const channelShuffleLayer = defineLayer({
  type: "ChannelShuffle",
  summary: "Deals the channels of each group out to all groups",
  args: z.strictObject({ groups: size.describe("How many groups there are") }),
  resolve(given, input) {
    const [channels] = input;
    if (channels === undefined || input.length < 2) {
      throw new ShapeError(`takes samples of shape [channels, …positions], got ${showShape(input)}`);
    }
    checkGroups(channels, given.groups);
    return { args: given, output: input, flops: 0 };
  },
  create: (given) => new ChannelShuffle(given.groups),
});
