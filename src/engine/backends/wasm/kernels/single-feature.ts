// Convolutions of groups with one feature each, as depthwise ones are: there are no rows of a tile to fill, so the vectors lie
// along the positions of a row, in the result and in the weight's gradient alike.
import { Lanes } from "./lanes";
import { horizontal, Planes, vertical } from "./planes";
import { scratch } from "./scratch";

const VECTOR: i32 = 4;

/** Taps whose sums are kept in registers at a time. */
const SUMS: i32 = 5;

/** out[position] = bias + Σₜ weight[t]·planes[position + taps[t]], t ascending; `goesOn`: from what lies there. */
export function correlateOne(
  out: usize,
  bias: usize,
  depth: i32,
  goesOn: bool,
  images: i32,
  imagePlanes: i32,
  imageOut: i32,
): void {
  const merged = Planes.gapless;
  const rows = merged ? 1 : vertical.count;
  const columns = merged ? vertical.count * horizontal.count : horizontal.count;
  const first = horizontal.outFirst + horizontal.first;
  for (let image = 0; image < images; ++image) {
    for (let y = 0; y < rows; ++y) {
      const outRow = vertical.outFirst + (vertical.first + y) * vertical.outStep;
      let from = Planes.address + ((<usize>(image * imagePlanes + y * horizontal.span)) << 2);
      let to = out + ((<usize>(image * imageOut + outRow * horizontal.outSize + first)) << 2);
      let left = columns;
      for (; left >= 16; left -= 16, from += 64, to += 64) Positions.run(4, 4, to, from, bias, depth, goesOn);
      const last = ((left - 1) & 3) + 1;
      if (left > 12) Positions.run(4, last, to, from, bias, depth, goesOn);
      else if (left > 8) Positions.run(3, last, to, from, bias, depth, goesOn);
      else if (left > 4) Positions.run(2, last, to, from, bias, depth, goesOn);
      else if (left > 0) Positions.run(1, last, to, from, bias, depth, goesOn);
    }
  }
}

class Positions {
  /** `vectors` is a constant at every call; the last of them has `last` elements. */
  @inline static run(vectors: i32, last: i32, to: usize, from: usize, bias: usize, depth: i32, goesOn: bool): void {
    let c0 = bias != 0 ? v128.load32_splat(bias) : f32x4.splat(0);
    let c1 = c0;
    let c2 = c0;
    let c3 = c0;
    if (goesOn) {
      c0 = v128.load(to);
      if (vectors > 1) c1 = v128.load(to, 16);
      if (vectors > 2) c2 = v128.load(to, 32);
      if (vectors > 3) c3 = v128.load(to, 48);
    }
    let weight = scratch;
    let tap = Planes.taps;
    for (; depth > 0; --depth, weight += 4, tap += 4) {
      const w = v128.load32_splat(weight);
      const x = from + <usize>load<u32>(tap);
      c0 = Lanes.fused(w, v128.load(x), c0);
      if (vectors > 1) c1 = Lanes.fused(w, v128.load(x, 16), c1);
      if (vectors > 2) c2 = Lanes.fused(w, v128.load(x, 32), c2);
      if (vectors > 3) c3 = Lanes.fused(w, v128.load(x, 48), c3);
    }
    Positions.store(to, c0, vectors == 1 ? last : VECTOR);
    if (vectors > 1) Positions.store(to + 16, c1, vectors == 2 ? last : VECTOR);
    if (vectors > 2) Positions.store(to + 32, c2, vectors == 3 ? last : VECTOR);
    if (vectors > 3) Positions.store(to + 48, c3, last);
  }

  @inline static store(to: usize, value: v128, count: i32): void {
    if (count == VECTOR) v128.store(to, value);
    else Lanes.storePartial(to, value, count);
  }
}

/** Sums of one feature's block: four partial ones for each tap, in the scratch memory. */
export function clearSumsOfOne(depth: i32): void {
  memory.fill(scratch, 0, (<usize>depth) << 4);
}

