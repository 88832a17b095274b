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
const VECTORS: usize = TAPS + MAX_TAPS * 4;
const SINGLES: usize = VECTORS + MAX_POSITIONS * 8;
const GATHERED: usize = SINGLES + MAX_POSITIONS * 8;
const TILE: usize = GATHERED + MAX_TAPS * (32 + 4);
const AXES: usize = TILE + 16 * 32;

/** Both lie in the scratch memory, as all that changes: each thread has its own, constants are everybody's. */
export let vertical = changetype<Axis>(0);
export let horizontal = changetype<Axis>(0);

/** The block of planes that is worked on: so many images, channels and taps. */
export class Block {
  static images: i32 = 0;
  static channels: i32 = 0;
  /** Of each channel's taps, the block has the first `taps` from `firstTap`. */
  static taps: i32 = 0;
}

export class Planes {
  /** To be called first by every instruction that uses planes. */
  static open(): void {
    vertical = changetype<Axis>(scratch + AXES);
    horizontal = changetype<Axis>(scratch + AXES + offsetof<Axis>());
  }

  @inline static get address(): usize {
    return scratch + PLANES;
  }
  /** u32 byte offsets, one for each tap of the block. */
  @inline static get taps(): usize {
    return scratch + TAPS;
  }
  /** Places: pairs of u32, the byte offsets in the planes and in the output; of four neighbouring positions … */
  @inline static get vectors(): usize {
    return scratch + VECTORS;
  }
  /** … and of positions that are no part of such four. */
  @inline static get singles(): usize {
    return scratch + SINGLES;
  }
  /** What the taps of eight single positions find, side by side for each tap; behind it a table of offsets like taps. */
  @inline static get gathered(): usize {
    return scratch + GATHERED;
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
    Block.taps = min<i32>(all, MAX_TAPS);
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
    Block.channels = together;
    vertical.count = rows;
    horizontal.count = columns;
    Block.images = 1;
    if (rows == vertical.grid && columns == horizontal.grid) {
      const several = <i64>COMFORT / max<i64>(1, Planes.size(rows, columns) * <i64>together);
      const room = min<i32>(positions / max<i32>(1, rows * columns), batch);
      Block.images = max<i32>(1, <i32>min<i64>(several, room));
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
    let row = firstTap / horizontal.taps;
    let column = firstTap - row * horizontal.taps;
    let to = Planes.taps;
    for (let t = taps; t > 0; --t, to += 4) {
      const down = vertical.tapOffset(row, horizontal.phases * phase, width);
      store<u32>(to, (down + horizontal.tapOffset(column, phase, 1)) << 2);
      if (++column == horizontal.taps) {
        column = 0;
        ++row;
      }
    }
    // The next channel's are the same, one channel further.
    const channelBytes = Planes.channelSize << 2;
    let from = Planes.taps;
    for (let t = (channels - 1) * taps; t > 0; --t, from += 4, to += 4) store<u32>(to, load<u32>(from) + channelBytes);
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
  const stride = horizontal.stride;
  for (let fy = 0; fy < vertical.phases; ++fy) {
    for (let fx = 0; fx < horizontal.phases; ++fx) {
      // Of each row: zeros, every stride-th element from `start` on as far as there are any, zeros.
      const start = horizontal.origin + horizontal.first * stride + fx;
      const before = start >= 0 ? 0 : min<i32>(width, (stride - 1 - start) / stride);
      const end = start < horizontal.source ? min<i32>(width, (horizontal.source - 1 - start) / stride + 1) : 0;
      const count = max<i32>(0, end - before);
      const first = from + ((<usize>(start + before * stride)) << 2);
      let row = vertical.origin + vertical.first * vertical.stride + fy;
      for (let r = 0; r < rows; ++r, row += vertical.stride) {
        if (<u32>row < <u32>vertical.source) {
          const source = first + ((<usize>(row * horizontal.source)) << 2);
          to = fillRow(to, source, (<usize>stride) << 2, before, count, width);
        } else {
          to = zero(to, width);
        }
      }
    }
  }
  return to;
}

/** Returns the address behind the row. What is written beyond it is overwritten by the next one. */
function fillRow(to: usize, from: usize, step: usize, before: i32, count: i32, width: i32): usize {
  const end = to + ((<usize>(before + count)) << 2);
  to = zero(to, before);
  if (step == 4) for (; to < end; to += 16, from += 16) v128.store(to, v128.load(from));
  else for (; to < end; to += 4, from += step) store<f32>(to, load<f32>(from));
  return zero(end, width - before - count);
}

/** Likewise in whole vectors. */
function zero(to: usize, count: i32): usize {
  const end = to + ((<usize>count) << 2);
  for (; to < end; to += 16) v128.store(to, i32x4.splat(0));
  return end;
}
