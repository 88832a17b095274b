// Convolution in two dimensions, and its transpose, which is its gradient with respect to the input.
//
// Both correlate: an output row (feature) is a sum over taps, each an element of the weight times the source shifted. The
// loops are those of matmul.ts, but the second operand is never laid out: planes.ts copies the source so that a tap is
// an offset. The transpose of a strided convolution is one correlation for each phase of its output.
//
// Measured on one core of an AMD EPYC (Zen 4), 3 × 3 kernels on 64 images of 14 × 14, 16 to 32 channels, where a product of
// 512³ runs at 54 GFLOP/s with relaxed SIMD and 28 with plain: forward 48 and 31, input 45 and 29, weight 49 and 26.
import { Call, clear, correlate } from "./correlate";
import { horizontal, Planes, vertical } from "./planes";

export function convolution(
  out: usize,
  x: usize,
  weight: usize,
  batch: i32,
  groups: i32,
  channels: i32,
  height: i32,
  width: i32,
  features: i32,
  outHeight: i32,
  outWidth: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  strideY: i32,
  strideX: i32,
  dilationY: i32,
  dilationX: i32,
  padTop: i32,
  padLeft: i32,
): void {
  begin(out, x, weight, batch, groups, features, channels, kernelHeight, kernelWidth);
  Call.bias = 0;
  Call.transposed = false;
  vertical.forward(height, outHeight, kernelHeight, strideY, dilationY, padTop);
  horizontal.forward(width, outWidth, kernelWidth, strideX, dilationX, padLeft);
  correlate();
}

export function biasedConvolution(
  out: usize,
  x: usize,
  weight: usize,
  bias: usize,
  batch: i32,
  groups: i32,
  channels: i32,
  height: i32,
  width: i32,
  features: i32,
  outHeight: i32,
  outWidth: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  strideY: i32,
  strideX: i32,
  dilationY: i32,
  dilationX: i32,
  padTop: i32,
  padLeft: i32,
): void {
  begin(out, x, weight, batch, groups, features, channels, kernelHeight, kernelWidth);
  Call.bias = bias;
  Call.transposed = false;
  vertical.forward(height, outHeight, kernelHeight, strideY, dilationY, padTop);
  horizontal.forward(width, outWidth, kernelWidth, strideX, dilationX, padLeft);
  correlate();
}

export function convolutionInput(
  out: usize,
  g: usize,
  weight: usize,
  batch: i32,
  groups: i32,
  channels: i32,
  height: i32,
  width: i32,
  features: i32,
  outHeight: i32,
  outWidth: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  strideY: i32,
  strideX: i32,
  dilationY: i32,
  dilationX: i32,
  padTop: i32,
  padLeft: i32,
): void {
  begin(out, g, weight, batch, groups, channels, features, kernelHeight, kernelWidth);
  Call.bias = 0;
  Call.transposed = true;
  for (let y = 0; y < min<i32>(strideY, height); ++y) {
    vertical.backward(height, outHeight, kernelHeight, strideY, dilationY, padTop, y);
    for (let x = 0; x < min<i32>(strideX, width); ++x) {
      horizontal.backward(width, outWidth, kernelWidth, strideX, dilationX, padLeft, x);
      if (vertical.taps > 0 && horizontal.taps > 0) correlate();
      else clear();
    }
  }
}

function begin(
  out: usize,
  source: usize,
  weight: usize,
  batch: i32,
  groups: i32,
  features: i32,
  channels: i32,
  kernelHeight: i32,
  kernelWidth: i32,
): void {
  Planes.open();
  Call.out = out;
  Call.source = source;
  Call.weight = weight;
  Call.batch = batch;
  Call.groups = groups;
  Call.features = features / groups;
  Call.channels = channels / groups;
  Call.kernelHeight = kernelHeight;
  Call.kernelWidth = kernelWidth;
}
