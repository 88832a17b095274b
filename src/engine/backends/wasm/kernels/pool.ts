// Max pooling, and reading and adding at indices along the last dimension, which are its gradient and the gradient of that.
import { Lanes } from "./lanes";

/** Which window of a plane each output looks at. */
class Window {
  /** The first index i = start + n·step that is not before the plane. */
  @inline static begin(start: i32, step: i32): i32 {
    return start >= 0 ? start : start + ((step - 1 - start) / step) * step;
  }
}

export function maxPool(
  out: usize,
  index: usize,
  x: usize,
  planes: i32,
  height: i32,
  width: i32,
  outHeight: i32,
  outWidth: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  strideY: i32,
  strideX: i32,
  dilationY: i32,
  dilationX: i32,
  padTop: i32,
  padLeft: i32,
): void {
  const reachX = (kernelWidth - 1) * dilationX;
  // Outputs whose windows lie within the plane's width are found four at a time: those from `inner` to before `outer`.
  const inner = (padLeft + strideX - 1) / strideX;
  const outer = width + padLeft > reachX ? min<i32>(outWidth, (width + padLeft - reachX - 1) / strideX + 1) : 0;
  const fours = outer - inner >= 4;
  const pairs = kernelWidth == 2 && strideX == 2 && dilationX == 1;
  for (; planes > 0; --planes, x += (<usize>height * <usize>width) << 2) {
    for (let row = 0; row < outHeight; ++row) {
      const top = row * strideY - padTop;
      const y = Window.begin(top, dilationY);
      const bottom = min<i32>(height, top + (kernelHeight - 1) * dilationY + 1);
      for (let column = 0; column < outWidth; ) {
        if (fours && column >= inner && column < outer) {
          // The last four begin earlier when fewer are left: what is found twice is the same.
          const first = min<i32>(column, outer - 4);
          const left = first * strideX - padLeft;
          const at = (<usize>first) << 2;
          if (pairs) {
            const count = (outer - first) >> 2;
            largestOfPairs(out + at, index + at, x, width, y, bottom, dilationY, left, count);
            column = first + (count << 2);
          } else {
            const right = left + reachX + 1;
            largestOfFour(out + at, index + at, x, width, y, bottom, dilationY, left, right, dilationX, strideX);
            column = first + 4;
          }
        } else {
          const left = column * strideX - padLeft;
          const right = min<i32>(width, left + reachX + 1);
          const at = (<usize>column) << 2;
          largest(
            out + at,
            index + at,
            x,
            width,
            y,
            bottom,
            dilationY,
            Window.begin(left, dilationX),
            right,
            dilationX,
          );
          ++column;
        }
      }
      out += (<usize>outWidth) << 2;
      index += (<usize>outWidth) << 2;
    }
  }
}

/** Windows that share the plane as evenly as possible: from ⌊i·size/count⌋ to before ⌈(i + 1)·size/count⌉. */
export function adaptiveMaxPool(
  out: usize,
  index: usize,
  x: usize,
  planes: i32,
  height: i32,
  width: i32,
  outHeight: i32,
  outWidth: i32,
): void {
  for (; planes > 0; --planes, x += (<usize>height * <usize>width) << 2) {
    for (let row = 0; row < outHeight; ++row) {
      const top = (row * height) / outHeight;
      const bottom = ((row + 1) * height + outHeight - 1) / outHeight;
      for (let column = 0; column < outWidth; ++column, out += 4, index += 4) {
        const left = (column * width) / outWidth;
        const right = ((column + 1) * width + outWidth - 1) / outWidth;
        largest(out, index, x, width, top, bottom, 1, left, right, 1);
      }
    }
  }
}

/** The first of the largest values, and where it is. Like PyTorch's: a NaN beats everything, and the last NaN is taken. */
function largest(
  out: usize,
  index: usize,
  x: usize,
  width: i32,
  y: i32,
  bottom: i32,
  stepY: i32,
  left: i32,
  right: i32,
  stepX: i32,
): void {
  let best: f32 = f32.NEGATIVE_INFINITY;
  let at = y * width + left;
  for (; y < bottom; y += stepY) {
    for (let i = y * width + left, end = y * width + right; i < end; i += stepX) {
      const value = load<f32>(x + ((<usize>i) << 2));
      if (value > best || value != value) {
        best = value;
        at = i;
      }
    }
  }
  store<f32>(out, best);
  store<i32>(index, at);
}

