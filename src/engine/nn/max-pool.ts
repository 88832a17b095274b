/** MaxPool and AdaptiveMaxPool over one, two and three dimensions: the largest value of each window. */
import { z } from "zod";
import { adaptiveMaxPool, maxPool, type Pooled, poolDepth } from "../ops/index.ts";
import { elementCount, ShapeError } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { pooledSize } from "../windows.ts";
import { type AdaptiveSize, adaptiveSize, adaptiveSizes } from "./adaptive-size.ts";
import { defineLayer, type LayerDefinition } from "./definition.ts";
import type { Amounts } from "./edges.ts";
import { Module } from "./module.ts";
import { asVolumes, checkSample, depthOf, listOf, planeOf, type Sizes, type Spatial, sizes } from "./spatial.ts";

/** A layer that gives the largest of each window, and tells where in its image or volume they were. */
abstract class LargestOf extends Module {
  forward(x: Tensor): Tensor {
    return this.pool(x).values;
  }

  /** With `indices`, PyTorch's `return_indices`: (depth·height + row)·width + column of each value, int32. */
  abstract pool(x: Tensor): Pooled;
}

/** Indices are restored when asked for: few ask. */
const restored = (whole: Pooled, restore: (volumes: Tensor) => Tensor): Pooled => ({
  values: restore(whole.values),
  get indices() {
    return restore(whole.indices);
  },
});

abstract class MaxPool extends LargestOf {
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

