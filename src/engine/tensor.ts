/**
 * Tensor: values on a device, and how they were made.
 *
 * Define by run: every operation computes at once; if a gradient is wanted, the result remembers operation and inputs,
 * and `backward()` walks back from there. Tensors are immutable, contiguous and row-major; reshaping shares memory.
 */
import { type BackwardOptions, backward, type Node } from "./autograd.ts";
import { type Device, defaultDevice, type Storage } from "./device.ts";
import * as ops from "./ops/index.ts";
import { elementCount, type Shape, ShapeError, showShape } from "./shape.ts";

export type DType = "float32" | "int32";

/** Nested arrays of numbers, as JSON carries a tensor. */
export type Nested = number | readonly Nested[];

export interface TensorOptions {
  readonly requiresGrad?: boolean;
  readonly dtype?: DType;
  readonly device?: Device;
}

export class Tensor {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly storage: Storage;
  requiresGrad: boolean;
  /** How this tensor was made; null for leaves and without gradient. */
  node: Node | null = null;
  /** Of a leaf, after `backward()`: the gradient, in this tensor's shape. */
  grad: Tensor | null = null;

  constructor(storage: Storage, shape: Shape, dtype: DType = "float32", requiresGrad = false) {
    this.storage = storage;
    this.shape = shape;
    this.dtype = dtype;
    this.requiresGrad = requiresGrad;
  }

  get device(): Device {
    return this.storage.device;
  }
  get rank(): number {
    return this.shape.length;
  }
  /** Number of elements. */
  get size(): number {
    return elementCount(this.shape);
  }
  get isLeaf(): boolean {
    return this.node === null;
  }

  // Values

  /** The values, copied to the host. */
  data(): Float32Array | Int32Array {
    const into = this.dtype === "int32" ? new Int32Array(this.size) : new Float32Array(this.size);
    return this.device.read(this.storage, into);
  }
  /** The value of a tensor of one element. */
  item(): number {
    if (this.size !== 1)
      throw new ShapeError(`item() wants one element; this tensor has shape ${showShape(this.shape)}.`);
    return this.data()[0] ?? Number.NaN;
  }
  toList(): Nested {
    return nest(this.data(), this.shape, 0, 0);
  }
  toString(): string {
    return `Tensor(${JSON.stringify(this.toList())}, shape=${showShape(this.shape)}, dtype=${this.dtype})`;
  }

  // Autograd

  /** Adds d(this)/d(leaf) to `grad` of every leaf that requires it. Not a scalar: say what to start from. */
  backward(gradient?: Tensor, options?: BackwardOptions): void {
    backward(this, gradient, options);
  }
  /** Forgets the gradient and frees its memory. */
  zeroGrad(): void {
    if (this.grad) this.device.free(this.grad.storage);
    this.grad = null;
  }
  /** The same values, cut off from the graph. */
  detach(): Tensor {
    return new Tensor(this.storage, this.shape, this.dtype);
  }

  // Arithmetic: broadcasting, with tensors or numbers

  add(other: Tensor | number): Tensor {
    return ops.add(this, other);
  }
  sub(other: Tensor | number): Tensor {
    return ops.sub(this, other);
  }
  mul(other: Tensor | number): Tensor {
    return ops.mul(this, other);
  }
  div(other: Tensor | number): Tensor {
    return ops.div(this, other);
  }
  pow(exponent: Tensor | number): Tensor {
    return ops.pow(this, exponent);
  }
  neg(): Tensor {
    return ops.neg(this);
  }
  abs(): Tensor {
    return ops.abs(this);
  }
  exp(): Tensor {
    return ops.exp(this);
  }
  log(): Tensor {
    return ops.log(this);
  }
  sqrt(): Tensor {
    return ops.sqrt(this);
  }
  square(): Tensor {
    return ops.square(this);
  }
  sin(): Tensor {
    return ops.sin(this);
  }
  cos(): Tensor {
    return ops.cos(this);
  }
  tanh(): Tensor {
    return ops.tanh(this);
  }
  sigmoid(): Tensor {
    return ops.sigmoid(this);
  }
  relu(): Tensor {
    return ops.relu(this);
  }
  clamp(low: number, high: number): Tensor {
    return ops.clamp(this, low, high);
  }
  maximum(other: Tensor | number): Tensor {
    return ops.maximum(this, other);
  }
  minimum(other: Tensor | number): Tensor {
    return ops.minimum(this, other);
  }

  // Reductions

  /** Sum over `dims`, or over everything. */
  sum(dims?: number | readonly number[], keepdim = false): Tensor {
    return ops.sum(this, dims, keepdim);
  }
  mean(dims?: number | readonly number[], keepdim = false): Tensor {
    return ops.mean(this, dims, keepdim);
  }
  amax(dim: number, keepdim = false): Tensor {
    return ops.amax(this, dim, keepdim);
  }
  argmax(dim: number): Tensor {
    return ops.argmax(this, dim);
  }
  softmax(dim: number): Tensor {
    return ops.softmax(this, dim);
  }
  logSoftmax(dim: number): Tensor {
    return ops.logSoftmax(this, dim);
  }

