/** Upsample: more (or fewer) positions by interpolation. */
import { z } from "zod";
import { sparseProduct } from "../ops/index.ts";
import { elementCount, type Shape, ShapeError, showShape } from "../shape.ts";
import { SparseMap, type Term } from "../sparse-map.ts";
import type { Tensor } from "../tensor.ts";
import { defineLayer } from "./definition.ts";
import { Module } from "./module.ts";
import { checkSample, type Sizes, type Spatial, showSample } from "./spatial.ts";

export type UpsampleMode = "nearest" | "nearest-exact" | "linear" | "bilinear" | "trilinear" | "bicubic";

export interface UpsampleOptions {
  readonly size?: Sizes | null;
  readonly scaleFactor?: Sizes | null;
  readonly mode?: UpsampleMode;
  /** Of linear, bilinear, trilinear and bicubic: whether the corners' centres stay in place. */
  readonly alignCorners?: boolean | null;
  /** Compute positions from the sizes, also when scaleFactor is given. */
  readonly recomputeScaleFactor?: boolean | null;
}

/** Shapes: (N, C, L), (N, C, H, W) or (N, C, D, H, W), the last dimensions becoming `size`, or ⌊L·scaleFactor⌋. */
export class Upsample extends Module {
  readonly #options: Required<UpsampleOptions>;
  readonly #maps = new Map<string, SparseMap>();

  constructor(options: UpsampleOptions) {
    super();
    const none = { size: null, scaleFactor: null, alignCorners: null, recomputeScaleFactor: null };
    this.#options = { ...none, mode: "nearest", ...options };
  }

  forward(x: Tensor): Tensor {
    const { size: given, scaleFactor, mode, recomputeScaleFactor } = this.#options;
    const dimensions = x.rank - 2;
    checkMode(mode, dimensions, x.shape);
    const size = targetSize(given, scaleFactor, x.shape.slice(2));
    let y = x;
    size.forEach((count, i) => {
      const length = x.shape[i + 2] ?? 1;
      const factor = recomputeScaleFactor ? null : factorOf(scaleFactor, i);
      y = sparseProduct(y, i + 2, this.#map(length, count, factor));
    });
    return y;
  }

  #map(length: number, count: number, factor: number | null): SparseMap {
    const key = `${length} ${count} ${factor}`;
    const { mode, alignCorners } = this.#options;
    const map = this.#maps.get(key) ?? new SparseMap(length, interpolation(length, count, factor, mode, alignCorners));
    this.#maps.set(key, map);
    return map;
  }
}

/** For each dimension of positions: which elements each new one is made of. */
export function interpolations(
  options: {
    readonly size: Sizes | null;
    readonly scale_factor: Sizes | null;
    readonly mode: UpsampleMode;
    readonly align_corners: boolean | null;
    readonly recompute_scale_factor: boolean | null;
  },
  lengths: Shape,
): Term[][][] {
  const { size, scale_factor, mode, align_corners, recompute_scale_factor } = options;
  return targetSize(size, scale_factor, lengths).map((count, i) => {
    const factor = recompute_scale_factor ? null : factorOf(scale_factor, i);
    return interpolation(lengths[i] ?? 1, count, factor, mode, align_corners);
  });
}

const factorOf = (given: Sizes | null, i: number): number | null =>
  given === null || typeof given === "number" ? given : (given[i] ?? null);

function targetSize(size: Sizes | null, scaleFactor: Sizes | null, input: Shape): number[] {
  const given = size ?? scaleFactor;
  if (given === null || (size !== null && scaleFactor !== null)) {
    throw new ShapeError("expects either size or scale_factor", "size");
  }
  const field = size === null ? "scale_factor" : "size";
  if (typeof given !== "number" && given.length !== input.length) {
    throw new ShapeError(`expects one number or ${input.length}, got ${given.length}`, field);
  }
  return input.map((length, i) => {
    const one = typeof given === "number" ? given : (given[i] ?? 1);
    const count = size === null ? Math.floor(length * one) : one;
    if (count < 1 || count > 2 ** 16) {
      throw new ShapeError(`makes ${count} of ${length} positions: 1 to ${2 ** 16} are possible`, field);
    }
    return count;
  });
}

/** Rows of weights: which elements each new position is made of (ENGINE: PyTorch's upsample_* kernels). */
function interpolation(
  length: number,
  count: number,
  factor: number | null,
  mode: UpsampleMode,
  alignCorners: boolean | null,
): Term[][] {
  const step = factor === null ? length / count : 1 / factor;
  const positions = Array.from({ length: count }, (_, i) => i);
  if (mode === "nearest" || mode === "nearest-exact") {
    // PyTorch computes these positions in float32, and so decides ties.
    const scale = Math.fround(step);
    const shift = mode === "nearest" ? 0 : 0.5;
    return positions.map((i) => [[Math.min(Math.floor(Math.fround((i + shift) * scale)), length - 1), 1]]);
  }
  const aligned = count > 1 ? (length - 1) / (count - 1) : 0;
  const source = (i: number): number => (alignCorners ? i * aligned : (i + 0.5) * step - 0.5);
  return positions.map((i) => (mode === "bicubic" ? cubic(source(i), length) : linear(Math.max(0, source(i)), length)));
}

