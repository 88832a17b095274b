/** What every op is made of: allocate the output, run instructions, remember the gradients. */
import { isGradEnabled, type Node } from "../autograd.ts";
import type { Device } from "../device.ts";
import { type InstructionName, MAX_RANK } from "../instructions.ts";
import { elementCount, type Shape, ShapeError, showShape } from "../shape.ts";
import { type DType, Tensor } from "../tensor.ts";

/** Gradients of an op's inputs, made only when asked for; null where there is none. */
export type Gradients = Node["gradients"];

/** Marks `output` as made by `op` from `inputs`, if anyone will ask for its gradient. */
export function record(op: string, output: Tensor, inputs: readonly Tensor[], gradients: Gradients): Tensor {
  if (!isGradEnabled() || !inputs.some((input) => input.requiresGrad)) return output;
  output.requiresGrad = true;
  output.node = { op, inputs, gradients };
  return output;
}

export function empty(device: Device, shape: Shape, dtype: DType = "float32"): Tensor {
  return new Tensor(device.allocate(Math.max(4, elementCount(shape) * 4)), shape, dtype);
}

/** Runs one instruction that writes a new tensor of this shape. */
export function emit(
  instruction: InstructionName,
  shape: Shape,
  reads: readonly Tensor[],
  params: readonly number[],
  dtype: DType = "float32",
): Tensor {
  const first = reads[0];
  if (!first) throw new Error(`emit(${instruction}) needs a tensor to read, which says the device`);
  const out = empty(first.device, shape, dtype);
  first.device.run(instruction, [out.storage.buffer, ...reads.map((tensor) => tensor.storage.buffer)], params);
  return out;
}

/** A number becomes a constant on the device of the tensor that it meets. */
export function asTensor(value: Tensor | number, beside: Tensor): Tensor {
  return typeof value === "number" ? new Tensor(beside.device.scalar(value), []) : value;
}

export function requireFloat(op: string, ...tensors: readonly Tensor[]): void {
  for (const tensor of tensors) {
    if (tensor.dtype !== "float32") {
      throw new ShapeError(
        `${op} works on float32 tensors, and this one of shape ${showShape(tensor.shape)} is ${tensor.dtype}. Convert it with toFloat().`,
      );
    }
  }
}

const padded = (values: readonly number[], filler: number): number[] => {
  const out = values.slice();
  while (out.length < MAX_RANK) out.push(filler);
  return out;
};

/**
 * Parameters of a strided instruction: rank, dims, then the strides of each operand. Neighbouring dimensions that every
 * operand walks evenly are merged, so that most calls become one long row.
 */
export function stridedParams(op: string, shape: Shape, operands: readonly (readonly number[])[]): number[] {
  const dims: number[] = [];
  const strides: number[][] = operands.map(() => []);
  for (let i = 0; i < shape.length; i++) {
    const size = shape[i] ?? 1;
    if (size === 1 && shape.length > 1) continue;
    const last = dims.length - 1;
    const merges = last >= 0 && operands.every((s, j) => strides[j]?.[last] === (s[i] ?? 0) * size);
    if (merges) {
      dims[last] = (dims[last] ?? 1) * size;
      operands.forEach((s, j) => {
        const merged = strides[j];
        if (merged) merged[last] = s[i] ?? 0;
      });
    } else {
      dims.push(size);
      operands.forEach((s, j) => {
        strides[j]?.push(s[i] ?? 0);
      });
    }
  }
  if (dims.length === 0) {
    dims.push(1);
    for (const s of strides) s.push(0);
  }
  if (dims.length > MAX_RANK) {
    throw new ShapeError(
      `${op} of shape ${showShape(shape)} needs ${dims.length} separate dimensions; ${MAX_RANK} is the most. Reshape it first.`,
    );
  }
  return [dims.length, ...padded(dims, 1), ...strides.flatMap((s) => padded(s, 0))];
}

/** Strides with which a contiguous tensor of `from` is read as if it had shape `to`. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = new Array<number>(to.length).fill(0);
  let stride = 1;
  for (let i = 1; i <= from.length; i++) {
    const size = from[from.length - i] ?? 1;
    if (size !== 1) strides[to.length - i] = stride;
    stride *= size;
  }
  return strides;
}
