// The gradient of a convolution with respect to its weight: out[f, c, tap] = Σ x[c, position shifted by tap]·g[f, position].
import { packRows } from "./pack";
import { Block, horizontal, MAX_FEATURES, MAX_TAPS, Planes, vertical } from "./planes";
import { scratch } from "./scratch";
import { addProductsOfOne, clearSumsOfOne, unpackSumsOfOne } from "./single-feature";
import { WEIGHT_COLUMNS, WEIGHT_ROWS, weightTile } from "./weight-tile";

/** A block's positions × features are packed in as much room as the sums take. */
const POSITIONS: i32 = MAX_TAPS;
const PACKED: usize = MAX_FEATURES * MAX_TAPS * 4;

export function convolutionWeight(
  out: usize,
  g: usize,
  x: usize,
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
  convolutionWeightPart(
    out,
    g,
    x,
    batch,
    groups,
    channels,
    height,
    width,
    features,
    outHeight,
    outWidth,
    kernelHeight,
    kernelWidth,
    strideY,
    strideX,
    dilationY,
    dilationX,
    padTop,
    padLeft,
    0,
    features,
  );
}

/** The features `first` … `first + count − 1` of all. */
export function convolutionWeightPart(
  out: usize,
  g: usize,
  x: usize,
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
  first: i32,
  count: i32,
): void {
  Planes.open();
  vertical.forward(height, outHeight, kernelHeight, strideY, dilationY, padTop);
  horizontal.forward(width, outWidth, kernelWidth, strideX, dilationX, padLeft);
  channels /= groups;
  features /= groups;
  Planes.choose(batch, channels, POSITIONS);
  const rows = vertical.count;
  const columns = horizontal.count;
  const kernel = kernelHeight * kernelWidth;
  const sourcePlane = (<usize>height * <usize>width) << 2;
  const gPlane = (<usize>outHeight * <usize>outWidth) << 2;
  const featureBytes = (<usize>channels * <usize>kernel) << 2;
  for (let group = 0; group < groups; ++group) {
    const from = max<i32>(first - group * features, 0);
    const end = min<i32>(first + count - group * features, features);
    for (let feature = from; feature < end; feature += MAX_FEATURES) {
      const some = min<i32>(end - feature, MAX_FEATURES);
      const firstFeature = group * features + feature;
      for (let channel = 0; channel < channels; channel += Block.channels) {
        const together = min<i32>(channels - channel, Block.channels);
        const firstChannel = group * channels + channel;
        for (let tap = 0; tap < kernel; tap += Block.taps) {
          const taps = min<i32>(kernel - tap, Block.taps);
          const depth = together * taps;
          if (features == 1) clearSumsOfOne(depth);
          else memory.fill(scratch, 0, (<usize>stripsOf(some) * <usize>WEIGHT_COLUMNS * <usize>depth) << 2);
          for (let image = 0; image < batch; image += Block.images) {
            const images = min<i32>(batch - image, Block.images);
            const source = x + <usize>(image * groups * channels + firstChannel) * sourcePlane;
            const gradient = g + <usize>(image * groups * features + firstFeature) * gPlane;
            for (let top = 0; top < outHeight; top += rows) {
              vertical.first = top;
              vertical.count = min<i32>(outHeight - top, rows);
              for (let left = 0; left < outWidth; left += columns) {
                horizontal.first = left;
                horizontal.count = min<i32>(outWidth - left, columns);
                Planes.fill(source, images, <usize>(groups * channels) * sourcePlane, together, sourcePlane);
                Planes.writeTaps(together, tap, taps);
                const imageStep = <usize>(groups * features) * gPlane;
                if (features == 1) {
                  addProductsOfOne(gradient, images, imageStep, together * Planes.channelSize, depth);
                } else {
                  pack(gradient, images, imageStep, some, gPlane);
                  addProducts(images, together, some, depth);
                }
              }
            }
          }
          vertical.count = rows;
          horizontal.count = columns;
          const to = out + <usize>firstFeature * featureBytes + ((<usize>(channel * kernel + tap)) << 2);
          if (features == 1) unpackSumsOfOne(to, depth);
          else unpack(to, featureBytes, some, depth);
        }
      }
    }
  }
}

function stripsOf(features: i32): i32 {
  return (features + WEIGHT_COLUMNS - 1) / WEIGHT_COLUMNS;
}

/** Packs g: for each strip of eight features all positions of the block, with the features of a position side by side. */
function pack(g: usize, images: i32, imageStep: usize, features: i32, plane: usize): void {
  const step: usize = WEIGHT_COLUMNS << 2;
  const whole = horizontal.count == horizontal.outSize;
  const rows = whole ? 1 : vertical.count;
  const columns = whole ? vertical.count * horizontal.count : horizontal.count;
  const rowBytes = (<usize>horizontal.outSize) << 2;
  const start = g + ((<usize>(vertical.first * horizontal.outSize + horizontal.first)) << 2);
  let to = scratch + PACKED;
  for (let f = 0; f < features; f += WEIGHT_COLUMNS) {
    const count = min<i32>(features - f, WEIGHT_COLUMNS);
    let image = start + <usize>f * plane;
    for (let i = images; i > 0; --i, image += imageStep) {
      let from = image;
      for (let y = rows; y > 0; --y, from += rowBytes, to += <usize>columns * step) {
        packRows(to, step, from, plane, count, columns);
      }
    }
  }
}

/** Adds a block's products to the sums: for each strip of eight features all taps of the block. */
function addProducts(images: i32, channels: i32, features: i32, depth: i32): void {
  const merged = Planes.gapless;
  const rows = merged ? 1 : vertical.count;
  const length = merged ? vertical.count * horizontal.count : horizontal.count;
  const imagePlanes = channels * Planes.channelSize;
  const runs = Planes.vectors;
  let to = runs;
  for (let image = 0; image < images; ++image) {
    for (let y = 0; y < rows; ++y, to += 4) store<u32>(to, (image * imagePlanes + y * horizontal.span) << 2);
  }
  const runCount = images * rows;
  const packed = (<usize>runCount * <usize>length * <usize>WEIGHT_COLUMNS) << 2;
  const stripBytes = (<usize>depth * <usize>WEIGHT_COLUMNS) << 2;
  let strips = (depth + WEIGHT_ROWS - 1) / WEIGHT_ROWS;
  for (let t = 0; t < depth; --strips) {
    const height = (depth - t + strips - 1) / strips;
    let sums = scratch + ((<usize>t * <usize>WEIGHT_COLUMNS) << 2);
    let g = scratch + PACKED;
    for (let f = 0; f < features; f += WEIGHT_COLUMNS, g += packed, sums += stripBytes) {
      const taps = Planes.taps + ((<usize>t) << 2);
      weightTile(height, features - f, sums, taps, Planes.address, runs, runCount, length, g);
    }
    t += height;
  }
}

/** Sums to the weight's own layout. */
function unpack(out: usize, featureBytes: usize, features: i32, depth: i32): void {
  for (let f = 0; f < features; ++f, out += featureBytes) {
    const strip = f / WEIGHT_COLUMNS;
    let from = scratch + ((<usize>(strip * depth * WEIGHT_COLUMNS + f - strip * WEIGHT_COLUMNS)) << 2);
    let to = out;
    for (let t = depth; t > 0; --t, to += 4, from += WEIGHT_COLUMNS << 2) store<f32>(to, load<f32>(from));
  }
}
