/** Unfold and Fold: the windows of an image as columns, and the sum of such columns as an image. */
import { z } from "zod";
import { permute, reshape, sparseProduct } from "../ops/index.ts";
import { elementCount, type Shape, ShapeError, showShape } from "../shape.ts";
import { SparseMaps, type Term } from "../sparse-map.ts";
import type { Tensor } from "../tensor.ts";
import { type Pair, windowCount } from "../windows.ts";
import { defineLayer } from "./definition.ts";
import { Module } from "./module.ts";
import { checkSample, listOf, planeOf, type Sizes, sizes } from "./spatial.ts";

interface WindowArgs {
  readonly kernel: Pair;
  readonly dilation: Pair;
  readonly padding: Pair;
  readonly stride: Pair;
}

const windowOf = (kernelSize: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes): WindowArgs => ({
  kernel: planeOf(listOf(kernelSize, 2), 1),
  dilation: planeOf(listOf(dilation, 2), 1),
  padding: planeOf(listOf(padding, 2), 0),
  stride: planeOf(listOf(stride, 2), 1),
});

/** How many windows fit in each direction. */
function countsOf({ kernel, dilation, padding, stride }: WindowArgs, image: Pair): Pair {
  const count = (i: 0 | 1): number => {
    const found = windowCount(image[i], kernel[i], stride[i], dilation[i], 2 * padding[i]);
    if (found >= 1) return found;
    const reach = dilation[i] * (kernel[i] - 1) + 1;
    throw new ShapeError(
      `expects a window that reaches over at most ${image[i] + 2 * padding[i]}, got ${reach}`,
      "kernel_size",
    );
  };
  return [count(0), count(1)];
}

/** From one direction of an image to (element of the window, window). */
function windowMaps({ kernel, dilation, padding, stride }: WindowArgs, i: 0 | 1): SparseMaps {
  return new SparseMaps((length) => {
    const count = windowCount(length, kernel[i], stride[i], dilation[i], 2 * padding[i]);
    return Array.from({ length: kernel[i] * count }, (_, row): Term[] => {
      const at = (row % count) * stride[i] + Math.floor(row / count) * dilation[i] - padding[i];
      return at >= 0 && at < length ? [[at, 1]] : [];
    });
  });
}

/** Shapes: (N, C, H, W) → (N, C·∏kernel, windows). */
export class Unfold extends Module {
  readonly #window: WindowArgs;
  readonly #maps: readonly [SparseMaps, SparseMaps];

  constructor(kernelSize: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) {
    super();
    this.#window = windowOf(kernelSize, dilation, padding, stride);
    this.#maps = [windowMaps(this.#window, 0), windowMaps(this.#window, 1)];
  }

  forward(x: Tensor): Tensor {
    const [n = 1, c = 1, height = 1, width = 1] = x.shape;
    const [rows, columns] = countsOf(this.#window, [height, width]);
    const [kh, kw] = this.#window.kernel;
    const tall = sparseProduct(x, 2, this.#maps[0].for(height));
    const whole = sparseProduct(tall, 3, this.#maps[1].for(width));
    const windows = permute(reshape(whole, [n, c, kh, rows, kw, columns]), [0, 1, 2, 4, 3, 5]);
    return reshape(windows, [n, c * kh * kw, rows * columns]);
  }
}

/** Shapes: (N, C·∏kernel, windows) → (N, C, …output_size): what Unfold took apart is added up. */
export class Fold extends Module {
  readonly #size: Pair;
  readonly #window: WindowArgs;
  readonly #maps: readonly [SparseMaps, SparseMaps];

  constructor(outputSize: Sizes, kernelSize: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) {
    super();
    this.#size = planeOf(listOf(outputSize, 2), 1);
    this.#window = windowOf(kernelSize, dilation, padding, stride);
    this.#maps = [windowMaps(this.#window, 0), windowMaps(this.#window, 1)];
  }

  forward(x: Tensor): Tensor {
    const [n = 1] = x.shape;
    const [kh, kw] = this.#window.kernel;
    const [rows, columns] = countsOf(this.#window, this.#size);
    const [c] = foldedSample(x.shape.slice(1), this.#window, this.#size);
    const windows = permute(reshape(x, [n, c, kh, kw, rows, columns]), [0, 1, 2, 4, 3, 5]);
    const whole = reshape(windows, [n, c, kh * rows, kw * columns]);
    const tall = sparseProduct(whole, 3, this.#maps[1].for(this.#size[1]).transposed);
    return sparseProduct(tall, 2, this.#maps[0].for(this.#size[0]).transposed);
  }
}

function foldedSample(input: Shape, window: WindowArgs, size: Pair): readonly [number, number, number] {
  const [rows = 0, columns = 0] = input;
  const elements = elementCount(window.kernel);
  const windows = elementCount(countsOf(window, size));
  if (input.length !== 2 || rows % elements !== 0) {
    throw new ShapeError(
      `takes samples of shape [channels·${elements}, windows], got ${showShape(input)}: the first size must be a multiple of the window's elements`,
      "kernel_size",
    );
  }
  if (columns !== windows) {
    throw new ShapeError(
      `has ${windows} windows of that size, and samples ${showShape(input)} have ${columns}`,
      "output_size",
    );
  }
  return [rows / elements, ...size];
}

const windowArgs = {
  kernel_size: sizes(2, 1).describe("Size of the window"),
  dilation: sizes(2, 1).default(1).describe("Distance between elements of the window"),
  padding: sizes(2, 0).default(0).describe("Zeros added on both sides"),
  stride: sizes(2, 1).default(1).describe("Steps between windows"),
};

export const unfoldLayer = defineLayer({
  type: "Unfold",
  summary: "The windows of images [channels, height, width] as columns: [channels·window, windows]",
  args: z.strictObject(windowArgs),
  resolve(given, input) {
    checkSample(input, 2);
    const window = windowOf(given.kernel_size, given.dilation, given.padding, given.stride);
    const windows = elementCount(countsOf(window, planeOf(input, 1)));
    return { args: given, output: [(input[0] ?? 0) * elementCount(window.kernel), windows], flops: 0 };
  },
  create: (given) => new Unfold(given.kernel_size, given.dilation, given.padding, given.stride),
});

export const foldLayer = defineLayer({
  type: "Fold",
  summary: "Adds up columns of windows [channels·window, windows] to images [channels, height, width]",
  args: z.strictObject({ output_size: sizes(2, 1).describe("Height and width of the image"), ...windowArgs }),
  resolve(given, input) {
    const window = windowOf(given.kernel_size, given.dilation, given.padding, given.stride);
    const output = foldedSample(input, window, planeOf(listOf(given.output_size, 2), 1));
    return { args: given, output, flops: elementCount(input) };
  },
  create: (given) => new Fold(given.output_size, given.kernel_size, given.dilation, given.padding, given.stride),
});
