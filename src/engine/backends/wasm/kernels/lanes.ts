// What all kernels share: four float32 lanes at a time, and the last one to three elements of an array.
//
// Tails run the vector code on a padded vector, so an element has the same bits wherever it stands. A tail may read
// up to 12 bytes past its array (the backend keeps the end of memory free for that) but never writes past it.
//
// Helpers are methods of classes because a decorator on a plain function is not TypeScript: editors and the formatter
// would refuse the file.

export class Lanes {
  /**
   * The i-th float32 (float64) of a table in all lanes. A v128 constant costs V8 four instructions wherever it is used, a
   * load one: polynomials run 1.5 times as fast from tables.
   */
  @inline static entry(table: usize, i: usize): v128 {
    return v128.load32_splat(table + (i << 2));
  }
  @inline static entry64(table: usize, i: usize): v128 {
    return v128.load64_splat(table + (i << 3));
  }

  /** a·b + c, rounded twice everywhere: all arithmetic but matrix products has the same bits on every machine. */
  @inline static madd(a: v128, b: v128, c: v128): v128 {
    return f32x4.add(f32x4.mul(a, b), c);
  }

  /** a·b + c, rounded once where the machine has relaxed SIMD (and this build uses it). For matrix products only. */
  @inline static fused(a: v128, b: v128, c: v128): v128 {
    if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
    return f32x4.add(f32x4.mul(a, b), c);
  }

  /** Stores the first `count` lanes, 1 to 3. */
  @inline static storePartial(to: usize, value: v128, count: i32): void {
    if (count == 1) v128.store_lane<f32>(to, value, 0);
    else {
      v128.store_lane<f64>(to, value, 0);
      if (count == 3) v128.store_lane<f32>(to, value, 2, 8);
    }
  }

  /** Stores what there is of four elements from `column` on, in a row of `columns`. */
  static storeColumns(row: usize, column: i32, columns: i32, value: v128): void {
    const to = row + ((<usize>column) << 2);
    if (columns - column >= 4) v128.store(to, value);
    else Lanes.storePartial(to, value, columns - column);
  }

  /** Loads `count` elements, 1 to 3; the lanes after them are `padding`. */
  @inline static loadPartial(from: usize, count: i32, padding: f32): v128 {
    let value = f32x4.splat(padding);
    value = v128.load_lane<f32>(from, value, 0);
    if (count > 1) value = v128.load_lane<f32>(from, value, 1, 4);
    if (count > 2) value = v128.load_lane<f32>(from, value, 2, 8);
    return value;
  }

  /** Four elements `step` bytes apart. */
  @inline static gather(from: usize, step: usize): v128 {
    let value = v128.load32_zero(from);
    value = v128.load_lane<f32>(from + step, value, 1);
    value = v128.load_lane<f32>(from + 2 * step, value, 2);
    return v128.load_lane<f32>(from + 3 * step, value, 3);
  }

  /** `count` elements (1 to 3) `step` bytes apart; what lies beyond them is not touched. */
  @inline static gatherPartial(from: usize, step: usize, count: i32): v128 {
    let value = v128.load32_zero(from);
    if (count > 1) value = v128.load_lane<f32>(from + step, value, 1);
    if (count > 2) value = v128.load_lane<f32>(from + 2 * step, value, 2);
    return value;
  }

  /** mask ? a : b, lane by lane. */
  @inline static select(mask: v128, a: v128, b: v128): v128 {
    return v128.bitselect(a, b, mask);
  }

  /** `x` with the sign of `sign`, where x ≥ 0: for odd functions, so that f(−0) is −0. */
  @inline static withSign(x: v128, sign: v128): v128 {
    return v128.or(x, v128.and(sign, f32x4.splat(-0.0)));
  }

  /** The two lower (upper) lanes as float64. */
  @inline static low(x: v128): v128 {
    return f64x2.promote_low_f32x4(x);
  }
  @inline static high(x: v128): v128 {
    return f64x2.promote_low_f32x4(v128.shuffle<i32>(x, x, 2, 3, 2, 3));
  }

  /** Two pairs of float64 back to four float32 lanes, rounded once. */
  @inline static narrow(low: v128, high: v128): v128 {
    return v128.shuffle<i32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
  }

  /** The sum of both float64 lanes. */
  @inline static total(x: v128): f64 {
    return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
  }
}
