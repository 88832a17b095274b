/** A kernel's third dimension: the slices of a volume that it meets become channels of images, so that kernels over images do the rest. */
import { permute, reshape, sparseProduct } from "../ops/index.ts";
import { SparseMap, type Term } from "../sparse-map.ts";
import type { Tensor } from "../tensor.ts";

/** How a kernel of so many slices moves along the depth: slice k of window i is slice i·stride + k·dilation − before. */
export interface DepthKernel {
  readonly slices: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
}

export class DepthWindows {
  readonly #kernel: DepthKernel;
  readonly #maps = new Map<string, SparseMap>();

  constructor(kernel: DepthKernel) {
    this.#kernel = kernel;
  }

  /** What each of `count` windows sees, zeros beyond the ends. Shapes: (N, C, D, H, W) → (N·count, C·slices, H, W). */
  take(volumes: Tensor, count: number): Tensor {
    const [batch = 0, channels = 0, depth = 1, ...plane] = volumes.shape;
    if (this.#isPlain(depth, count)) return imagesOf(volumes);
    const { slices } = this.#kernel;
    const windows = sparseProduct(volumes, 2, this.#map(depth, count));
    const apart = permute(reshape(windows, [batch, channels, count, slices, ...plane]), [0, 2, 1, 3, 4, 5]);
    return reshape(apart, [batch * count, channels * slices, ...plane]);
  }

  /** The sum of what windows give to each of `depth` slices. Shapes: (N·D, C·slices, H, W) → (N, C, depth, H, W). */
  spread(images: Tensor, batch: number, depth: number): Tensor {
    const [rows = 0, stacked = 0, ...plane] = images.shape;
    const count = batch === 0 ? 1 : rows / batch;
    if (this.#isPlain(depth, count)) return volumesOf(images, batch);
    const { slices } = this.#kernel;
    const channels = stacked / slices;
    const apart = permute(reshape(images, [batch, count, channels, slices, ...plane]), [0, 2, 1, 3, 4, 5]);
    const windows = reshape(apart, [batch, channels, count * slices, ...plane]);
    return sparseProduct(windows, 2, this.#map(depth, count).transposed);
  }

  /** A window for each slice, which sees that slice alone. */
  #isPlain(depth: number, count: number): boolean {
    const { slices, stride, before } = this.#kernel;
    return slices === 1 && stride === 1 && before === 0 && depth === count;
  }

  #map(depth: number, count: number): SparseMap {
    const key = `${depth} ${count}`;
    const map = this.#maps.get(key) ?? new SparseMap(depth, this.#rows(depth, count));
    this.#maps.set(key, map);
    return map;
  }

  #rows(depth: number, count: number): Term[][] {
    const { slices, stride, dilation, before } = this.#kernel;
    return Array.from({ length: count * slices }, (_, row): Term[] => {
      const at = Math.floor(row / slices) * stride + (row % slices) * dilation - before;
      return at >= 0 && at < depth ? [[at, 1]] : [];
    });
  }
}

/** (N, C, D, H, W) → (N·D, C, H, W) */
export function imagesOf(volumes: Tensor): Tensor {
  const [batch = 0, channels = 0, depth = 1, ...plane] = volumes.shape;
  const apart = depth === 1 ? volumes : permute(volumes, [0, 2, 1, 3, 4]);
  return reshape(apart, [batch * depth, channels, ...plane]);
}

/** (N·D, C, H, W) → (N, C, D, H, W) */
export function volumesOf(images: Tensor, batch: number): Tensor {
  const [rows = 0, channels = 0, ...plane] = images.shape;
  const depth = batch === 0 ? 1 : rows / batch;
  if (depth === 1) return reshape(images, [batch, channels, 1, ...plane]);
  return permute(reshape(images, [batch, depth, channels, ...plane]), [0, 2, 1, 3, 4]);
}
