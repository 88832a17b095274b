// Copies between a contiguous array and one that is walked with strides: permute, expand, slice and their inverses.
// Elements are 4 bytes of any type.

export function copyStrided(out: usize, x: usize, rank: i32, offset: i32, dims: usize, strides: usize): void {
  collect(out, x + ((<usize>offset) << 2), rank, dims, strides);
}

export function assignStrided(out: usize, x: usize, rank: i32, offset: i32, dims: usize, strides: usize): void {
  scatter(out + ((<usize>offset) << 2), x, rank, dims, strides);
}

/** Outer dimensions call themselves. Returns the address after what was written. */
function collect(out: usize, x: usize, rank: i32, dims: usize, strides: usize): usize {
  let n = rank > 0 ? load<i32>(dims) : 1;
  const step = rank > 0 ? (<usize>load<i32>(strides)) << 2 : 4;
  if (rank > 1) {
    for (; n > 0; --n, x += step) out = collect(out, x, rank - 1, dims + 4, strides + 4);
    return out;
  }
  const end = out + ((<usize>n) << 2);
  if (step == 4) memory.copy(out, x, end - out);
  else for (; out < end; out += 4, x += step) store<u32>(out, load<u32>(x));
  return end;
}

/** The inverse walk. Returns the address after what was read. */
function scatter(out: usize, x: usize, rank: i32, dims: usize, strides: usize): usize {
  let n = rank > 0 ? load<i32>(dims) : 1;
  const step = rank > 0 ? (<usize>load<i32>(strides)) << 2 : 4;
  if (rank > 1) {
    for (; n > 0; --n, out += step) x = scatter(out, x, rank - 1, dims + 4, strides + 4);
    return x;
  }
  const end = x + ((<usize>n) << 2);
  if (step == 4) memory.copy(out, x, end - x);
  else for (; x < end; x += 4, out += step) store<u32>(out, load<u32>(x));
  return end;
}
