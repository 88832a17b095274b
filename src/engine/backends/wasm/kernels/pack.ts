// Packing for matrix products: a strip of a matrix, copied so that for each step along k its elements lie side by side.
// Transposing happens here, so the product itself knows one layout only.

/** From a matrix that has the strip's `count` (1 to 8) elements side by side already, `from` + p·`fromStep`. */
export function packColumns(to: usize, toStep: usize, from: usize, fromStep: usize, count: i32, k: i32): void {
  // Whole vectors, ascending: what is written beyond one step is overwritten by the next one.
  if (count <= 4) {
    for (; k > 0; --k, to += toStep, from += fromStep) v128.store(to, v128.load(from));
    return;
  }
  for (; k > 0; --k, to += toStep, from += fromStep) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
  }
}

/** From a matrix with k contiguous: `count` rows, `rowBytes` apart, are transposed four by four. */
export function packRows(to: usize, toStep: usize, from: usize, rowBytes: usize, count: i32, k: i32): void {
  for (; count >= 4; count -= 4, to += 16, from += rowBytes << 2) packFourRows(to, toStep, from, rowBytes, k);
  for (; count > 0; --count, to += 4, from += rowBytes) {
    let at = to;
    let p = 0;
    for (; p + 4 <= k; p += 4, at += toStep << 2) {
      const v = v128.load(from + ((<usize>p) << 2));
      v128.store_lane<f32>(at, v, 0);
      v128.store_lane<f32>(at + toStep, v, 1);
      v128.store_lane<f32>(at + 2 * toStep, v, 2);
      v128.store_lane<f32>(at + 3 * toStep, v, 3);
    }
    for (; p < k; ++p, at += toStep) store<f32>(at, load<f32>(from + ((<usize>p) << 2)));
  }
}

function packFourRows(to: usize, toStep: usize, from: usize, rowBytes: usize, k: i32): void {
  let r0 = from;
  let r1 = r0 + rowBytes;
  let r2 = r1 + rowBytes;
  let r3 = r2 + rowBytes;
  for (; k >= 4; k -= 4) {
    const a = v128.load(r0);
    const b = v128.load(r1);
    const c = v128.load(r2);
    const d = v128.load(r3);
    const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
    const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
    const ab2 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
    const cd2 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2));
    to += toStep;
    v128.store(to, v128.shuffle<i64>(ab, cd, 1, 3));
    to += toStep;
    v128.store(to, v128.shuffle<i64>(ab2, cd2, 0, 2));
    to += toStep;
    v128.store(to, v128.shuffle<i64>(ab2, cd2, 1, 3));
    to += toStep;
    r0 += 16;
    r1 += 16;
    r2 += 16;
    r3 += 16;
  }
  for (; k > 0; --k, to += toStep, r0 += 4, r1 += 4, r2 += 4, r3 += 4) {
    store<f32>(to, load<f32>(r0));
    store<f32>(to, load<f32>(r1), 4);
    store<f32>(to, load<f32>(r2), 8);
    store<f32>(to, load<f32>(r3), 12);
  }
}
