// The innermost loops of convolutions: like tile.ts, but one operand is found tap by tap through a table of offsets.
import { Lanes } from "./lanes";
import { TILE_ROWS } from "./tile";

/** Output rows (features) of one tile; its columns are two vectors of four positions. */
export const PATCH_ROWS: i32 = TILE_ROWS;

/**
 * out[rows, 8 positions] = init + Σₜ a[t, rows]·planes[position + taps[t]], t ascending, one term after the other.
 * Each vector has its own place in the planes (b0, b1) and in the output, with `outRow` bytes between rows. `goesOn`:
 * init is what lies there, else `bias` for each row, else (bias = 0) nothing.
 */
export function patchTile(
  rows: i32,
  out0: usize,
  out1: usize,
  outRow: usize,
  goesOn: bool,
  bias: usize,
  a: usize,
  b0: usize,
  b1: usize,
  taps: usize,
  count: i32,
): void {
  if (TILE_ROWS > 5 && rows == 6) PatchTile.run(6, out0, out1, outRow, goesOn, bias, a, b0, b1, taps, count);
  else if (rows == 5) PatchTile.run(5, out0, out1, outRow, goesOn, bias, a, b0, b1, taps, count);
  else if (rows == 4) PatchTile.run(4, out0, out1, outRow, goesOn, bias, a, b0, b1, taps, count);
  else if (rows == 3) PatchTile.run(3, out0, out1, outRow, goesOn, bias, a, b0, b1, taps, count);
  else if (rows == 2) PatchTile.run(2, out0, out1, outRow, goesOn, bias, a, b0, b1, taps, count);
  else PatchTile.run(1, out0, out1, outRow, goesOn, bias, a, b0, b1, taps, count);
}

class PatchTile {
  /** `rows` is a constant at every call: what it leaves out is not compiled. */
  @inline static run(
    rows: i32,
    out0: usize,
    out1: usize,
    outRow: usize,
    goesOn: bool,
    bias: usize,
    a: usize,
    b0: usize,
    b1: usize,
    taps: usize,
    count: i32,
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
    if (goesOn) {
      let from0 = out0;
      let from1 = out1;
      c00 = v128.load(from0);
      c01 = v128.load(from1);
      if (rows > 1) {
        c10 = v128.load((from0 += outRow));
        c11 = v128.load((from1 += outRow));
      }
      if (rows > 2) {
        c20 = v128.load((from0 += outRow));
        c21 = v128.load((from1 += outRow));
      }
      if (rows > 3) {
        c30 = v128.load((from0 += outRow));
        c31 = v128.load((from1 += outRow));
      }
      if (rows > 4) {
        c40 = v128.load((from0 += outRow));
        c41 = v128.load((from1 += outRow));
      }
      if (rows > 5) {
        c50 = v128.load((from0 += outRow));
        c51 = v128.load((from1 += outRow));
      }
    } else if (bias != 0) {
      c00 = c01 = v128.load32_splat(bias);
      if (rows > 1) c10 = c11 = v128.load32_splat(bias, 4);
      if (rows > 2) c20 = c21 = v128.load32_splat(bias, 8);
      if (rows > 3) c30 = c31 = v128.load32_splat(bias, 12);
      if (rows > 4) c40 = c41 = v128.load32_splat(bias, 16);
      if (rows > 5) c50 = c51 = v128.load32_splat(bias, 20);
    }
    for (; count > 0; --count, taps += 4, a += rows << 2) {
      const offset = <usize>load<u32>(taps);
      const x0 = v128.load(b0 + offset);
      const x1 = v128.load(b1 + offset);
      let s = v128.load32_splat(a);
      c00 = Lanes.fused(s, x0, c00);
      c01 = Lanes.fused(s, x1, c01);
      if (rows > 1) {
        s = v128.load32_splat(a, 4);
        c10 = Lanes.fused(s, x0, c10);
        c11 = Lanes.fused(s, x1, c11);
      }
      if (rows > 2) {
        s = v128.load32_splat(a, 8);
        c20 = Lanes.fused(s, x0, c20);
        c21 = Lanes.fused(s, x1, c21);
      }
      if (rows > 3) {
        s = v128.load32_splat(a, 12);
        c30 = Lanes.fused(s, x0, c30);
        c31 = Lanes.fused(s, x1, c31);
      }
      if (rows > 4) {
        s = v128.load32_splat(a, 16);
        c40 = Lanes.fused(s, x0, c40);
        c41 = Lanes.fused(s, x1, c41);
      }
      if (rows > 5) {
        s = v128.load32_splat(a, 20);
        c50 = Lanes.fused(s, x0, c50);
        c51 = Lanes.fused(s, x1, c51);
      }
    }
    v128.store(out0, c00);
    v128.store(out1, c01);
    if (rows > 1) {
      v128.store((out0 += outRow), c10);
      v128.store((out1 += outRow), c11);
    }
    if (rows > 2) {
      v128.store((out0 += outRow), c20);
      v128.store((out1 += outRow), c21);
    }
    if (rows > 3) {
      v128.store((out0 += outRow), c30);
      v128.store((out1 += outRow), c31);
    }
    if (rows > 4) {
      v128.store((out0 += outRow), c40);
      v128.store((out1 += outRow), c41);
    }
    if (rows > 5) {
      v128.store(out0 + outRow, c50);
      v128.store(out1 + outRow, c51);
    }
  }
}
