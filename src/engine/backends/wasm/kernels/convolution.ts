// Convolution in two dimensions, and its transpose, which is its gradient with respect to the input.
//
// Both correlate: an output row (feature) is a sum over taps, each an element of the weight times the source shifted. The
// loops are those of matmul.ts, but the second operand is never laid out: planes.ts copies the source so that a tap is
// an offset. The transpose of a strided convolution is one correlation for each phase of its output.
//
// Measured on one core of an AMD EPYC (Zen 4), 3 × 3 kernels on 64 images of 14 × 14, 16 to 32 channels, where a product of
// 512³ runs at 54 GFLOP/s with relaxed SIMD and 28 with plain: forward 48 and 31, input 45 and 29, weight 49 and 26.
import { Lanes } from "./lanes";
import { packRows } from "./pack";
import { PATCH_ROWS, patchTile } from "./patch-tile";
import { block, horizontal, MAX_FEATURES, MAX_POSITIONS, Planes, vertical } from "./planes";
import { scratch } from "./scratch";

/** What stays the same for all blocks of one instruction. */
@unmanaged
class Call {
  out: usize;
  source: usize;
  weight: usize;
  bias: usize;
  batch: i32;
  groups: i32;
  /** Output features and source channels of each group. */
  features: i32;
  channels: i32;
  kernelHeight: i32;
  kernelWidth: i32;
  transposed: bool;
  /** Places noted for the current block. */
  vectors: i32;
  singles: i32;
}
const call = changetype<Call>(memory.data(offsetof<Call>()));

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
  call.bias = 0;
  call.transposed = false;
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
  call.bias = bias;
  call.transposed = false;
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
  call.bias = 0;
  call.transposed = true;
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
  call.out = out;
  call.source = source;
  call.weight = weight;
  call.batch = batch;
  call.groups = groups;
  call.features = features / groups;
  call.channels = channels / groups;
  call.kernelHeight = kernelHeight;
  call.kernelWidth = kernelWidth;
}

/** Zeros at the grid's positions: no tap meets them. */
function clear(): void {
  const step = (<usize>horizontal.outStep) << 2;
  let plane = call.out;
  for (let p = call.batch * call.groups * call.features; p > 0; --p) {
    for (let y = vertical.outFirst; y < vertical.outSize; y += vertical.outStep) {
      let to = plane + ((<usize>(y * horizontal.outSize + horizontal.outFirst)) << 2);
      for (let x = horizontal.grid; x > 0; --x, to += step) store<f32>(to, 0);
    }
    plane += (<usize>vertical.outSize * <usize>horizontal.outSize) << 2;
  }
}

/** Blocks of features, of taps, of positions: the first block of taps starts from the bias, the others go on. */
function correlate(): void {
  Planes.choose(call.batch, call.channels, MAX_POSITIONS);
  const rows = vertical.count;
  const columns = horizontal.count;
  const allTaps = vertical.taps * horizontal.taps;
  for (let group = 0; group < call.groups; ++group) {
    for (let feature = 0; feature < call.features; feature += MAX_FEATURES) {
      const features = min<i32>(call.features - feature, MAX_FEATURES);
      for (let channel = 0; channel < call.channels; channel += block.channels) {
        const channels = min<i32>(call.channels - channel, block.channels);
        for (let tap = 0; tap < allTaps; tap += block.taps) {
          const taps = min<i32>(allTaps - tap, block.taps);
          if (call.transposed) packTransposed(group, feature, features, channel, channels, tap, taps);
          else packForward(group, feature, features, channel, channels, tap, taps);
          const goesOn = channel > 0 || tap > 0;
          for (let image = 0; image < call.batch; image += block.images) {
            const images = min<i32>(call.batch - image, block.images);
            for (let y = 0; y < vertical.grid; y += rows) {
              vertical.first = y;
              vertical.count = min<i32>(vertical.grid - y, rows);
              for (let x = 0; x < horizontal.grid; x += columns) {
                horizontal.first = x;
                horizontal.count = min<i32>(horizontal.grid - x, columns);
                fill(group, image, images, channel, channels);
                Planes.writeTaps(channels, tap, taps);
                writePlaces(images, channels);
                product(group, feature, features, image, channels * taps, goesOn);
              }
            }
          }
          vertical.count = rows;
          horizontal.count = columns;
        }
      }
    }
  }
}

function fill(group: i32, image: i32, images: i32, channel: i32, channels: i32): void {
  const plane = (<usize>vertical.source * <usize>horizontal.source) << 2;
  const imageStep = <usize>(call.groups * call.channels) * plane;
  const from = call.source + <usize>image * imageStep + <usize>(group * call.channels + channel) * plane;
  Planes.fill(from, images, imageStep, channels, plane);
}

