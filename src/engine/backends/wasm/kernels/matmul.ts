// Matrix products: out[m,n] = op(a)·op(b), and a linear layer x·weightᵀ + bias.
//
// The loops are those of Goto and van de Geijn ("Anatomy of high-performance matrix multiplication", 2008): blocks of b
// that stay in the second-level cache, blocks of a that stay in the first, tiles in registers. What is small or lies
// well already is not packed. Measured at 512³ on one core of an AMD EPYC (Zen 5): 53 GFLOP/s with relaxed SIMD, 46 with
// plain SIMD, of 57 and 56 that its instructions alone reach.
import { Lanes } from "./lanes";
import { packColumns, packRows } from "./pack";
import { scratch } from "./scratch";
import { TILE_COLUMNS, TILE_ROWS, tile } from "./tile";

const BLOCK_M = 96;
const BLOCK_N = 512;
const BLOCK_K = 256;
/** A strided operand of at most this many bytes stays in the first-level cache and is used where it lies. */
const SMALL: usize = 16384;

export function matmul(
  out: usize,
  a: usize,
  b: usize,
  m: i32,
  n: i32,
  k: i32,
  transA: i32,
  transB: i32,
  batch: i32,
  strideA: i32,
  strideB: i32,
): void {
  for (; batch > 0; --batch) {
    product(out, a, b, 0, m, n, k, transA != 0, transB != 0, 0, m, 0, n, false);
    out += (<usize>m * <usize>n) << 2;
    a += (<usize>strideA) << 2;
    b += (<usize>strideB) << 2;
  }
}

export function linear(out: usize, x: usize, weight: usize, bias: usize, m: i32, n: i32, k: i32): void {
  product(out, x, weight, bias, m, n, k, false, true, 0, m, 0, n, false);
}

/** A step of a sequence. `again`: the product before this one had the same b and the same sizes, so b is packed already. */
export function stepProduct(
  out: usize,
  a: usize,
  b: usize,
  bias: usize,
  m: i32,
  n: i32,
  k: i32,
  transB: bool,
  again: bool,
): void {
  product(out, a, b, bias, m, n, k, false, transB, 0, m, 0, n, again);
}

export function matmulPart(
  out: usize,
  a: usize,
  b: usize,
  m: i32,
  n: i32,
  k: i32,
  transA: i32,
  transB: i32,
  row: i32,
  rows: i32,
  column: i32,
  columns: i32,
): void {
  product(out, a, b, 0, m, n, k, transA != 0, transB != 0, row, rows, column, columns, false);
}

export function linearPart(
  out: usize,
  x: usize,
  weight: usize,
  bias: usize,
  m: i32,
  n: i32,
  k: i32,
  row: i32,
  rows: i32,
  column: i32,
  columns: i32,
): void {
  product(out, x, weight, bias, m, n, k, false, true, row, rows, column, columns, false);
}

/** The window rows × columns at (row, column) of a product of m × n. How it is computed must not depend on the window. */
function product(
  out: usize,
  a: usize,
  b: usize,
  bias: usize,
  m: i32,
  n: i32,
  k: i32,
  transA: bool,
  transB: bool,
  row: i32,
  rows: i32,
  column: i32,
  columns: i32,
  again: bool,
): void {
  const kBytes = (<usize>k) << 2;
  const outRow = (<usize>n) << 2;
  out += <usize>row * outRow + ((<usize>column) << 2);
  if (bias != 0) bias += (<usize>column) << 2;
  // Few columns, both operands contiguous along k: vectors along k. The choice depends on n alone, so a row of results
  // has the same bits in a batch of any size.
  if (!transA && (n == 1 || (transB && n == 2))) {
    a += <usize>row * kBytes;
    b += <usize>column * kBytes;
    for (; rows > 0; --rows, a += kBytes, out += outRow) {
      for (let j = 0; j < columns; ++j) {
        const at = (<usize>j) << 2;
        const start: f32 = bias != 0 ? load<f32>(bias + at) : 0;
        store<f32>(out + at, start + dot(a, b + <usize>j * kBytes, k));
      }
    }
    return;
  }
  const aRow: usize = transA ? 4 : kBytes;
  const aStep: usize = transA ? (<usize>m) << 2 : 4;
  const bStep: usize = transB ? 4 : outRow;
  const bColumn: usize = transB ? kBytes : 4;
  a += <usize>row * aRow;
  b += <usize>column * bColumn;
  // aᵀ·b with one column is bᵀ·a with one row.
  if (transA && n == 1) blocks(out, outRow, 0, 1, rows, k, b, 0, 4, a, aStep, aRow, false);
  else blocks(out, outRow, bias, rows, columns, k, a, aRow, aStep, b, bStep, bColumn, again);
}

