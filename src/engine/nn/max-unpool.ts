/** MaxUnpool over one, two and three dimensions: the largest values put back where max pooling found them. */
import { maxUnpool, reshape } from "../ops/index.ts";
import { elementCount, ShapeError, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { Module } from "./module.ts";
import { checkRank, listOf, type Sizes, type Spatial } from "./spatial.ts";

abstract class MaxUnpool extends Module {
  protected abstract readonly dimensions: Spatial;
  readonly #kernel: Sizes;
  readonly #stride: Sizes;
  readonly #padding: Sizes;

  /** Those of the pooling that is undone. */
  constructor(kernelSize: Sizes, stride: Sizes | null = null, padding: Sizes = 0) {
    super();
    this.#kernel = kernelSize;
    this.#stride = stride ?? kernelSize;
    this.#padding = padding;
  }

  /** `indices`: int32, as `pool` of the max pooling layer gives them. */
  forward(x: Tensor, indices: Tensor): Tensor {
    return this.unpool(x, indices);
  }

  /** `outputSize`: positions of the result, where several sizes pool to that of x. */
  unpool(x: Tensor, indices: Tensor, outputSize?: readonly number[]): Tensor {
    const { dimensions } = this;
    checkRank(this.constructor.name, x, dimensions);
    if (indices.dtype !== "int32" || indices.size !== x.size) {
      throw new ShapeError(
        `${this.constructor.name}: indices are int32 in the shape of the values, ${showShape(x.shape)}; got ${indices.dtype} ${showShape(indices.shape)}.`,
      );
    }
    const [stride, padding] = [listOf(this.#stride, dimensions), listOf(this.#padding, dimensions)];
    const outer = x.shape.slice(0, -dimensions);
    const size =
      outputSize?.slice(-dimensions) ??
      listOf(this.#kernel, dimensions).map(
        (kernel, i) => ((x.shape.at(i - dimensions) ?? 1) - 1) * (stride[i] ?? 1) - 2 * (padding[i] ?? 0) + kernel,
      );
    const flat = [...outer, elementCount(x.shape.slice(-dimensions))];
    return reshape(maxUnpool(reshape(x, flat), reshape(indices, flat), elementCount(size)), [...outer, ...size]);
  }
}

/** Shapes: (N, C, L′) → (N, C, L); without N too. */
export class MaxUnpool1d extends MaxUnpool {
  protected readonly dimensions = 1;
}
/** Shapes: (N, C, H′, W′) → (N, C, H, W); without N too. */
export class MaxUnpool2d extends MaxUnpool {
  protected readonly dimensions = 2;
}
/** Shapes: (N, C, D′, H′, W′) → (N, C, D, H, W); without N too. */
export class MaxUnpool3d extends MaxUnpool {
  protected readonly dimensions = 3;
}