/** weight[feature, channel, tap] in strips of rows; the taps of a feature lie side by side. */
function packForward(group: i32, feature: i32, features: i32, channel: i32, channels: i32, tap: i32, taps: i32): void {
  const kernel = call.kernelHeight * call.kernelWidth;
  const rowBytes = (<usize>call.channels * <usize>kernel) << 2;
  let from = call.weight + <usize>(group * call.features + feature) * rowBytes;
  from += (<usize>(channel * kernel + tap)) << 2;
  const depth = channels * taps;
  let to = scratch;
  for (let left = features, strips = stripsOf(features); strips > 0; --strips) {
    const height = (left + strips - 1) / strips;
    packRows(to, (<usize>height) << 2, from, rowBytes, height, depth);
    to += (<usize>height * <usize>depth) << 2;
    from += <usize>height * rowBytes;
    left -= height;
  }
}

/** The same of weight[channel, feature, tap]: what the transpose has as features are the convolution's channels. */
function packTransposed(
  group: i32,
  feature: i32,
  features: i32,
  channel: i32,
  channels: i32,
  tap: i32,
  taps: i32,
): void {
  const kernel = (<usize>call.kernelHeight * <usize>call.kernelWidth) << 2;
  const channelBytes = <usize>call.features * kernel;
  const base = call.weight + <usize>(group * call.channels + channel) * channelBytes + <usize>feature * kernel;
  let to = scratch;
  for (let first = 0, strips = stripsOf(features); strips > 0; --strips) {
    const height = (features - first + strips - 1) / strips;
    for (let c = 0; c < channels; ++c) {
      const from = base + <usize>c * channelBytes + <usize>first * kernel;
      for (let t = tap; t < tap + taps; ++t) {
        const ky = vertical.kFirst + (t / horizontal.taps) * vertical.kStep;
        const kx = horizontal.kFirst + (t % horizontal.taps) * horizontal.kStep;
        let element = from + ((<usize>(ky * call.kernelWidth + kx)) << 2);
        for (let r = height; r > 0; --r, element += kernel, to += 4) store<f32>(to, load<f32>(element));
      }
    }
    first += height;
  }
}

function stripsOf(features: i32): i32 {
  return (features + PATCH_ROWS - 1) / PATCH_ROWS;
}

/**
 * Notes where the block's positions lie: four neighbours of a row together, and one by one what remains. A last vector
 * without a partner is four single ones, too.
 */
function writePlaces(images: i32, channels: i32): void {
  const imagePlanes = channels * Planes.channelSize;
  const imageOut = call.groups * call.features * vertical.outSize * horizontal.outSize;
  const merged = Planes.gapless;
  const rows = merged ? 1 : vertical.count;
  const columns = merged ? vertical.count * horizontal.count : horizontal.count;
  const firstColumn = horizontal.outFirst + horizontal.first * horizontal.outStep;
  let vector = Planes.vectors;
  let single = Planes.singles;
  for (let image = 0; image < images; ++image) {
    for (let y = 0; y < rows; ++y) {
      const inPlanes = image * imagePlanes + y * horizontal.span;
      const outRow = vertical.outFirst + (vertical.first + y) * vertical.outStep;
      const inOut = image * imageOut + outRow * horizontal.outSize + firstColumn;
      let x = 0;
      for (; x + 4 <= columns; x += 4) vector = writePlace(vector, inPlanes + x, inOut + x * horizontal.outStep);
      for (; x < columns; ++x) single = writePlace(single, inPlanes + x, inOut + x * horizontal.outStep);
    }
  }
  if ((vector - Planes.vectors) & 8) {
    vector -= 8;
    const inPlanes = load<u32>(vector) >> 2;
    const inOut = load<u32>(vector, 4) >> 2;
    for (let i = 0; i < 4; ++i) single = writePlace(single, inPlanes + i, inOut + i * horizontal.outStep);
  }
  call.vectors = <i32>(vector - Planes.vectors) >> 3;
  call.singles = <i32>(single - Planes.singles) >> 3;
}

function writePlace(to: usize, inPlanes: i32, inOut: i32): usize {
  store<u32>(to, inPlanes << 2);
  store<u32>(to, inOut << 2, 4);
  return to + 8;
}

/** All features at all places of a block. */
function product(group: i32, feature: i32, features: i32, image: i32, depth: i32, goesOn: bool): void {
  const planeOut = (<usize>vertical.outSize * <usize>horizontal.outSize) << 2;
  const firstFeature = group * call.features + feature;
  const out = call.out + <usize>(image * call.groups * call.features + firstFeature) * planeOut;
  const bias = call.bias != 0 ? call.bias + ((<usize>firstFeature) << 2) : 0;
  for (let v = 0; v < call.vectors; v += 2) {
    vectorPair(Planes.vectors + ((<usize>v) << 3), out, planeOut, bias, features, depth, goesOn);
  }
  for (let s = 0; s < call.singles; s += 8) {
    const count = min<i32>(call.singles - s, 8);
    eightSingles(Planes.singles + ((<usize>s) << 3), count, out, planeOut, bias, features, depth, goesOn);
  }
}