/** Σ x·y of k contiguous elements. */
function dot(x: usize, y: usize, k: i32): f32 {
  let c0 = f32x4.splat(0);
  let c1 = c0;
  let c2 = c0;
  let c3 = c0;
  for (; k >= 16; k -= 16, x += 64, y += 64) {
    c0 = Lanes.fused(v128.load(x), v128.load(y), c0);
    c1 = Lanes.fused(v128.load(x, 16), v128.load(y, 16), c1);
    c2 = Lanes.fused(v128.load(x, 32), v128.load(y, 32), c2);
    c3 = Lanes.fused(v128.load(x, 48), v128.load(y, 48), c3);
  }
  for (; k >= 4; k -= 4, x += 16, y += 16) c0 = Lanes.fused(v128.load(x), v128.load(y), c0);
  if (k > 0) c1 = Lanes.fused(Lanes.loadPartial(x, k, 0), Lanes.loadPartial(y, k, 0), c1);
  c0 = f32x4.add(f32x4.add(c0, c1), f32x4.add(c2, c3));
  c0 = f32x4.add(c0, v128.shuffle<i32>(c0, c0, 2, 3, 0, 1));
  return f32x4.extract_lane(c0, 0) + f32x4.extract_lane(c0, 1);
}

/** a(i, p) lies at a + i·aRow + p·aStep, b(p, j) at b + p·bStep + j·bColumn; one of each pair is 4 bytes. */
function blocks(
  out: usize,
  outRow: usize,
  bias: usize,
  m: i32,
  n: i32,
  k: i32,
  a: usize,
  aRow: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  bColumn: usize,
  again: bool,
): void {
  const packA = m > 1 && (aRow != 4 || <usize>k * aStep > SMALL);
  const packB = bColumn != 4 || (m > TILE_ROWS && <usize>k * bStep > SMALL);
  // Of several blocks of b only the last one is still there.
  const fill = packB && !(again && n <= BLOCK_N && k <= BLOCK_K);
  const packedA = scratch;
  const packedB = scratch + BLOCK_M * BLOCK_K * 4 + 32;
  // With nothing to add up, one empty block still writes bias or zeros.
  for (let n0 = 0; n0 < n; n0 += BLOCK_N) {
    const columns = min<i32>(n - n0, BLOCK_N);
    for (let k0 = 0; k0 < k || k0 == 0; k0 += BLOCK_K) {
      const depth = min<i32>(k - k0, BLOCK_K);
      const bBlock = b + <usize>k0 * bStep + <usize>n0 * bColumn;
      if (fill) packBlockB(packedB, bBlock, bStep, bColumn, columns, depth);
      // The first block along k starts from the bias, the others go on from what is there.
      const goesOn = k0 > 0;
      for (let m0 = 0; m0 < m; m0 += BLOCK_M) {
        const rows = min<i32>(m - m0, BLOCK_M);
        const aBlock = a + <usize>m0 * aRow + <usize>k0 * aStep;
        if (packA) packBlockA(packedA, aBlock, aRow, aStep, rows, depth);
        const outBlock = out + <usize>m0 * outRow + ((<usize>n0) << 2);
        const init = goesOn ? outBlock : bias != 0 ? bias + ((<usize>n0) << 2) : 0;
        const initRow: usize = goesOn ? outRow : 0;
        const bFrom = packB ? packedB : bBlock;
        const bWidth = packB ? (<usize>depth) << 2 : 4;
        const bDepth = packB ? (<usize>TILE_COLUMNS) << 2 : bStep;
        for (let j = 0; j < columns; j += TILE_COLUMNS) {
          const width = min<i32>(columns - j, TILE_COLUMNS);
          const bTile = bFrom + <usize>j * bWidth;
          const jBytes = (<usize>j) << 2;
          let strips = (rows + TILE_ROWS - 1) / TILE_ROWS;
          for (let i = 0; i < rows; --strips) {
            const height = (rows - i + strips - 1) / strips;
            const rowsBytes = <usize>i * outRow + jBytes;
            const from = init != 0 ? init + <usize>i * initRow + jBytes : 0;
            const aTile = packA ? packedA + ((<usize>i * <usize>depth) << 2) : aBlock + ((<usize>i) << 2);
            const aDepth = packA ? (<usize>height) << 2 : aStep;
            tile(height, width, outBlock + rowsBytes, outRow, from, initRow, aTile, aDepth, bTile, bDepth, depth);
            i += height;
          }
        }
      }
    }
  }
}

/** Strips of rows as even as possible: two of four rows run faster than one of six and one of two. */
function packBlockA(to: usize, a: usize, aRow: usize, aStep: usize, rows: i32, depth: i32): void {
  let strips = (rows + TILE_ROWS - 1) / TILE_ROWS;
  for (let i = 0; i < rows; --strips) {
    const height = (rows - i + strips - 1) / strips;
    const step = (<usize>height) << 2;
    const from = a + <usize>i * aRow;
    if (aRow == 4) packColumns(to, step, from, aStep, height, depth);
    else packRows(to, step, from, aRow, height, depth);
    to += <usize>depth * step;
    i += height;
  }
}

function packBlockB(to: usize, b: usize, bStep: usize, bColumn: usize, columns: i32, depth: i32): void {
  const step: usize = TILE_COLUMNS << 2;
  for (let j = 0; j < columns; j += TILE_COLUMNS, to += <usize>depth * step) {
    const width = min<i32>(columns - j, TILE_COLUMNS);
    const from = b + <usize>j * bColumn;
    if (bColumn == 4) packColumns(to, step, from, bStep, width, depth);
    else packRows(to, step, from, bColumn, width, depth);
  }
}
