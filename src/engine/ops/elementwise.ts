/** Elementwise ops: each with its gradient right under it, written in other ops so that it can be differentiated again. */
import type { InstructionName } from "../instructions.ts";
import { broadcastShapes, elementCount, type Shape, sameShape } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { asTensor, broadcastStrides, emit, record, requireFloat, stridedParams } from "./op.ts";
import { sumTo } from "./reduce.ts";

type Unary = (x: Tensor) => Tensor;
type Binary = (a: Tensor | number, b: Tensor | number) => Tensor;

/** y = f(x); `gradient` gives x's gradient from g, x and y. */
function unary(name: InstructionName, gradient: null | ((g: Tensor, x: Tensor, y: Tensor) => Tensor)): Unary {
  return (x) => {
    requireFloat(name, x);
    const y = emit(name, x.shape, [x], [x.size]);
    return gradient ? record(name, y, [x], (g) => [() => gradient(g, x, y)]) : y;
  };
}

type Partial = null | ((g: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor);

/** y = f(a, b) with broadcasting; `partials` give the gradients before they are summed back to each input's shape. */
function binary(name: InstructionName, partialA: Partial, partialB: Partial): Binary {
  return (left, right) => {
    const [a, b] = pair(left, right);
    requireFloat(name, a, b);
    const shape = broadcastShapes(a.shape, b.shape, name);
    const y = emit(name, shape, [a, b], binaryParams(name, shape, a.shape, b.shape));
    if (!partialA && !partialB) return y;
    return record(name, y, [a, b], (g) => [
      partialA && (() => sumTo(partialA(g, a, b, y), a.shape)),
      partialB && (() => sumTo(partialB(g, a, b, y), b.shape)),
    ]);
  };
}

function pair(left: Tensor | number, right: Tensor | number): [Tensor, Tensor] {
  if (left instanceof Tensor) return [left, asTensor(right, left)];
  if (right instanceof Tensor) return [asTensor(left, right), right];
  throw new TypeError("An elementwise op needs at least one tensor; both operands are numbers.");
}

const FLAT = [1, 1, 1, 1, 1];
const ONE = [1, 0, 0, 0, 0, 0];
const ZERO = [0, 0, 0, 0, 0, 0];

function binaryParams(name: string, shape: Shape, a: Shape, b: Shape): number[] {
  const n = elementCount(shape);
  const flatA = sameShape(a, shape);
  const flatB = sameShape(b, shape);
  // The two commonest cases, without the general analysis: same shapes, and a scalar.
  if (flatA && flatB) return [1, n, ...FLAT, ...ONE, ...ONE];
  if (flatA && elementCount(b) === 1) return [1, n, ...FLAT, ...ONE, ...ZERO];
  return stridedParams(name, shape, [broadcastStrides(a, shape), broadcastStrides(b, shape)]);
}

export const add = binary(
  "add",
  (g) => g,
  (g) => g,
);
export const sub = binary(
  "sub",
  (g) => g,
  (g) => neg(g),
);
export const mul = binary(
  "mul",
  (g, _a, b) => mul(g, b),
  (g, a) => mul(g, a),
);
export const div = binary(
  "div",
  (g, _a, b) => div(g, b),
  (g, _a, b, y) => neg(div(mul(g, y), b)),
);
/** 0⁰ = 1, and like PyTorch the gradients are 0 where the exponent (or for the exponent: the base) is 0. */
export const pow = binary(
  "pow",
  (g, a, b) => where(eq(b, 0), 0, mul(g, mul(b, pow(a, sub(b, 1))))),
  (g, a, _b, y) => where(eq(a, 0), 0, mul(g, mul(y, log(where(eq(a, 0), 1, a))))),
);
/** A tie gives half the gradient to each. */
export const maximum = binary(
  "maximum",
  (g, a, b) => mul(g, preferred(gt(a, b), a, b)),
  (g, a, b) => mul(g, preferred(gt(b, a), a, b)),
);
export const minimum = binary(
  "minimum",
  (g, a, b) => mul(g, preferred(lt(a, b), a, b)),
  (g, a, b) => mul(g, preferred(lt(b, a), a, b)),
);
const preferred = (wins: Tensor, a: Tensor, b: Tensor): Tensor => add(wins, mul(eq(a, b), 0.5));

export const eq = binary("eq", null, null);
export const ne = binary("ne", null, null);
export const lt = binary("lt", null, null);
export const le = binary("le", null, null);
export const gt = binary("gt", null, null);
export const ge = binary("ge", null, null);

export const neg = unary("neg", (g) => neg(g));
export const abs = unary("abs", (g, x) => mul(g, sign(x)));
export const sign = unary("sign", null);
export const floor = unary("floor", null);
export const exp = unary("exp", (g, _x, y) => mul(g, y));
export const expm1 = unary("expm1", (g, _x, y) => mul(g, add(y, 1)));
export const log = unary("log", (g, x) => div(g, x));
export const log1p = unary("log1p", (g, x) => div(g, add(x, 1)));
export const sqrt = unary("sqrt", (g, _x, y) => div(g, mul(y, 2)));
export const rsqrt = unary("rsqrt", (g, _x, y) => mul(mul(g, -0.5), mul(y, square(y))));
export const reciprocal = unary("reciprocal", (g, _x, y) => neg(mul(g, square(y))));
export const square = unary("square", (g, x) => mul(g, mul(x, 2)));
export const sin = unary("sin", (g, x) => mul(g, cos(x)));
export const cos = unary("cos", (g, x) => neg(mul(g, sin(x))));
export const erf = unary("erf", (g, x) => mul(g, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI))));

