/** Shapes: how many elements, what two shapes broadcast to, and what to say when they do not fit. */

/** Sizes of the dimensions, outermost first; `[]` is a scalar. Tensors are always contiguous and row-major. */
export type Shape = readonly number[];

/** Shapes or arguments that do not fit. The message is written for the person who wrote the model. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
  /** The argument at fault (`in_features`), where one is. */
  readonly field: string | undefined;

  constructor(message: string, field?: string) {
    super(message);
    this.field = field;
  }
}

export function elementCount(shape: Shape): number {
  let n = 1;
  for (const size of shape) n *= size;
  return n;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** `[32, 16]`, as error messages show a shape. */
export const showShape = (shape: Shape): string => `[${shape.join(", ")}]`;

/** NumPy's and PyTorch's rule: align from the right; sizes must be equal, or one of them 1. */
export function broadcastShapes(a: Shape, b: Shape, operation = "this operation"): Shape {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const x = a[a.length - i] ?? 1;
    const y = b[b.length - i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new ShapeError(
        `${operation} can't broadcast ${showShape(a)} with ${showShape(b)}: ` +
          `dimension ${-i} is ${x} in one and ${y} in the other, and neither is 1.`,
      );
    }
    out[rank - i] = x === 1 ? y : x;
  }
  return out;
}

/** Turns `-1` into the last dimension, and refuses what is not a dimension. */
export function normalizeDim(dim: number, rank: number, operation: string): number {
  const at = dim < 0 ? dim + rank : dim;
  if (!Number.isInteger(at) || at < 0 || at >= Math.max(rank, 1)) {
    throw new ShapeError(`${operation}: dimension ${dim} does not exist in a tensor of rank ${rank}.`, "dim");
  }
  return at;
}

/** Splits a shape around dimension `dim`: elements before, along and after it. */
export function splitAt(shape: Shape, dim: number): { outer: number; length: number; inner: number } {
  return {
    outer: elementCount(shape.slice(0, dim)),
    length: shape[dim] ?? 1,
    inner: elementCount(shape.slice(dim + 1)),
  };
}

/** Element strides of a contiguous tensor. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i] ?? 1;
  }
  return strides;
}
