/** Matrix products. Transposition is a flag of the instruction, so gradients need no transposed copies. */
import { broadcastShapes, elementCount, type Shape, ShapeError, sameShape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { expand, reshape } from "./movement.ts";
import { emit, record, requireFloat } from "./op.ts";
import { sum, sumTo } from "./reduce.ts";

/**
 * op(a)·op(b) over the last two dimensions, where op transposes if asked; leading dimensions are batches and broadcast.
 * A vector is a row on the left and a column on the right, as in PyTorch.
 */
export function matmul(a: Tensor, b: Tensor, transA = false, transB = false): Tensor {
  requireFloat("matmul", a, b);
  if (a.rank === 0 || b.rank === 0) throw new ShapeError("matmul needs vectors or matrices, not scalars. Use mul.");
  if (a.rank === 1 || b.rank === 1) return vectorProduct(a, b, transA, transB);
  const [m, k] = matrixSize(a, transA);
  const [inner, n] = matrixSize(b, transB);
  if (k !== inner) {
    throw new ShapeError(
      `matmul: ${showShape(a.shape)}${transA ? "ᵀ" : ""} · ${showShape(b.shape)}${transB ? "ᵀ" : ""} — the inner sizes ${k} and ${inner} must be equal.`,
    );
  }
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2), "matmul");
  const left = batched(a, batch);
  const right = batched(b, batch);
  const params = [m, n, k, Number(transA), Number(transB), elementCount(batch), left.stride, right.stride];
  const y = emit("matmul", [...batch, m, n], [left.matrix, right.matrix], params);
  return record("matmul", y, [a, b], (g) => [
    () => sumTo(transA ? matmul(b, g, transB, true) : matmul(g, b, false, !transB), a.shape),
    () => sumTo(transB ? matmul(g, a, true, transA) : matmul(a, g, !transA, false), b.shape),
  ]);
}

function matrixSize(x: Tensor, transposed: boolean): [number, number] {
  const [rows, cols] = [x.shape.at(-2) ?? 1, x.shape.at(-1) ?? 1];
  return transposed ? [cols, rows] : [rows, cols];
}

/** One matrix for all batches costs nothing (stride 0); a part of the batch is repeated in memory. */
function batched(x: Tensor, batch: Shape): { matrix: Tensor; stride: number } {
  const own = x.shape.slice(0, -2);
  const size = (x.shape.at(-2) ?? 1) * (x.shape.at(-1) ?? 1);
  if (elementCount(own) === 1) return { matrix: x, stride: 0 };
  if (sameShape(own, batch)) return { matrix: x, stride: size };
  return { matrix: expand(x, [...batch, ...x.shape.slice(-2)]), stride: size };
}

function vectorProduct(a: Tensor, b: Tensor, transA: boolean, transB: boolean): Tensor {
  const left = a.rank === 1 ? reshape(a, [1, a.size]) : a;
  const right = b.rank === 1 ? reshape(b, [b.size, 1]) : b;
  const y = matmul(left, right, a.rank > 1 && transA, b.rank > 1 && transB);
  const shape = y.shape.slice();
  if (b.rank === 1) shape.pop();
  if (a.rank === 1) shape.splice(b.rank === 1 ? shape.length - 1 : shape.length - 2, 1);
  return reshape(y, shape);
}

/** x·weightᵀ + bias over x's last dimension: x (*, in), weight (out, in), bias (out) → (*, out). */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  requireFloat("linear", x, weight);
  const [out = 0, features = 0] = weight.shape;
  if (x.shape.at(-1) !== features) {
    throw new ShapeError(
      `linear: the input ${showShape(x.shape)} ends in ${x.shape.at(-1) ?? "nothing"}, but the weight ${showShape(weight.shape)} takes ${features} features.`,
      "in_features",
    );
  }
  const rows = x.size / Math.max(1, features);
  const flat = reshape(x, [rows, features]);
  const shape = [...x.shape.slice(0, -1), out];
  if (!bias) return reshape(matmul(flat, weight, false, true), shape);
  const y = emit("linear", [rows, out], [flat, weight, bias], [rows, out, features]);
  const product = record("linear", y, [flat, weight, bias], (g) => [
    () => matmul(g, weight),
    () => matmul(g, flat, true, false),
    () => sum(g, 0),
  ]);
  return reshape(product, shape);
}
