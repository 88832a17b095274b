// The blocks of a convolution, whichever way it goes: see convolution.ts. Features, channels with their taps, positions.
import { product, stripsOf, writePlaces } from "./correlation-tiles";
import { packRows } from "./pack";
import { Block, horizontal, MAX_FEATURES, MAX_POSITIONS, Planes, vertical } from "./planes";
import { scratch } from "./scratch";
import { correlateOne } from "./single-feature";

/** What stays the same for all blocks of one instruction. */
export class Call {
  static out: usize = 0;
  static source: usize = 0;
  static weight: usize = 0;
  static bias: usize = 0;
  static batch: i32 = 0;
  static groups: i32 = 0;
  /** Output features and source channels of each group. */
  static features: i32 = 0;
  static channels: i32 = 0;
  static kernelHeight: i32 = 0;
  static kernelWidth: i32 = 0;
  static transposed: bool = false;
}

/** Zeros at the grid's positions: no tap meets them. */
export function clear(): void {
  const step = (<usize>horizontal.outStep) << 2;
  let plane = Call.out;
  for (let p = Call.batch * Call.groups * Call.features; p > 0; --p) {
    for (let y = vertical.outFirst; y < vertical.outSize; y += vertical.outStep) {
      let to = plane + ((<usize>(y * horizontal.outSize + horizontal.outFirst)) << 2);
      for (let x = horizontal.grid; x > 0; --x, to += step) store<f32>(to, 0);
    }
    plane += (<usize>vertical.outSize * <usize>horizontal.outSize) << 2;
  }
}

/** Blocks of features, of taps, of positions: the first block of taps starts from the bias, the others go on. */
export function correlate(): void {
  Planes.choose(Call.batch, Call.channels, MAX_POSITIONS);
  const rows = vertical.count;
  const columns = horizontal.count;
  const allTaps = vertical.taps * horizontal.taps;
  const planeOut = <usize>vertical.outSize * <usize>horizontal.outSize;
  const imageOut = <usize>(Call.groups * Call.features) * planeOut;
  for (let group = 0; group < Call.groups; ++group) {
    for (let feature = 0; feature < Call.features; feature += MAX_FEATURES) {
      const features = min<i32>(Call.features - feature, MAX_FEATURES);
      const firstFeature = group * Call.features + feature;
      const bias = Call.bias != 0 ? Call.bias + ((<usize>firstFeature) << 2) : 0;
      for (let channel = 0; channel < Call.channels; channel += Block.channels) {
        const channels = min<i32>(Call.channels - channel, Block.channels);
        for (let tap = 0; tap < allTaps; tap += Block.taps) {
          const taps = min<i32>(allTaps - tap, Block.taps);
          if (Call.transposed) packTransposed(group, feature, features, channel, channels, tap, taps);
          else packForward(group, feature, features, channel, channels, tap, taps);
          const goesOn = channel > 0 || tap > 0;
          for (let image = 0; image < Call.batch; image += Block.images) {
            const images = min<i32>(Call.batch - image, Block.images);
            for (let y = 0; y < vertical.grid; y += rows) {
              vertical.first = y;
              vertical.count = min<i32>(vertical.grid - y, rows);
              for (let x = 0; x < horizontal.grid; x += columns) {
                horizontal.first = x;
                horizontal.count = min<i32>(horizontal.grid - x, columns);
                fill(group, image, images, channel, channels);
                Planes.writeTaps(channels, tap, taps);
                const imagePlanes = channels * Planes.channelSize;
                const out = Call.out + ((<usize>image * imageOut + <usize>firstFeature * planeOut) << 2);
                if (Call.features == 1 && horizontal.outStep == 1) {
                  correlateOne(out, bias, channels * taps, goesOn, images, imagePlanes, <i32>imageOut);
                } else {
                  writePlaces(images, imagePlanes, <i32>imageOut);
                  product(out, planeOut << 2, bias, features, channels * taps, goesOn);
                }
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
  const imageStep = <usize>(Call.groups * Call.channels) * plane;
  const from = Call.source + <usize>image * imageStep + <usize>(group * Call.channels + channel) * plane;
  Planes.fill(from, images, imageStep, channels, plane);
}

/** weight[feature, channel, tap] in strips of rows; the taps of a feature lie side by side. */
function packForward(group: i32, feature: i32, features: i32, channel: i32, channels: i32, tap: i32, taps: i32): void {
  const kernel = Call.kernelHeight * Call.kernelWidth;
  const rowBytes = (<usize>Call.channels * <usize>kernel) << 2;
  let from = Call.weight + <usize>(group * Call.features + feature) * rowBytes;
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
  const kernel = (<usize>Call.kernelHeight * <usize>Call.kernelWidth) << 2;
  const channelBytes = <usize>Call.features * kernel;
  const base = Call.weight + <usize>(group * Call.channels + channel) * channelBytes + <usize>feature * kernel;
  let to = scratch;
  for (let first = 0, strips = stripsOf(features); strips > 0; --strips) {
    const height = (features - first + strips - 1) / strips;
    for (let c = 0; c < channels; ++c) {
      const from = base + <usize>c * channelBytes + <usize>first * kernel;
      for (let t = tap; t < tap + taps; ++t) {
        const ky = vertical.kFirst + (t / horizontal.taps) * vertical.kStep;
        const kx = horizontal.kFirst + (t % horizontal.taps) * horizontal.kStep;
        let element = from + ((<usize>(ky * Call.kernelWidth + kx)) << 2);
        for (let r = height; r > 0; --r, element += kernel, to += 4) store<f32>(to, load<f32>(element));
      }
    }
    first += height;
  }
}