function linear(at: number, length: number): Term[] {
  const first = Math.min(Math.floor(at), length - 1);
  const part = first + 1 < length ? at - first : 0;
  return part === 0
    ? [[first, 1]]
    : [
        [first, 1 - part],
        [first + 1, part],
      ];
}

/** Keys' cubic convolution with a = −0.75; beyond the edges the outermost element goes on. */
function cubic(at: number, length: number): Term[] {
  const first = Math.floor(at);
  const a = -0.75;
  const near = (d: number): number => ((a + 2) * d - (a + 3)) * d * d + 1;
  const far = (d: number): number => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  const t = at - first;
  const weights = [far(t + 1), near(t), near(1 - t), far(2 - t)];
  return weights.map((weight, k): Term => [Math.min(Math.max(first - 1 + k, 0), length - 1), weight]);
}

/** Interpolations that are made for samples of one rank alone. */
const DIMENSIONS: Partial<Record<UpsampleMode, Spatial>> = { linear: 1, bilinear: 2, trilinear: 3, bicubic: 2 };
const isSpatial = (dimensions: number): dimensions is Spatial => [1, 2, 3].includes(dimensions);

function checkMode(mode: UpsampleMode, dimensions: number, shape: Shape): void {
  const wanted = DIMENSIONS[mode] ?? dimensions;
  if (wanted === dimensions && isSpatial(dimensions)) return;
  const samples = isSpatial(wanted) ? showSample(wanted) : `${showSample(1)} to ${showSample(3)}`;
  throw new ShapeError(`${mode} interpolates samples of shape ${samples}, got ${showShape(shape)}`, "mode");
}

const number = z
  .int()
  .min(1)
  .max(2 ** 16);
const factor = z.number().positive().max(1024);

/** PyTorch's older names for one mode each, and `asUpsample`: the arguments of Upsample that stand for theirs. */
function defineFixed(type: string, mode: "nearest" | "bilinear", align_corners: boolean | null) {
  const summary = `Upsample with mode ${mode}${align_corners ? " and align_corners" : ""}, of images`;
  const { size, scale_factor } = upsampleLayer.args.shape;
  const asUpsample = (given: { size: Sizes | null; scale_factor: Sizes | null }) =>
    upsampleLayer.args.parse({ size: given.size, scale_factor: given.scale_factor, mode, align_corners });
  const definition = defineLayer({
    type,
    summary,
    args: z
      .strictObject({ size, scale_factor })
      .refine((given) => (given.size === null) !== (given.scale_factor === null), NEITHER),
    resolve(given, input) {
      checkSample(input, 2);
      return { ...upsampleLayer.resolve(asUpsample(given), input), args: given };
    },
    create: (given) => upsampleLayer.create(asUpsample(given)),
  });
  return { definition, asUpsample };
}

const NEITHER = { path: ["size"], message: "needs either size or scale_factor" };

export const upsampleLayer = defineLayer({
  type: "Upsample",
  summary: "Interpolates to another number of positions",
  args: z
    .strictObject({
      size: z
        .union([number, z.array(number).min(1).max(3)])
        .nullable()
        .default(null)
        .describe("Number of positions, one for all dimensions or one each"),
      scale_factor: z
        .union([factor, z.array(factor).min(1).max(3)])
        .nullable()
        .default(null)
        .describe("How many positions for each one, instead of size"),
      mode: z.enum(["nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic"]).default("nearest"),
      align_corners: z
        .boolean()
        .nullable()
        .default(null)
        .describe("Of linear, bilinear, trilinear and bicubic: keep the centres of the corners in place"),
      recompute_scale_factor: z.boolean().nullable().default(null).describe("Compute positions from the sizes alone"),
    })
    .refine((given) => (given.size === null) !== (given.scale_factor === null), NEITHER),
  resolve(given, input) {
    checkSample(input, input.length <= 2 ? 1 : input.length === 3 ? 2 : 3);
    checkMode(given.mode, input.length - 1, input);
    if (given.align_corners !== null && given.mode.startsWith("nearest")) {
      throw new ShapeError(`has no meaning for ${given.mode}; leave it out`, "align_corners");
    }
    const size = targetSize(given.size, given.scale_factor, input.slice(1));
    const output = [input[0] ?? 0, ...size];
    const terms = given.mode === "bicubic" ? 16 : given.mode.startsWith("nearest") ? 1 : 2 ** size.length;
    return { args: given, output, flops: 2 * terms * elementCount(output) };
  },
  create: (given) =>
    new Upsample({
      size: given.size,
      scaleFactor: given.scale_factor,
      mode: given.mode,
      alignCorners: given.align_corners,
      recomputeScaleFactor: given.recompute_scale_factor,
    }),
});

export const fixedUpsampleLayers = [
  defineFixed("UpsamplingNearest2d", "nearest", null),
  defineFixed("UpsamplingBilinear2d", "bilinear", true),
];