  // Products and movement

  matmul(other: Tensor): Tensor {
    return ops.matmul(this, other);
  }
  /** One size may be -1. */
  reshape(shape: Shape): Tensor {
    return ops.reshape(this, shape);
  }
  permute(dims: readonly number[]): Tensor {
    return ops.permute(this, dims);
  }
  transpose(dim0: number, dim1: number): Tensor {
    return ops.transpose(this, dim0, dim1);
  }
  expand(shape: Shape): Tensor {
    return ops.expand(this, shape);
  }
  /** Elements start … end − 1 along `dim`. */
  slice(dim: number, start: number, end: number): Tensor {
    return ops.slice(this, dim, start, end);
  }
}

/** A tensor from nested arrays, or from a flat array with a shape. */
export function tensor(
  values: Nested | Float32Array | Int32Array,
  shapeOrOptions?: Shape | TensorOptions,
  more: TensorOptions = {},
): Tensor {
  const shapeGiven = Array.isArray(shapeOrOptions);
  const options = shapeGiven ? more : ((shapeOrOptions ?? {}) as TensorOptions);
  const flat: number[] = [];
  const isTyped = values instanceof Float32Array || values instanceof Int32Array;
  const found = isTyped ? [values.length] : flatten(values, flat, "");
  const shape = shapeGiven ? (shapeOrOptions as Shape) : found;
  const source = isTyped ? values : flat;
  if (elementCount(shape) !== source.length) {
    throw new ShapeError(
      `${source.length} values don't fill shape ${showShape(shape)}, which has ${elementCount(shape)}.`,
    );
  }
  const dtype = options.dtype ?? (values instanceof Int32Array ? "int32" : "float32");
  const device = options.device ?? defaultDevice();
  const storage = device.upload(dtype === "int32" ? Int32Array.from(source) : Float32Array.from(source));
  return new Tensor(storage, shape, dtype, options.requiresGrad ?? false);
}

function flatten(values: Nested, into: number[], path: string): number[] {
  if (typeof values === "number") {
    into.push(values);
    return [];
  }
  let inner: number[] | undefined;
  values.forEach((value, i) => {
    const shape = flatten(value, into, `${path}[${i}]`);
    if (inner && shape.join() !== inner.join()) {
      throw new ShapeError(
        `The nested array is ragged: ${path}[${i}] has shape ${showShape(shape)}, ${path}[0] has ${showShape(inner)}.`,
      );
    }
    inner ??= shape;
  });
  return [values.length, ...(inner ?? [])];
}

function nest(flat: ArrayLike<number>, shape: Shape, dim: number, offset: number): Nested {
  if (dim === shape.length) return flat[offset] ?? Number.NaN;
  const stride = elementCount(shape.slice(dim + 1));
  return Array.from({ length: shape[dim] ?? 0 }, (_, i) => nest(flat, shape, dim + 1, offset + i * stride));
}

function filled(shape: Shape, value: number, options: TensorOptions = {}): Tensor {
  const { device = defaultDevice(), dtype = "float32", requiresGrad = false } = options;
  const count = elementCount(shape);
  if (dtype === "int32") return tensor(new Int32Array(count).fill(value), shape, options);
  const storage = device.allocate(Math.max(4, count * 4));
  device.run("fill", [storage.buffer], [count, value]);
  return new Tensor(storage, shape, dtype, requiresGrad);
}
export const zeros = (shape: Shape, options?: TensorOptions): Tensor => filled(shape, 0, options);
export const ones = (shape: Shape, options?: TensorOptions): Tensor => filled(shape, 1, options);
export const full = filled;

/** `steps` values from `start` to `end`, both included. */
export function linspace(start: number, end: number, steps: number, options?: TensorOptions): Tensor {
  const step = steps > 1 ? (end - start) / (steps - 1) : 0;
  return tensor(
    Float32Array.from({ length: steps }, (_, i) => start + i * step),
    [steps],
    options,
  );
}

/**
 * Frees every tensor that `body` makes, except those in its result (a tensor, or an array or object of tensors).
 * Wrap a training step in it when a loop runs long without awaiting: only then can the garbage collector do it for you.
 */
export function scope<T>(body: () => T, device: Device = defaultDevice()): T {
  return device.scope(body, storagesIn);
}

function* storagesIn(value: unknown): Generator<Storage> {
  if (value instanceof Tensor) yield value.storage;
  else if (Array.isArray(value)) for (const item of value) yield* storagesIn(item);
  else if (value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) yield* storagesIn(item);
  }
}