/** The same for four neighbouring outputs. */
function largestOfFour(
  out: usize,
  index: usize,
  x: usize,
  width: i32,
  y: i32,
  bottom: i32,
  stepY: i32,
  left: i32,
  right: i32,
  stepX: i32,
  stride: i32,
): void {
  const lanes = i32x4.mul(i32x4.splat(stride), i32x4(0, 1, 2, 3));
  let best = f32x4.splat(f32.NEGATIVE_INFINITY);
  let at = i32x4.add(i32x4.splat(y * width + left), lanes);
  for (; y < bottom; y += stepY) {
    for (let i = y * width + left, end = y * width + right; i < end; i += stepX) {
      const from = x + ((<usize>i) << 2);
      let value: v128;
      if (stride == 1) value = v128.load(from);
      // Lanes 0 and 2 of two vectors; the second begins at lane 3 and so stays within the row.
      else if (stride == 2) value = v128.shuffle<i32>(v128.load(from), v128.load(from, 12), 0, 2, 5, 7);
      else value = Lanes.gather(from, (<usize>stride) << 2);
      const wins = v128.or(f32x4.gt(value, best), f32x4.ne(value, value));
      best = v128.bitselect(value, best, wins);
      at = v128.bitselect(i32x4.add(i32x4.splat(i), lanes), at, wins);
    }
  }
  v128.store(out, best);
  v128.store(index, at);
}

/** The same for windows two elements wide, two apart: four times `count` of them. */
function largestOfPairs(
  out: usize,
  index: usize,
  x: usize,
  width: i32,
  y: i32,
  bottom: i32,
  stepY: i32,
  left: i32,
  count: i32,
): void {
  const lanes = i32x4(0, 2, 4, 6);
  for (; count > 0; --count, left += 8, out += 16, index += 16) {
    let i = y * width + left;
    let from = x + ((<usize>i) << 2);
    let low = v128.load(from);
    let high = v128.load(from, 16);
    let best = v128.shuffle<i32>(low, high, 0, 2, 4, 6);
    let at = i32x4.add(i32x4.splat(i), lanes);
    let odd = v128.shuffle<i32>(low, high, 1, 3, 5, 7);
    let wins = v128.or(f32x4.gt(odd, best), f32x4.ne(odd, odd));
    best = v128.bitselect(odd, best, wins);
    // A mask is −1, so this adds 1.
    at = i32x4.sub(at, wins);
    for (let row = y + stepY; row < bottom; row += stepY) {
      i = row * width + left;
      from = x + ((<usize>i) << 2);
      low = v128.load(from);
      high = v128.load(from, 16);
      const even = v128.shuffle<i32>(low, high, 0, 2, 4, 6);
      odd = v128.shuffle<i32>(low, high, 1, 3, 5, 7);
      // The larger of the two, then the larger of that and the best so far.
      wins = v128.or(f32x4.gt(odd, even), f32x4.ne(odd, odd));
      const value = v128.bitselect(odd, even, wins);
      const here = i32x4.sub(i32x4.add(i32x4.splat(i), lanes), wins);
      wins = v128.or(f32x4.gt(value, best), f32x4.ne(value, value));
      best = v128.bitselect(value, best, wins);
      at = v128.bitselect(here, at, wins);
    }
    v128.store(out, best);
    v128.store(index, at);
  }
}

/** An index outside of the row gives NaN: never memory that belongs to somebody else. */
export function gatherAlong(out: usize, x: usize, index: usize, rows: i32, cols: i32, count: i32): void {
  for (; rows > 0; --rows, x += (<usize>cols) << 2) {
    for (let i = count; i > 0; --i, out += 4, index += 4) {
      const at = load<u32>(index);
      store<f32>(out, at < <u32>cols ? load<f32>(x + ((<usize>at) << 2)) : f32.NaN);
    }
  }
}

export function scatterAlong(out: usize, x: usize, index: usize, rows: i32, cols: i32, count: i32): void {
  memory.fill(out, 0, (<usize>rows * <usize>cols) << 2);
  for (; rows > 0; --rows, out += (<usize>cols) << 2) {
    for (let i = count; i > 0; --i, x += 4, index += 4) {
      const at = load<u32>(index);
      if (at >= <u32>cols) continue;
      const to = out + ((<usize>at) << 2);
      store<f32>(to, load<f32>(to) + load<f32>(x));
    }
  }
}
