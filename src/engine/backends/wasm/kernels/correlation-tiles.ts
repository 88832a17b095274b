// The positions of a block of a convolution, in pairs of vectors where four of them lie side by side in a row.
import { Lanes } from "./lanes";
import { PATCH_ROWS, patchTile } from "./patch-tile";
import { horizontal, Planes, vertical } from "./planes";
import { scratch } from "./scratch";

/** How many places are noted for the current block. */
class Places {
  static vectors: i32 = 0;
  static singles: i32 = 0;
}

/** Strips of rows, as even as possible. */
export function stripsOf(features: i32): i32 {
  return (features + PATCH_ROWS - 1) / PATCH_ROWS;
}

/**
 * Notes where the block's positions lie: four neighbours of a row together, and one by one what remains. A last vector
 * without a partner is four single ones, too.
 */
export function writePlaces(images: i32, imagePlanes: i32, imageOut: i32): void {
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
  Places.vectors = <i32>(vector - Planes.vectors) >> 3;
  Places.singles = <i32>(single - Planes.singles) >> 3;
}

function writePlace(to: usize, inPlanes: i32, inOut: i32): usize {
  store<u32>(to, inPlanes << 2);
  store<u32>(to, inOut << 2, 4);
  return to + 8;
}

/** All features at all places of a block; `planeOut` is the distance between two features in the output. */
export function product(out: usize, planeOut: usize, bias: usize, features: i32, depth: i32, goesOn: bool): void {
  for (let v = 0; v < Places.vectors; v += 2) {
    vectorPair(Planes.vectors + ((<usize>v) << 3), out, planeOut, bias, features, depth, goesOn);
  }
  for (let s = 0; s < Places.singles; s += 8) {
    const count = min<i32>(Places.singles - s, 8);
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
  first: usize,
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
  for (let i = 0; i < count; ) i += gather(gathered + ((<usize>i) << 2), first + ((<usize>i) << 3), count - i, depth);
  const tile = Planes.tile;
  let a = scratch;
  for (let left = features, strips = stripsOf(features); strips > 0; --strips) {
    const height = (left + strips - 1) / strips;
    if (goesOn) {
      for (let i = 0; i < count; ++i) {
        let from = out + <usize>load<u32>(first + ((<usize>i) << 3), 4);
        let to = tile + ((<usize>i) << 2);
        for (let r = height; r > 0; --r, from += planeOut, to += TILE_STEP) store<f32>(to, load<f32>(from));
      }
    }
    patchTile(height, tile, tile + 16, TILE_STEP, goesOn, bias, a, gathered, gathered + 16, offsets, depth);
    for (let i = 0; i < count; ++i) {
      let from = tile + ((<usize>i) << 2);
      let to = out + <usize>load<u32>(first + ((<usize>i) << 3), 4);
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
