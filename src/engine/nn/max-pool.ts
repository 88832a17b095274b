/** MaxPool1d and MaxPool2d, AdaptiveMaxPool1d and AdaptiveMaxPool2d: the largest value of each window. */
import { z } from "zod";
import { adaptiveMaxPool, maxPool } from "../ops/index.ts";
import { elementCount, ShapeError } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { type Pair, pooledSize } from "../windows.ts";
import { type AdaptiveSize, adaptiveSize, adaptiveSizes } from "./adaptive-size.ts";
import { defineLayer, type LayerDefinition } from "./definition.ts";
import { Module } from "./module.ts";
import { asImages, checkSample, pairOf, type Sizes, type Spatial, sampleOf, sizes, spatialSize } from "./spatial.ts";

abstract class MaxPool extends Module {
  protected abstract readonly dimensions: Spatial;
  readonly #kernel: Sizes;
  readonly #stride: Sizes;
  readonly #padding: Sizes;
  readonly #dilation: Sizes;
  readonly #ceil: boolean;

  /** `stride` is the kernel's size when left out. */
  constructor(
    kernelSize: Sizes,
    stride: Sizes | null = null,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceilMode = false,
  ) {
    super();
    this.#kernel = kernelSize;
    this.#stride = stride ?? kernelSize;
    this.#padding = padding;
    this.#dilation = dilation;
    this.#ceil = ceilMode;
  }