function vectorPair(
  place: usize,
  out: usize,
  planeOut: usize,
  bias: usize,
  features: i32,
  depth: i32,
  goesOn: bool,
): void {
  const b0 = Planes.address + <usize>load<u32>(place);
  const b1 = Planes.address + <usize>load<u32>(place, 8);
  let to0 = out + <usize>load<u32>(place, 4);
  let to1 = out + <usize>load<u32>(place, 12);
  const step = (<usize>horizontal.outStep) << 2;
  const direct = step == 4;
  const tile = Planes.tile;
  let a = scratch;
  for (let left = features, strips = stripsOf(features); strips > 0; --strips) {
    const height = (left + strips - 1) / strips;
    if (direct) {
      patchTile(height, to0, to1, planeOut, goesOn, bias, a, b0, b1, Planes.taps, depth);
    } else {
      if (goesOn) {
        collect(tile, to0, planeOut, step, height);
        collect(tile + 16, to1, planeOut, step, height);
      }
      patchTile(height, tile, tile + 16, TILE_STEP, goesOn, bias, a, b0, b1, Planes.taps, depth);
      spread(to0, tile, planeOut, step, height);
      spread(to1, tile + 16, planeOut, step, height);
    }
    a += (<usize>height * <usize>depth) << 2;
    if (bias != 0) bias += (<usize>height) << 2;
    to0 += <usize>height * planeOut;
    to1 += <usize>height * planeOut;
    left -= height;
  }
}

/** Bytes of a tile's row outside of the output. */
const TILE_STEP: usize = 32;

/** Rows of a vector to places in the output that are not neighbours. */
function spread(out: usize, tile: usize, outRow: usize, step: usize, rows: i32): void {
  for (; rows > 0; --rows, out += outRow, tile += TILE_STEP) {
    store<f32>(out, load<f32>(tile));
    store<f32>(out + step, load<f32>(tile, 4));
    store<f32>(out + 2 * step, load<f32>(tile, 8));
    store<f32>(out + 3 * step, load<f32>(tile, 12));
  }
}

/** The inverse. */
function collect(tile: usize, out: usize, outRow: usize, step: usize, rows: i32): void {
  for (; rows > 0; --rows, out += outRow, tile += TILE_STEP) v128.store(tile, Lanes.gather(out, step));
}

/** Up to eight positions anywhere: what their taps find is copied side by side first. */
function eightSingles(
  places: usize,
  count: i32,
  out: usize,
  planeOut: usize,
  bias: usize,
  features: i32,
  depth: i32,
  goesOn: bool,
): void {
  const gathered = Planes.gathered;
  const offsets = gathered + <usize>depth * TILE_STEP;
  for (let t = 0; t < depth; ++t) store<u32>(offsets + ((<usize>t) << 2), t << 5);
  for (let i = 0; i < count; ) i += gather(gathered + ((<usize>i) << 2), places + ((<usize>i) << 3), count - i, depth);
  const tile = Planes.tile;
  let a = scratch;
  for (let left = features, strips = stripsOf(features); strips > 0; --strips) {
    const height = (left + strips - 1) / strips;
    if (goesOn) {
      for (let i = 0; i < count; ++i) {
        let from = out + <usize>load<u32>(places + ((<usize>i) << 3), 4);
        let to = tile + ((<usize>i) << 2);
        for (let r = height; r > 0; --r, from += planeOut, to += TILE_STEP) store<f32>(to, load<f32>(from));
      }
    }
    patchTile(height, tile, tile + 16, TILE_STEP, goesOn, bias, a, gathered, gathered + 16, offsets, depth);
    for (let i = 0; i < count; ++i) {
      let from = tile + ((<usize>i) << 2);
      let to = out + <usize>load<u32>(places + ((<usize>i) << 3), 4);
      for (let r = height; r > 0; --r, from += TILE_STEP, to += planeOut) store<f32>(to, load<f32>(from));
    }
    a += (<usize>height * <usize>depth) << 2;
    if (bias != 0) bias += (<usize>height) << 2;
    out += <usize>height * planeOut;
    left -= height;
  }
}

/** Copies what the taps of a position find, and of its neighbours if they come next: 1, 2 or 4 of `count` positions. */
function gather(to: usize, place: usize, count: i32, depth: i32): i32 {
  const first = load<u32>(place);
  const from = Planes.address + <usize>first;
  const end = Planes.taps + ((<usize>depth) << 2);
  let tap = Planes.taps;
  const two = count >= 2 && load<u32>(place, 8) == first + 4;
  if (two && count >= 4 && load<u32>(place, 16) == first + 8 && load<u32>(place, 24) == first + 12) {
    for (; tap < end; tap += 4, to += TILE_STEP) v128.store(to, v128.load(from + <usize>load<u32>(tap)));
    return 4;
  }
  if (two) {
    for (; tap < end; tap += 4, to += TILE_STEP) store<u64>(to, load<u64>(from + <usize>load<u32>(tap)));
    return 2;
  }
  for (; tap < end; tap += 4, to += TILE_STEP) store<f32>(to, load<f32>(from + <usize>load<u32>(tap)));
  return 1;
}
