/**
 * Convolution of images (N, channels, height, width), and its gradients. The three are closed under differentiation:
 * with y = x ∗ w, input(g, w) is what x gets and weight(g, x) what w gets, and each is linear in both of its operands.
 */
import { type Shape, ShapeError, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { type ConvolutionGeometry, checkReach, type Pair } from "../windows.ts";
import { emit, record, requireFloat } from "./op.ts";
import { sum } from "./reduce.ts";

/**
 * y[n, f, i, j] = bias[f] + Σ x[n, c, i·stride + ky·dilation − before, …]·weight[f, c, ky, kx], zeros beyond the edges.
 * Shapes: x (N, C, H, W), weight (F, C/groups, KH, KW), bias (F) → (N, F, …size).
 */
export function convolution(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  geometry: ConvolutionGeometry,
  size: Pair,
): Tensor {
  requireFloat("convolution", x, weight);
  const params = paramsOf("convolution", geometry, x.shape, weight.shape, [
    x.shape[0] ?? 0,
    weight.shape[0] ?? 0,
    ...size,
  ]);
  const shape = [x.shape[0] ?? 0, weight.shape[0] ?? 0, ...size];
  const ofX = (g: Tensor) => () => convolutionInput(g, weight, geometry, spatial(x.shape));
  const ofWeight = (g: Tensor) => () => convolutionWeight(g, x, geometry, spatial(weight.shape));
  if (!bias) {
    const y = emit("convolution", shape, [x, weight], params);
    return record("convolution", y, [x, weight], (g) => [ofX(g), ofWeight(g)]);
  }
  const y = emit("biasedConvolution", shape, [x, weight, bias], params);
  return record("convolution", y, [x, weight, bias], (g) => [ofX(g), ofWeight(g), () => sum(g, [0, 2, 3])]);
}

/**
 * The gradient of x, which is also transposed convolution: each element of g is spread over the window that it came from.
 * Shapes: g (N, F, *), weight (F, C/groups, KH, KW) → (N, C, …size).
 */
export function convolutionInput(g: Tensor, weight: Tensor, geometry: ConvolutionGeometry, size: Pair): Tensor {
  requireFloat("convolutionInput", g, weight);
  const shape = [g.shape[0] ?? 0, (weight.shape[1] ?? 0) * geometry.groups, ...size];
  const params = paramsOf("convolutionInput", geometry, shape, weight.shape, g.shape);
  const y = emit("convolutionInput", shape, [g, weight], params);
  return record("convolutionInput", y, [g, weight], (h) => [
    () => convolution(h, weight, null, geometry, spatial(g.shape)),
    () => convolutionWeight(g, h, geometry, spatial(weight.shape)),
  ]);
}

/** The gradient of the weight. Shapes: g (N, F, *), x (N, C, *) → (F, C/groups, …kernel). */
export function convolutionWeight(g: Tensor, x: Tensor, geometry: ConvolutionGeometry, kernel: Pair): Tensor {
  requireFloat("convolutionWeight", g, x);
  const shape = [g.shape[1] ?? 0, (x.shape[1] ?? 0) / geometry.groups, ...kernel];
  const y = emit("convolutionWeight", shape, [g, x], paramsOf("convolutionWeight", geometry, x.shape, shape, g.shape));
  return record("convolutionWeight", y, [g, x], (v) => [
    () => convolution(x, v, null, geometry, spatial(g.shape)),
    () => convolutionInput(g, v, geometry, spatial(x.shape)),
  ]);
}

const spatial = (shape: Shape): Pair => [shape[2] ?? 1, shape[3] ?? 1];

/** The instruction's parameters, after a look whether the three shapes belong together. */
function paramsOf(op: string, geometry: ConvolutionGeometry, x: Shape, weight: Shape, y: Shape): number[] {
  const { stride, dilation, before, groups } = geometry;
  const [batch = 0, channels = 0, height = 0, width = 0] = x;
  const [features = 0, perGroup = 0, kernelHeight = 0, kernelWidth = 0] = weight;
  const ranks = x.length === 4 && weight.length === 4 && y.length === 4;
  const grouped = channels === perGroup * groups && features % groups === 0;
  if (!ranks || !grouped || y[0] !== batch || y[1] !== features) {
    throw new ShapeError(
      `${op}: images ${showShape(x)}, a weight ${showShape(weight)} in ${groups} groups and results ${showShape(y)} don't fit each other.`,
    );
  }
  checkReach([kernelHeight, kernelWidth], stride, dilation);
  return [
    ...[batch, groups, channels, height, width, features, y[2] ?? 0, y[3] ?? 0],
    ...[kernelHeight, kernelWidth, ...stride, ...dilation, ...before],
  ];
}
