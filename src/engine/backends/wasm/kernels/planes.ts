// Planes: a convolution's source copied into the scratch memory with its padding written out and its phases apart, so
// that every tap of every output position is found at one offset from the position's place. Only the part that a block
// of output positions meets is copied. No column matrix is ever made.
import { Axis } from "./axis";
import { scratch } from "./scratch";

/** Elements that the planes of a block may take, unless a single window needs more (the op refuses what never fits). */
const CAPACITY = 65536;
/** Small images are worked on together until their planes fill about the first-level cache. */
const COMFORT = 8192;
/** Taps are worked on in blocks of at most this many: a tile's operands then stay in the first-level cache. */
export const MAX_TAPS = 512;
export const MAX_POSITIONS = 2048;

/** Features are worked on in blocks of at most this many. */
export const MAX_FEATURES = 96;

/** Bytes from the start of the scratch memory; what is packed for the product lies before. */
const PLANES: usize = 2 * MAX_FEATURES * MAX_TAPS * 4;
const TAPS: usize = PLANES + CAPACITY * 4 + 64;
const PLACES: usize = TAPS + MAX_TAPS * 4;
const TILE: usize = PLACES + MAX_POSITIONS * 12;

export const vertical = changetype<Axis>(memory.data(offsetof<Axis>()));
export const horizontal = changetype<Axis>(memory.data(offsetof<Axis>()));

/** The block of planes that is worked on: so many images, channels and taps. */
@unmanaged
class Block {
  images: i32;
  channels: i32;
  /** Of each channel's taps, the block has the first `taps` from `firstTap`. */
  taps: i32;
}
export const block = changetype<Block>(memory.data(offsetof<Block>()));

export class Planes {
  @inline static get address(): usize {
    return scratch + PLANES;
  }
  /** u32 byte offsets, one for each tap of the block. */
  @inline static get taps(): usize {
    return scratch + TAPS;
  }
  /** Where the output positions lie, in a form that the instruction chooses: 12 bytes for each. */
  @inline static get places(): usize {
    return scratch + PLACES;
  }
  /** Room for two vectors of each row of a tile. */
  @inline static get tile(): usize {
    return scratch + TILE;
  }

  /** Elements of one channel's planes when a block has that many rows and columns of positions. */
  static size(rows: i32, columns: i32): i64 {
    const height = <i64>vertical.phases * <i64>(rows + vertical.extent);
    return height * <i64>horizontal.phases * <i64>(columns + horizontal.extent);
  }

  /**
   * Chooses the largest block with at most `positions` output positions whose planes fit. Depends on shapes alone.
   * `channels` are there in all.
   */
  static choose(batch: i32, channels: i32, positions: i32): void {
    const all = vertical.taps * horizontal.taps;
    block.taps = min<i32>(all, MAX_TAPS);
    // As even as possible: two blocks of 32 channels run faster than one of 56 and one of 8.
    const most = max<i32>(1, MAX_TAPS / max<i32>(1, all));
    const blocks = (channels + most - 1) / most;
    let together = (channels + blocks - 1) / blocks;
    let rows = vertical.grid;
    let columns = horizontal.grid;
    while (rows * columns > positions || Planes.size(rows, columns) * <i64>together > CAPACITY) {
      if (rows > 1) rows = (rows + 1) >> 1;
      else if (columns > 4) columns = max<i32>(4, (((columns + 1) >> 1) + 3) & ~3);
      else if (together > 1) together = (together + 1) >> 1;
      else break;
    }
    block.channels = together;
    vertical.count = rows;
    horizontal.count = columns;
    block.images = 1;
    if (rows == vertical.grid && columns == horizontal.grid) {
      const several = <i64>COMFORT / max<i64>(1, Planes.size(rows, columns) * <i64>together);
      const room = min<i32>(positions / max<i32>(1, rows * columns), batch);
      block.images = max<i32>(1, <i32>min<i64>(several, room));
    }
  }

  /** Copies what the current positions meet of some images and channels; the steps between them are in bytes. */
  static fill(from: usize, images: i32, imageStep: usize, channels: i32, channelStep: usize): void {
    let to = Planes.address;
    for (; images > 0; --images, from += imageStep) {
      let channel = from;
      for (let c = channels; c > 0; --c, channel += channelStep) to = fillChannel(to, channel);
    }
  }

  /** Notes the offset of each tap of `channels` channels, from each channel's tap `firstTap` on. */
  static writeTaps(channels: i32, firstTap: i32, taps: i32): void {
    const width = horizontal.span;
    const phase = vertical.span * width;
    const channelSize = Planes.channelSize;
    let to = Planes.taps;
    for (let c = 0; c < channels; ++c) {
      let row = firstTap / horizontal.taps;
      let column = firstTap - row * horizontal.taps;
      for (let t = taps; t > 0; --t, to += 4) {
        const offset =
          c * channelSize +
          vertical.tapOffset(row, horizontal.phases * phase, width) +
          horizontal.tapOffset(column, phase, 1);
        store<u32>(to, offset << 2);
        if (++column == horizontal.taps) {
          column = 0;
          ++row;
        }
      }
    }
  }

  /** Elements of one channel's planes, as the current positions need them. */
  static get channelSize(): i32 {
    return vertical.phases * horizontal.phases * vertical.span * horizontal.span;
  }

  /** Whether rows of positions follow each other without a gap, in the planes and in the output. */
  static get gapless(): bool {
    const whole = horizontal.extent == 0 && horizontal.count == horizontal.outSize;
    return whole && horizontal.outStep == 1 && vertical.outStep == 1;
  }
}

/** All phases of one channel. Returns the address behind them. */
function fillChannel(to: usize, from: usize): usize {
  const width = horizontal.span;
  const rows = vertical.span;
  const rowBytes = (<usize>width) << 2;
  for (let fy = 0; fy < vertical.phases; ++fy) {
    for (let fx = 0; fx < horizontal.phases; ++fx) {
      const start = horizontal.origin + horizontal.first * horizontal.stride + fx;
      let row = vertical.origin + vertical.first * vertical.stride + fy;
      for (let r = 0; r < rows; ++r, row += vertical.stride, to += rowBytes) {
        if (<u32>row < <u32>vertical.source)
          fillRow(to, from + ((<usize>(row * horizontal.source)) << 2), start, width);
        else zero(to, width);
      }
    }
  }
  return to;
}

/** Every stride-th element of a source row from `start` on, zeros where there is none. */
function fillRow(to: usize, from: usize, start: i32, width: i32): void {
  const stride = horizontal.stride;
  const size = horizontal.source;
  const before = start >= 0 ? 0 : min<i32>(width, (stride - 1 - start) / stride);
  const after = start < size ? min<i32>(width, (size - 1 - start) / stride + 1) : 0;
  zero(to, before);
  to += (<usize>before) << 2;
  let n = max<i32>(0, after - before);
  from += (<usize>(start + before * stride)) << 2;
  if (stride == 1) {
    for (; n >= 4; n -= 4, to += 16, from += 16) v128.store(to, v128.load(from));
    for (; n > 0; --n, to += 4, from += 4) store<f32>(to, load<f32>(from));
  } else {
    const step = (<usize>stride) << 2;
    for (; n > 0; --n, to += 4, from += step) store<f32>(to, load<f32>(from));
  }
  zero(to, width - max<i32>(before, after));
}

function zero(to: usize, count: i32): void {
  for (; count > 0; --count, to += 4) store<f32>(to, 0);
}
