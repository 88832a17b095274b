// The innermost loop of a convolution's gradient with respect to its weight: a tile of up to 6 taps × 8 features.
import { Lanes } from "./lanes";
import { TILE_ROWS } from "./tile";

export const WEIGHT_ROWS: i32 = TILE_ROWS;
export const WEIGHT_COLUMNS = 8;

/**
 * sums[taps, 8 features] += Σ planes[position + taps[t]]·g[position, features] over the positions: for each entry of
 * `runs` (u32 byte offsets in the planes, `runStep` bytes apart) `length` neighbouring ones. g has 8 features for each
 * position; of these only the first four count when `columns` ≤ 4.
 */
export function weightTile(
  rows: i32,
  columns: i32,
  sums: usize,
  taps: usize,
  planes: usize,
  runs: usize,
  runCount: i32,
  length: i32,
  g: usize,
): void {
  if (columns > 4) {
    if (TILE_ROWS > 5 && rows == 6) WeightTile.run(6, 2, sums, taps, planes, runs, runCount, length, g);
    else if (rows == 5) WeightTile.run(5, 2, sums, taps, planes, runs, runCount, length, g);
    else if (rows == 4) WeightTile.run(4, 2, sums, taps, planes, runs, runCount, length, g);
    else if (rows == 3) WeightTile.run(3, 2, sums, taps, planes, runs, runCount, length, g);
    else if (rows == 2) WeightTile.run(2, 2, sums, taps, planes, runs, runCount, length, g);
    else WeightTile.run(1, 2, sums, taps, planes, runs, runCount, length, g);
  } else {
    if (TILE_ROWS > 5 && rows == 6) WeightTile.run(6, 1, sums, taps, planes, runs, runCount, length, g);
    else if (rows == 5) WeightTile.run(5, 1, sums, taps, planes, runs, runCount, length, g);
    else if (rows == 4) WeightTile.run(4, 1, sums, taps, planes, runs, runCount, length, g);
    else if (rows == 3) WeightTile.run(3, 1, sums, taps, planes, runs, runCount, length, g);
    else if (rows == 2) WeightTile.run(2, 1, sums, taps, planes, runs, runCount, length, g);
    else WeightTile.run(1, 1, sums, taps, planes, runs, runCount, length, g);
  }
}

class WeightTile {
  /** `rows` and `vectors` are constants at every call: what they leave out is not compiled. */
  @inline static run(
    rows: i32,
    vectors: i32,
    sums: usize,
    taps: usize,
    planes: usize,
    runs: usize,
    runCount: i32,
    length: i32,
    g: usize,
  ): void {
    const step: usize = WEIGHT_COLUMNS << 2;
    let c00 = v128.load(sums);
    let c01 = vectors > 1 ? v128.load(sums, 16) : c00;
    let c10 = rows > 1 ? v128.load(sums + step) : c00;
    let c11 = rows > 1 && vectors > 1 ? v128.load(sums + step, 16) : c00;
    let c20 = rows > 2 ? v128.load(sums + 2 * step) : c00;
    let c21 = rows > 2 && vectors > 1 ? v128.load(sums + 2 * step, 16) : c00;
    let c30 = rows > 3 ? v128.load(sums + 3 * step) : c00;
    let c31 = rows > 3 && vectors > 1 ? v128.load(sums + 3 * step, 16) : c00;
    let c40 = rows > 4 ? v128.load(sums + 4 * step) : c00;
    let c41 = rows > 4 && vectors > 1 ? v128.load(sums + 4 * step, 16) : c00;
    let c50 = rows > 5 ? v128.load(sums + 5 * step) : c00;
    let c51 = rows > 5 && vectors > 1 ? v128.load(sums + 5 * step, 16) : c00;
    const t0 = planes + <usize>load<u32>(taps);
    const t1 = rows > 1 ? planes + <usize>load<u32>(taps, 4) : t0;
    const t2 = rows > 2 ? planes + <usize>load<u32>(taps, 8) : t0;
    const t3 = rows > 3 ? planes + <usize>load<u32>(taps, 12) : t0;
    const t4 = rows > 4 ? planes + <usize>load<u32>(taps, 16) : t0;
    const t5 = rows > 5 ? planes + <usize>load<u32>(taps, 20) : t0;
    for (; runCount > 0; --runCount, runs += 4) {
      let at = <usize>load<u32>(runs);
      const end = at + ((<usize>length) << 2);
      for (; at < end; at += 4, g += step) {
        const g0 = v128.load(g);
        const g1 = vectors > 1 ? v128.load(g, 16) : g0;
        let s = v128.load32_splat(t0 + at);
        c00 = Lanes.fused(s, g0, c00);
        if (vectors > 1) c01 = Lanes.fused(s, g1, c01);
        if (rows > 1) {
          s = v128.load32_splat(t1 + at);
          c10 = Lanes.fused(s, g0, c10);
          if (vectors > 1) c11 = Lanes.fused(s, g1, c11);
        }
        if (rows > 2) {
          s = v128.load32_splat(t2 + at);
          c20 = Lanes.fused(s, g0, c20);
          if (vectors > 1) c21 = Lanes.fused(s, g1, c21);
        }
        if (rows > 3) {
          s = v128.load32_splat(t3 + at);
          c30 = Lanes.fused(s, g0, c30);
          if (vectors > 1) c31 = Lanes.fused(s, g1, c31);
        }
        if (rows > 4) {
          s = v128.load32_splat(t4 + at);
          c40 = Lanes.fused(s, g0, c40);
          if (vectors > 1) c41 = Lanes.fused(s, g1, c41);
        }
        if (rows > 5) {
          s = v128.load32_splat(t5 + at);
          c50 = Lanes.fused(s, g0, c50);
          if (vectors > 1) c51 = Lanes.fused(s, g1, c51);
        }
      }
    }
    v128.store(sums, c00);
    if (vectors > 1) v128.store(sums, c01, 16);
    if (rows > 1) v128.store(sums + step, c10);
    if (rows > 1 && vectors > 1) v128.store(sums + step, c11, 16);
    if (rows > 2) v128.store(sums + 2 * step, c20);
    if (rows > 2 && vectors > 1) v128.store(sums + 2 * step, c21, 16);
    if (rows > 3) v128.store(sums + 3 * step, c30);
    if (rows > 3 && vectors > 1) v128.store(sums + 3 * step, c31, 16);
    if (rows > 4) v128.store(sums + 4 * step, c40);
    if (rows > 4 && vectors > 1) v128.store(sums + 4 * step, c41, 16);
    if (rows > 5) v128.store(sums + 5 * step, c50);
    if (rows > 5 && vectors > 1) v128.store(sums + 5 * step, c51, 16);
  }
}
