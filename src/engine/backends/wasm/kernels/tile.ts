// The innermost part of a matrix product: a tile of up to 6 × 8 results (5 × 8 if not fused) kept in registers while k runs.
import { Lanes } from "./lanes";

/**
 * As many as the registers of x86-64 hold: twelve sums and the three operands of a fused multiply-add fill V8's fifteen,
 * and a product of its own needs one more. Spilled, strict products reached 27 of 56 GFLOP/s; with ten sums they reach 46.
 */
export const TILE_ROWS: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 5;
export const TILE_COLUMNS = 8;

/**
 * out[rows, columns] = init + Σₚ a[p, rows]·b[p, columns], p ascending, one term after the other: the bits of a result
 * depend on its terms alone, not on how the matrix was cut into tiles. Addresses and strides are in bytes; `init` is 0
 * for none. The last vector of columns may be partial: 1 to 4.
 */
export function tile(
  rows: i32,
  columns: i32,
  out: usize,
  outRow: usize,
  init: usize,
  initRow: usize,
  a: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  k: i32,
): void {
  if (columns > 4) {
    const last = columns - 4;
    if (TILE_ROWS > 5 && rows == 6) Tile.run(6, 2, last, out, outRow, init, initRow, a, aStep, b, bStep, k);
    else if (rows == 5) Tile.run(5, 2, last, out, outRow, init, initRow, a, aStep, b, bStep, k);
    else if (rows == 4) Tile.run(4, 2, last, out, outRow, init, initRow, a, aStep, b, bStep, k);
    else if (rows == 3) Tile.run(3, 2, last, out, outRow, init, initRow, a, aStep, b, bStep, k);
    else if (rows == 2) Tile.run(2, 2, last, out, outRow, init, initRow, a, aStep, b, bStep, k);
    else Tile.run(1, 2, last, out, outRow, init, initRow, a, aStep, b, bStep, k);
  } else {
    const last = columns;
    if (TILE_ROWS > 5 && rows == 6) Tile.run(6, 1, last, out, outRow, init, initRow, a, aStep, b, bStep, k);
    else if (rows == 5) Tile.run(5, 1, last, out, outRow, init, initRow, a, aStep, b, bStep, k);
    else if (rows == 4) Tile.run(4, 1, last, out, outRow, init, initRow, a, aStep, b, bStep, k);
    else if (rows == 3) Tile.run(3, 1, last, out, outRow, init, initRow, a, aStep, b, bStep, k);
    else if (rows == 2) Tile.run(2, 1, last, out, outRow, init, initRow, a, aStep, b, bStep, k);
    else Tile.run(1, 1, last, out, outRow, init, initRow, a, aStep, b, bStep, k);
  }
}

class Tile {
  /** `rows` and `vectors` are constants at every call: what they leave out is not compiled. */
  @inline static run(
    rows: i32,
    vectors: i32,
    last: i32,
    out: usize,
    outRow: usize,
    init: usize,
    initRow: usize,
    a: usize,
    aStep: usize,
    b: usize,
    bStep: usize,
    k: i32,
  ): void {
    let c00 = f32x4.splat(0);
    let c01 = c00;
    let c10 = c00;
    let c11 = c00;
    let c20 = c00;
    let c21 = c00;
    let c30 = c00;
    let c31 = c00;
    let c40 = c00;
    let c41 = c00;
    let c50 = c00;
    let c51 = c00;
    if (init != 0) {
      c00 = v128.load(init);
      if (vectors > 1) c01 = v128.load(init, 16);
      if (rows > 1) {
        init += initRow;
        c10 = v128.load(init);
        if (vectors > 1) c11 = v128.load(init, 16);
      }
      if (rows > 2) {
        init += initRow;
        c20 = v128.load(init);
        if (vectors > 1) c21 = v128.load(init, 16);
      }
      if (rows > 3) {
        init += initRow;
        c30 = v128.load(init);
        if (vectors > 1) c31 = v128.load(init, 16);
      }
      if (rows > 4) {
        init += initRow;
        c40 = v128.load(init);
        if (vectors > 1) c41 = v128.load(init, 16);
      }
      if (rows > 5) {
        init += initRow;
        c50 = v128.load(init);
        if (vectors > 1) c51 = v128.load(init, 16);
      }
    }
    for (; k > 0; --k, a += aStep, b += bStep) {
      const b0 = v128.load(b);
      const b1 = vectors > 1 ? v128.load(b, 16) : b0;
      let s = v128.load32_splat(a);
      c00 = Lanes.fused(s, b0, c00);
      if (vectors > 1) c01 = Lanes.fused(s, b1, c01);
      if (rows > 1) {
        s = v128.load32_splat(a, 4);
        c10 = Lanes.fused(s, b0, c10);
        if (vectors > 1) c11 = Lanes.fused(s, b1, c11);
      }
      if (rows > 2) {
        s = v128.load32_splat(a, 8);
        c20 = Lanes.fused(s, b0, c20);
        if (vectors > 1) c21 = Lanes.fused(s, b1, c21);
      }
      if (rows > 3) {
        s = v128.load32_splat(a, 12);
        c30 = Lanes.fused(s, b0, c30);
        if (vectors > 1) c31 = Lanes.fused(s, b1, c31);
      }
      if (rows > 4) {
        s = v128.load32_splat(a, 16);
        c40 = Lanes.fused(s, b0, c40);
        if (vectors > 1) c41 = Lanes.fused(s, b1, c41);
      }
      if (rows > 5) {
        s = v128.load32_splat(a, 20);
        c50 = Lanes.fused(s, b0, c50);
        if (vectors > 1) c51 = Lanes.fused(s, b1, c51);
      }
    }
    Tile.store(vectors, last, out, c00, c01);
    if (rows > 1) Tile.store(vectors, last, (out += outRow), c10, c11);
    if (rows > 2) Tile.store(vectors, last, (out += outRow), c20, c21);
    if (rows > 3) Tile.store(vectors, last, (out += outRow), c30, c31);
    if (rows > 4) Tile.store(vectors, last, (out += outRow), c40, c41);
    if (rows > 5) Tile.store(vectors, last, out + outRow, c50, c51);
  }

  @inline static store(vectors: i32, last: i32, out: usize, first: v128, second: v128): void {
    if (vectors > 1) v128.store(out, first);
    const to = vectors > 1 ? out + 16 : out;
    const value = vectors > 1 ? second : first;
    if (last == 4) v128.store(to, value);
    else Lanes.storePartial(to, value, last);
  }
}