/** sums[t] += planes[position + taps[t]]·g[position], the positions of a row going round the four partial sums. */
export function addProductsOfOne(g: usize, images: i32, imageStep: usize, imagePlanes: i32, depth: i32): void {
  const merged = Planes.gapless;
  const rows = merged ? 1 : vertical.count;
  const columns = merged ? vertical.count * horizontal.count : horizontal.count;
  const start = g + ((<usize>(vertical.first * horizontal.outSize + horizontal.first)) << 2);
  let strips = (depth + SUMS - 1) / SUMS;
  for (let t = 0; t < depth; --strips) {
    const count = (depth - t + strips - 1) / strips;
    const sums = scratch + ((<usize>t) << 4);
    const taps = Planes.taps + ((<usize>t) << 2);
    let gradient = start;
    for (let image = 0; image < images; ++image, gradient += imageStep) {
      const planes = Planes.address + ((<usize>(image * imagePlanes)) << 2);
      if (count == 5) Taps.run(5, sums, taps, planes, gradient, rows, columns);
      else if (count == 4) Taps.run(4, sums, taps, planes, gradient, rows, columns);
      else if (count == 3) Taps.run(3, sums, taps, planes, gradient, rows, columns);
      else if (count == 2) Taps.run(2, sums, taps, planes, gradient, rows, columns);
      else Taps.run(1, sums, taps, planes, gradient, rows, columns);
    }
    t += count;
  }
}

class Taps {
  /** `count` is a constant at every call. */
  @inline static run(count: i32, sums: usize, taps: usize, planes: usize, g: usize, rows: i32, columns: i32): void {
    let c0 = v128.load(sums);
    let c1 = count > 1 ? v128.load(sums, 16) : c0;
    let c2 = count > 2 ? v128.load(sums, 32) : c0;
    let c3 = count > 3 ? v128.load(sums, 48) : c0;
    let c4 = count > 4 ? v128.load(sums, 64) : c0;
    const t0 = planes + <usize>load<u32>(taps);
    const t1 = count > 1 ? planes + <usize>load<u32>(taps, 4) : t0;
    const t2 = count > 2 ? planes + <usize>load<u32>(taps, 8) : t0;
    const t3 = count > 3 ? planes + <usize>load<u32>(taps, 12) : t0;
    const t4 = count > 4 ? planes + <usize>load<u32>(taps, 16) : t0;
    const whole = (<usize>(columns & ~3)) << 2;
    const rest = columns & 3;
    // What lies beyond a row is anything: not even times 0 may it be added.
    const inside = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(rest));
    const rowPlanes = (<usize>horizontal.span) << 2;
    const rowBytes = (<usize>horizontal.outSize) << 2;
    let row: usize = 0;
    for (; rows > 0; --rows, row += rowPlanes, g += rowBytes) {
      let at = row;
      let from = g;
      for (const end = row + whole; at < end; at += 16, from += 16) {
        const d = v128.load(from);
        c0 = Lanes.fused(d, v128.load(t0 + at), c0);
        if (count > 1) c1 = Lanes.fused(d, v128.load(t1 + at), c1);
        if (count > 2) c2 = Lanes.fused(d, v128.load(t2 + at), c2);
        if (count > 3) c3 = Lanes.fused(d, v128.load(t3 + at), c3);
        if (count > 4) c4 = Lanes.fused(d, v128.load(t4 + at), c4);
      }
      if (rest > 0) {
        const d = v128.and(v128.load(from), inside);
        c0 = Lanes.fused(d, v128.and(v128.load(t0 + at), inside), c0);
        if (count > 1) c1 = Lanes.fused(d, v128.and(v128.load(t1 + at), inside), c1);
        if (count > 2) c2 = Lanes.fused(d, v128.and(v128.load(t2 + at), inside), c2);
        if (count > 3) c3 = Lanes.fused(d, v128.and(v128.load(t3 + at), inside), c3);
        if (count > 4) c4 = Lanes.fused(d, v128.and(v128.load(t4 + at), inside), c4);
      }
    }
    v128.store(sums, c0);
    if (count > 1) v128.store(sums, c1, 16);
    if (count > 2) v128.store(sums, c2, 32);
    if (count > 3) v128.store(sums, c3, 48);
    if (count > 4) v128.store(sums, c4, 64);
  }
}

/** The partial sums of each tap added up: a feature's gradient. */
export function unpackSumsOfOne(out: usize, depth: i32): void {
  let from = scratch;
  for (; depth > 0; --depth, out += 4, from += 16) {
    let sum = v128.load(from);
    sum = f32x4.add(sum, v128.shuffle<i32>(sum, sum, 2, 3, 0, 1));
    store<f32>(out, f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1));
  }
}
