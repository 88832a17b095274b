// Convolution in two dimensions, and its transpose, which is its gradient with respect to the input.
//
// Both correlate: an output row (feature) is a sum over taps, each an element of the weight times the source shifted. The
// loops are those of matmul.ts, but the second operand is never laid out: planes.ts copies the source so that a tap is
// an offset. The transpose of a strided convolution is one correlation for each phase of its output.
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
                const places = writePlaces(images, channels);
                product(group, feature, features, image, channels * taps, places, goesOn);
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

/** Notes each vector of up to four positions: byte offset in the planes, byte offset in the output, count. */
function writePlaces(images: i32, channels: i32): i32 {
  const imagePlanes = channels * Planes.channelSize;
  const imageOut = call.groups * call.features * vertical.outSize * horizontal.outSize;
  const merged = Planes.gapless;
  const rows = merged ? 1 : vertical.count;
  const columns = merged ? vertical.count * horizontal.count : horizontal.count;
  const firstColumn = horizontal.outFirst + horizontal.first * horizontal.outStep;
  let to = Planes.places;
  let places = 0;
  for (let image = 0; image < images; ++image) {
    for (let y = 0; y < rows; ++y) {
      const inPlanes = image * imagePlanes + y * horizontal.span;
      const outRow = vertical.outFirst + (vertical.first + y) * vertical.outStep;
      const inOut = image * imageOut + outRow * horizontal.outSize + firstColumn;
      for (let x = 0; x < columns; x += 4, to += 12, ++places) {
        store<u32>(to, (inPlanes + x) << 2);
        store<u32>(to, (inOut + x * horizontal.outStep) << 2, 4);
        store<i32>(to, min<i32>(columns - x, 4), 8);
      }
    }
  }
  return places;
}

/** All features at all places of a block. */
function product(group: i32, feature: i32, features: i32, image: i32, depth: i32, places: i32, goesOn: bool): void {
  const planeOut = (<usize>vertical.outSize * <usize>horizontal.outSize) << 2;
  const firstFeature = group * call.features + feature;
  const out = call.out + <usize>(image * call.groups * call.features + firstFeature) * planeOut;
  const planes = Planes.address;
  const step = (<usize>horizontal.outStep) << 2;
  const tile0 = Planes.tile;
  const tile1 = tile0 + PATCH_ROWS * 16;
  const end = Planes.places + <usize>places * 12;
  for (let place = Planes.places; place < end; place += 24) {
    // The last place may be alone: its tile's second vector repeats it and is thrown away.
    const second = place + 12 < end ? place + 12 : place;
    const count0 = load<i32>(place, 8);
    const count1 = second != place ? load<i32>(second, 8) : 0;
    const direct0 = count0 == 4 && step == 4;
    const direct1 = count1 == 4 && step == 4;
    const b0 = planes + <usize>load<u32>(place);
    const b1 = planes + <usize>load<u32>(second);
    let to0 = out + <usize>load<u32>(place, 4);
    let to1 = out + <usize>load<u32>(second, 4);
    let a = scratch;
    let bias = call.bias != 0 ? call.bias + ((<usize>firstFeature) << 2) : 0;
    for (let left = features, strips = stripsOf(features); strips > 0; --strips) {
      const height = (left + strips - 1) / strips;
      if (goesOn) {
        if (!direct0) collect(tile0, to0, planeOut, step, height, count0);
        if (!direct1) collect(tile1, to1, planeOut, step, height, count1);
      }
      patchTile(
        height,
        direct0 ? to0 : tile0,
        direct0 ? planeOut : 16,
        direct1 ? to1 : tile1,
        direct1 ? planeOut : 16,
        goesOn,
        bias,
        a,
        b0,
        b1,
        Planes.taps,
        depth,
      );
      if (!direct0) spread(to0, tile0, planeOut, step, height, count0);
      if (!direct1) spread(to1, tile1, planeOut, step, height, count1);
      a += (<usize>height * <usize>depth) << 2;
      if (bias != 0) bias += (<usize>height) << 2;
      to0 += <usize>height * planeOut;
      to1 += <usize>height * planeOut;
      left -= height;
    }
  }
}

/** Rows of a tile to their places in the output, where those are not four neighbours. */
function spread(out: usize, tile: usize, outRow: usize, step: usize, rows: i32, count: i32): void {
  for (; rows > 0; --rows, out += outRow, tile += 16) {
    let to = out;
    for (let i = 0; i < count; ++i, to += step) store<f32>(to, load<f32>(tile + ((<usize>i) << 2)));
  }
}

/** The inverse. */
function collect(tile: usize, out: usize, outRow: usize, step: usize, rows: i32, count: i32): void {
  for (; rows > 0; --rows, out += outRow, tile += 16) {
    let from = out;
    for (let i = 0; i < count; ++i, from += step) store<f32>(tile + ((<usize>i) << 2), load<f32>(from));
  }
}
