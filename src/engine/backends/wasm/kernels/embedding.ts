// Embeddings: rows of a table by int32 index. An index outside of the table gives NaN and is given no gradient: never
// memory that belongs to somebody else.
import { Lanes } from "./lanes";

export function embedding(out: usize, table: usize, index: usize, rows: i32, width: i32, tableRows: i32): void {
  const bytes = (<usize>width) << 2;
  const missing = f32x4.splat(f32.NaN);
  for (; rows > 0; --rows, index += 4, out += bytes) {
    const at = load<i32>(index);
    if (<u32>at < <u32>tableRows) memory.copy(out, table + <usize>at * bytes, bytes);
    else for (let i = 0; i < width; i += 4) Lanes.storeColumns(out, i, width, missing);
  }
}

export function embeddingBackward(
  out: usize,
  counts: usize,
  g: usize,
  index: usize,
  rows: i32,
  width: i32,
  tableRows: i32,
  padding: i32,
  byFrequency: i32,
): void {
  embeddingBackwardPart(out, counts, g, index, rows, width, tableRows, padding, byFrequency, 0, tableRows);
}

/** The rows `first` … `first + count − 1` of the table. */
export function embeddingBackwardPart(
  out: usize,
  counts: usize,
  g: usize,
  index: usize,
  rows: i32,
  width: i32,
  tableRows: i32,
  padding: i32,
  byFrequency: i32,
  first: i32,
  count: i32,
): void {
  const bytes = (<usize>width) << 2;
  out += <usize>first * bytes;
  counts += (<usize>first) << 2;
  memory.fill(out, 0, <usize>count * bytes);
  memory.fill(counts, 0, (<usize>count) << 2);
  for (; rows > 0; --rows, index += 4, g += bytes) {
    const at = load<i32>(index);
    if (<u32>at >= <u32>tableRows || at == padding) continue;
    const here = at - first;
    if (<u32>here >= <u32>count) continue;
    const times = counts + ((<usize>here) << 2);
    store<i32>(times, load<i32>(times) + 1);
    const row = out + <usize>here * bytes;
    for (let i = 0; i < width; i += 4) {
      const offset = (<usize>i) << 2;
      Lanes.storeColumns(row, i, width, f32x4.add(v128.load(row + offset), v128.load(g + offset)));
    }
  }
  if (!byFrequency) return;
  for (; count > 0; --count, out += bytes, counts += 4) {
    const times = load<i32>(counts);
    if (times < 2) continue;
    const share = f32x4.splat(<f32>times);
    for (let i = 0; i < width; i += 4) {
      Lanes.storeColumns(out, i, width, f32x4.div(v128.load(out + ((<usize>i) << 2)), share));
    }
  }
}

export function renormRows(
  table: usize,
  index: usize,
  rows: i32,
  width: i32,
  tableRows: i32,
  maxNorm: f64,
  normType: f64,
): void {
  const bytes = (<usize>width) << 2;
  for (; rows > 0; --rows, index += 4) {
    const at = load<i32>(index);
    if (<u32>at >= <u32>tableRows) continue;
    const row = table + <usize>at * bytes;
    const norm = normOf(row, width, normType);
    if (!(norm > maxNorm)) continue;
    const factor = f32x4.splat(<f32>(maxNorm / (norm + 1e-7)));
    for (let i = 0; i < width; i += 4) {
      Lanes.storeColumns(row, i, width, f32x4.mul(v128.load(row + ((<usize>i) << 2)), factor));
    }
  }
}

function normOf(row: usize, width: i32, type: f64): f64 {
  let total: f64 = 0;
  let largest: f64 = 0;
  for (let i = 0; i < width; ++i, row += 4) {
    const magnitude = <f64>abs<f32>(load<f32>(row));
    largest = max<f64>(largest, magnitude);
    if (type == 2) total += magnitude * magnitude;
    else if (type == 1) total += magnitude;
    else if (type != f64.POSITIVE_INFINITY) total += Math.pow(magnitude, type);
  }
  if (type == f64.POSITIVE_INFINITY) return largest;
  if (type == 2) return sqrt<f64>(total);
  return type == 1 ? total : Math.pow(total, 1 / type);
}