  pool(x: Tensor): Pooled {
    const { dimensions } = this;
    const { volumes, restore } = asVolumes(this.constructor.name, x, dimensions);
    const kernel = listOf(this.#kernel, dimensions);
    const stride = listOf(this.#stride, dimensions);
    const dilation = listOf(this.#dilation, dimensions);
    const before = listOf(this.#padding, dimensions);
    const size = kernel.map((wide, i) => {
      const length = volumes.shape.at(i - dimensions) ?? 1;
      return pooledSize(length, wide, stride[i] ?? 1, dilation[i] ?? 1, before[i] ?? 0, this.#ceil);
    });
    if (size.some((count) => count < 1)) {
      throw new ShapeError(`${this.constructor.name}: the window is larger than the padded input.`, "kernel_size");
    }
    const pooled = maxPool(volumes, {
      kernel: planeOf(kernel, 1),
      stride: planeOf(stride, 1),
      dilation: planeOf(dilation, 1),
      before: planeOf(before, 0),
      size: planeOf(size, 1),
    });
    const whole =
      dimensions < 3
        ? pooled
        : poolDepth(pooled, volumes.shape, (rows, columns) =>
            maxPool(rows, {
              kernel: [depthOf(kernel, 1), 1],
              stride: [depthOf(stride, 1), 1],
              dilation: [depthOf(dilation, 1), 1],
              before: [depthOf(before, 0), 0],
              size: [depthOf(size, 1), columns],
            }),
          );
    return restored(whole, restore);
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
/** Shapes: (N, C, D, H, W) → (N, C, D′, H′, W′); without N too. */
export class MaxPool3d extends MaxPool {
  protected readonly dimensions = 3;
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
  dilation: readonly number[] = [],
): readonly number[] {
  checkSample(input, dimensions);
  const kernel = listOf(given.kernel_size, dimensions);
  const stride = listOf(given.stride ?? given.kernel_size, dimensions);
  const padding = listOf(given.padding, dimensions);
  const size = input.slice(1).map((length, i) => {
    const [wide = 1, apart = 1, added = 0] = [kernel[i], dilation[i], padding[i]];
    const reach = apart * (wide - 1) + 1;
    if (added > Math.floor(reach / 2)) {
      throw new ShapeError(`expects at most half of the window, ${Math.floor(reach / 2)}, got ${added}`, "padding");
    }
    const out = pooledSize(length, wide, stride[i] ?? 1, apart, added, given.ceil_mode);
    if (out < 1) {
      const room = length + 2 * added;
      throw new ShapeError(
        `expects a window that reaches over at most ${room} elements (${length} and padding), got ${reach}`,
        "kernel_size",
      );
    }
    return out;
  });
  return [input[0] ?? 0, ...size];
}

/** What each dimension needs before and after it so that the last window, which says `ceil_mode`, ends within. */
export function poolAmounts(
  given: Omit<WindowArgs, "ceil_mode"> & { readonly dilation: Sizes },
  input: readonly number[],
  output: readonly number[],
  dimensions: Spatial,
): Amounts[] {
  const stride = listOf(given.stride ?? given.kernel_size, dimensions);
  const [dilation, padding] = [listOf(given.dilation, dimensions), listOf(given.padding, dimensions)];
  return listOf(given.kernel_size, dimensions).map((wide, i) => {
    const [length = 1, count = 1, step = 1, apart = 1, before = 0] = [
      input[i + 1],
      output[i + 1],
      stride[i],
      dilation[i],
      padding[i],
    ];
    return [before, Math.max(0, (count - 1) * step + apart * (wide - 1) + 1 - length - before)];
  });
}

/**
 * Throws ShapeError where a window meets nothing but padding, as dilation may have it: its largest value would be −∞, and
 * every loss NaN.
 */
function checkSeen(
  given: WindowArgs & { readonly dilation: Sizes },
  input: readonly number[],
  output: readonly number[],
  dimensions: Spatial,
): void {
  const kernel = listOf(given.kernel_size, dimensions);
  const stride = listOf(given.stride ?? given.kernel_size, dimensions);
  const padding = listOf(given.padding, dimensions);
  listOf(given.dilation, dimensions).forEach((apart, i) => {
    const [wide = 1, step = 1, added = 0, length = 1] = [kernel[i], stride[i], padding[i], input[i + 1]];
    for (let window = 0; window < (output[i + 1] ?? 0); window++) {
      const start = window * step - added;
      const met = Math.max(0, Math.ceil(-start / apart));
      if (met < wide && start + met * apart < length) continue;
      throw new ShapeError(
        `expects windows that meet at least one of the ${length} elements, but number ${window + 1} meets padding alone`,
        "dilation",
      );
    }
  });
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
      const output = pooledSample(given, input, dimensions, listOf(given.dilation, dimensions));
      checkSeen(given, input, output, dimensions);
      const window = elementCount(listOf(given.kernel_size, dimensions));
      return { args: given, output, flops: elementCount(output) * window };
    },
    create: (given) => new Class(given.kernel_size, given.stride, given.padding, given.dilation, given.ceil_mode),
  });
}

abstract class AdaptiveMaxPool extends LargestOf {
  protected abstract readonly dimensions: Spatial;
  readonly #size: AdaptiveSize;

  constructor(outputSize: AdaptiveSize) {
    super();
    this.#size = outputSize;
  }

  pool(x: Tensor): Pooled {
    const { volumes, restore } = asVolumes(this.constructor.name, x, this.dimensions);
    const size = adaptiveSize(this.#size, volumes.shape.slice(-this.dimensions), this.dimensions);
    const pooled = adaptiveMaxPool(volumes, planeOf(size, 1));
    const whole =
      this.dimensions < 3
        ? pooled
        : poolDepth(pooled, volumes.shape, (rows, columns) => adaptiveMaxPool(rows, [depthOf(size, 1), columns]));
    return restored(whole, restore);
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

/** Shapes: (N, C, D, H, W) → (N, C, …output_size); null keeps a size. */
export class AdaptiveMaxPool3d extends AdaptiveMaxPool {
  protected readonly dimensions = 3;
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
      const size = adaptiveSize(given.output_size, input.slice(1), dimensions);
      return { args: given, output: [input[0] ?? 0, ...size], flops: elementCount(input) };
    },
    create: (given) => new Class(given.output_size),
  });
}

export const maxPoolLayers = [
  define(1, "The largest value of each window of samples [channels, length]", MaxPool1d),
  define(2, "The largest value of each window of images [channels, height, width]", MaxPool2d),
  define(3, "The largest value of each window of volumes [channels, depth, height, width]", MaxPool3d),
];
export const adaptiveMaxPoolLayers = [
  defineAdaptive(1, AdaptiveMaxPool1d),
  defineAdaptive(2, AdaptiveMaxPool2d),
  defineAdaptive(3, AdaptiveMaxPool3d),
];