  forward(x: Tensor): Tensor {
    const { images, restore } = asImages(this.constructor.name, x, this.dimensions);
    const kernel = pairOf(this.#kernel, this.dimensions, 1);
    const stride = pairOf(this.#stride, this.dimensions, 1);
    const dilation = pairOf(this.#dilation, this.dimensions, 1);
    const before = pairOf(this.#padding, this.dimensions, 0);
    const count = (i: 0 | 1): number =>
      pooledSize(images.shape[i + 2] ?? 1, kernel[i], stride[i], dilation[i], before[i], this.#ceil);
    const size: Pair = [count(0), count(1)];
    if (size[0] < 1 || size[1] < 1) {
      throw new ShapeError(`${this.constructor.name}: the window is larger than the padded input.`, "kernel_size");
    }
    return restore(maxPool(images, { kernel, stride, dilation, before, size }).values);
  }
}

/** Shapes: (N, C, L) → (N, C, L′); without N too. */
export class MaxPool1d extends MaxPool {
  protected readonly dimensions = 1;
}
/** Shapes: (N, C, H, W) → (N, C, H′, W′); without N too. */
export class MaxPool2d extends MaxPool {
  protected readonly dimensions = 2;
}

/** Arguments that all pooling layers with a sliding window have. */
export const windowArgs = (dimensions: Spatial) => ({
  kernel_size: sizes(dimensions, 1).describe("Size of the window"),
  stride: sizes(dimensions, 1).nullable().default(null).describe("Steps between windows; the window's size when null"),
  padding: sizes(dimensions, 0).default(0).describe("Elements added on both sides, at most half of the window"),
});
export const ceilMode = z
  .boolean()
  .default(false)
  .describe("Also use a last window that hangs over the end, if it begins inside");

interface WindowArgs {
  readonly kernel_size: Sizes;
  readonly stride: Sizes | null;
  readonly padding: Sizes;
  readonly ceil_mode: boolean;
}

/** The sample that comes out of a sliding window. Throws ShapeError when none fits. */
export function pooledSample(
  given: WindowArgs,
  input: readonly number[],
  dimensions: Spatial,
  dilation: Pair = [1, 1],
): readonly number[] {
  checkSample(input, dimensions);
  const kernel = pairOf(given.kernel_size, dimensions, 1);
  const stride = pairOf(given.stride ?? given.kernel_size, dimensions, 1);
  const padding = pairOf(given.padding, dimensions, 0);
  const positions = spatialSize(input, dimensions);
  const count = (i: 0 | 1): number => {
    const reach = dilation[i] * (kernel[i] - 1) + 1;
    if (padding[i] > Math.floor(reach / 2)) {
      throw new ShapeError(
        `expects at most half of the window, ${Math.floor(reach / 2)}, got ${padding[i]}`,
        "padding",
      );
    }
    const out = pooledSize(positions[i], kernel[i], stride[i], dilation[i], padding[i], given.ceil_mode);
    if (out < 1) {
      const room = positions[i] + 2 * padding[i];
      throw new ShapeError(
        `expects a window that reaches over at most ${room} elements (${positions[i]} and padding), got ${reach}`,
        "kernel_size",
      );
    }
    return out;
  };
  return sampleOf(input[0] ?? 0, [count(0), count(1)], dimensions);
}

const schema = (dimensions: Spatial) =>
  z.strictObject({
    ...windowArgs(dimensions),
    dilation: sizes(dimensions, 1).default(1).describe("Distance between elements of the window"),
    ceil_mode: ceilMode,
  });

function define(
  dimensions: Spatial,
  summary: string,
  Class: new (...args: ConstructorParameters<typeof MaxPool2d>) => MaxPool,
): LayerDefinition<ReturnType<typeof schema>> {
  return defineLayer({
    type: `MaxPool${dimensions}d`,
    summary,
    args: schema(dimensions),
    resolve(given, input) {
      const output = pooledSample(given, input, dimensions, pairOf(given.dilation, dimensions, 1));
      const [height, width] = pairOf(given.kernel_size, dimensions, 1);
      return { args: given, output, flops: elementCount(output) * height * width };
    },
    create: (given) => new Class(given.kernel_size, given.stride, given.padding, given.dilation, given.ceil_mode),
  });
}

abstract class AdaptiveMaxPool extends Module {
  protected abstract readonly dimensions: Spatial;
  readonly #size: AdaptiveSize;

  constructor(outputSize: AdaptiveSize) {
    super();
    this.#size = outputSize;
  }

  forward(x: Tensor): Tensor {
    const { images, restore } = asImages(this.constructor.name, x, this.dimensions);
    const positions: Pair = [images.shape[2] ?? 1, images.shape[3] ?? 1];
    return restore(adaptiveMaxPool(images, adaptiveSize(this.#size, positions, this.dimensions)).values);
  }
}

/** Shapes: (N, C, L) → (N, C, output_size). */
export class AdaptiveMaxPool1d extends AdaptiveMaxPool {
  protected readonly dimensions = 1;
}
/** Shapes: (N, C, H, W) → (N, C, …output_size); null keeps a size. */
export class AdaptiveMaxPool2d extends AdaptiveMaxPool {
  protected readonly dimensions = 2;
}

const adaptiveSchema = (dimensions: Spatial) => z.strictObject({ output_size: adaptiveSizes(dimensions) });

function defineAdaptive(
  dimensions: Spatial,
  Class: new (size: AdaptiveSize) => AdaptiveMaxPool,
): LayerDefinition<ReturnType<typeof adaptiveSchema>> {
  return defineLayer({
    type: `AdaptiveMaxPool${dimensions}d`,
    summary: "The largest value of each window, the windows sharing the input evenly: output_size of them",
    args: adaptiveSchema(dimensions),
    resolve(given, input) {
      checkSample(input, dimensions);
      const size = adaptiveSize(given.output_size, spatialSize(input, dimensions), dimensions);
      return { args: given, output: sampleOf(input[0] ?? 0, size, dimensions), flops: elementCount(input) };
    },
    create: (given) => new Class(given.output_size),
  });
}

export const maxPoolLayers = [
  define(1, "The largest value of each window of samples [channels, length]", MaxPool1d),
  define(2, "The largest value of each window of images [channels, height, width]", MaxPool2d),
  defineAdaptive(1, AdaptiveMaxPool1d),
  defineAdaptive(2, AdaptiveMaxPool2d),
];
