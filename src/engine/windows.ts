/** Windows that slide over an image: how many fit, and which are too large to compute. Pairs are [vertical, horizontal]. */
import { ShapeError } from "./shape.ts";

export type Pair = readonly [number, number];

/** How a convolution's kernel moves: steps, distances between its elements, zeros before the first row and column. */
export interface ConvolutionGeometry {
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly before: Pair;
  readonly groups: number;
}

/** Output positions of a kernel along one dimension; below 1 when it doesn't fit. */
export function windowCount(size: number, kernel: number, stride: number, dilation = 1, padding = 0): number {
  return Math.floor((size + padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

/** The same for pooling with padding on both sides: with `ceil`, a last window may hang over, if it begins inside. */
export function pooledSize(
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
  pad: number,
  ceil: boolean,
): number {
  const whole = windowCount(size, kernel, stride, dilation, 2 * pad);
  if (!ceil) return whole;
  const hanging = Math.ceil((size + 2 * pad - dilation * (kernel - 1) - 1) / stride) + 1;
  return (hanging - 1) * stride >= size + pad ? hanging - 1 : hanging;
}

/** Elements of one channel that a backend must hold at once for a few positions. */
const LARGEST_REACH = 2 ** 16;

/** Throws ShapeError when a kernel reaches too far for convolutions to be computed. */
export function checkReach(kernel: Pair, stride: Pair, dilation: Pair): void {
  const reach = [0, 1].map((i) => {
    const far = ((kernel[i] ?? 1) - 1) * (dilation[i] ?? 1);
    const step = stride[i] ?? 1;
    return Math.min(step, far + 1) * ((i === 0 ? 1 : 4) + Math.floor(far / step));
  });
  const [rows = 1, columns = 1] = reach;
  if (rows * columns <= LARGEST_REACH) return;
  throw new ShapeError(
    `reaches over ${rows} × ${columns} elements, dilation included, and at most ${LARGEST_REACH} in all are possible`,
    "kernel_size",
  );
}