/** Its gradient is told by y, which is 0 where x was at most that: x's memory is free once y is known. */
export const relu = unary("relu", (g, _x, y) => reluBackward(g, y));
const reluBackward = binary("reluBackward", (g, _a, y) => reluBackward(g, y), null);

export const sigmoid = unary("sigmoid", (g, _x, y) => sigmoidBackward(g, y));
const sigmoidBackward = binary(
  "sigmoidBackward",
  (gg, _g, y) => sigmoidBackward(gg, y),
  (gg, g, y) => mul(mul(gg, g), sub(1, mul(y, 2))),
);

export const tanh = unary("tanh", (g, _x, y) => tanhBackward(g, y));
const tanhBackward = binary(
  "tanhBackward",
  (gg, _g, y) => tanhBackward(gg, y),
  (gg, g, y) => mul(mul(gg, g), mul(y, -2)),
);

/** condition ≠ 0 ? a : b, all broadcast. The branch not taken gets gradient 0, so keep its own derivative finite there. */
export function where(condition: Tensor, left: Tensor | number, right: Tensor | number): Tensor {
  const a = asTensor(left, condition);
  const b = asTensor(right, condition);
  requireFloat("where", condition, a, b);
  const shape = broadcastShapes(condition.shape, broadcastShapes(a.shape, b.shape, "where"), "where");
  const strides = [condition, a, b].map((operand) => broadcastStrides(operand.shape, shape));
  const y = emit("where", shape, [condition, a, b], stridedParams("where", shape, strides));
  return record("where", y, [a, b], (g) => [
    () => sumTo(where(condition, g, 0), a.shape),
    () => sumTo(where(condition, 0, g), b.shape),
  ]);
}

/** min(max(x, low), high); the gradient at an edge is 1, as torch.clamp has it. */
export function clamp(x: Tensor, low: number, high: number): Tensor {
  return where(lt(x, low), low, where(gt(x, high), high, x));
}

/** int32 → float32 */
export function toFloat(x: Tensor): Tensor {
  return x.dtype === "float32" ? x : emit("toFloat", x.shape, [x], [x.size]);
}

/** float32 → int32, toward zero; no gradient. */
export function toInt(x: Tensor): Tensor {
  return x.dtype === "int32" ? x : emit("toInt", x.shape, [x], [x.size], "int32");
}

export function clone(x: Tensor): Tensor {
  return record("clone", emit("copy", x.shape, [x], [x.size], x.dtype), [x], (g) => [() => g]);
}
