// Rows and elements chosen by int32 indices: embeddings, picking a class, a batch out of the data set.

export function gatherRows(out: usize, x: usize, index: usize, rows: i32, width: i32): void {
  const bytes = (<usize>width) << 2;
  for (; rows > 0; --rows, index += 4, out += bytes) copyRow(out, x + <usize>load<u32>(index) * bytes, bytes);
}

/** A batch without JavaScript: rows order[cursor], order[cursor + 1], … */
export function gatherBatch(out: usize, x: usize, order: usize, cursor: usize, rows: i32, width: i32): void {
  gatherRows(out, x, order + ((<usize>load<u32>(cursor)) << 2), rows, width);
}

/** Copies 4-byte elements; short rows are not worth memory.copy's call. */
function copyRow(out: usize, from: usize, bytes: usize): void {
  if (bytes > 256) {
    memory.copy(out, from, bytes);
    return;
  }
  for (; bytes >= 16; bytes -= 16, out += 16, from += 16) v128.store(out, v128.load(from));
  for (; bytes > 0; bytes -= 4, out += 4, from += 4) store<u32>(out, load<u32>(from));
}

export function scatterAddRows(out: usize, x: usize, index: usize, rows: i32, width: i32, outRows: i32): void {
  scatterAddRowsPart(out, x, index, rows, width, outRows, 0, outRows);
}

/** The rows `first` … `first + count − 1` of the result. */
export function scatterAddRowsPart(
  out: usize,
  x: usize,
  index: usize,
  rows: i32,
  width: i32,
  outRows: i32,
  first: i32,
  count: i32,
): void {
  const bytes = (<usize>width) << 2;
  out += <usize>first * bytes;
  memory.fill(out, 0, <usize>count * bytes);
  for (; rows > 0; --rows, index += 4) {
    const row = load<i32>(index) - first;
    if (<u32>row >= <u32>count) {
      x += bytes;
      continue;
    }
    let to = out + <usize>row * bytes;
    let n = width;
    for (; n >= 4; n -= 4, to += 16, x += 16) v128.store(to, f32x4.add(v128.load(to), v128.load(x)));
    for (; n > 0; --n, to += 4, x += 4) store<f32>(to, load<f32>(to) + load<f32>(x));
  }
}

/** An index outside the row that is not `ignore` gives NaN: never memory that belongs to somebody else. */
export function pick(out: usize, x: usize, index: usize, rows: i32, cols: i32, ignore: i32): void {
  const bytes = (<usize>cols) << 2;
  for (; rows > 0; --rows, index += 4, out += 4, x += bytes) {
    const at = load<i32>(index);
    let value: f32 = 0;
    if (at != ignore) value = <u32>at < <u32>cols ? load<f32>(x + ((<usize>at) << 2)) : f32.NaN;
    store<f32>(out, value);
  }
}

export function unpick(out: usize, x: usize, index: usize, rows: i32, cols: i32, ignore: i32): void {
  const bytes = (<usize>cols) << 2;
  memory.fill(out, 0, <usize>rows * bytes);
  for (; rows > 0; --rows, index += 4, x += 4, out += bytes) {
    const at = load<i32>(index);
    if (at != ignore && <u32>at < <u32>cols) store<f32>(out + ((<usize>at) << 2), load<f32>(x));
  }
}
