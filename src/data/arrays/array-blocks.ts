/** Arrays of as many rows each, side by side: every array is one column, whose values have the shape of its rows. */
import { type Block, type BlockColumn, cellsOf, MAX_COLUMNS, MAX_ROW_CELLS, rowsPerBlock } from "../blocks/block.ts";
import { DataError, DataTooLargeError, grouped, quoted } from "../data-error.ts";
import { type ArraySource, bytesOf } from "./array-source.ts";

/** Throws DataError for arrays that do not fit together, and DataTooLargeError for more than `limit` bytes of them. */
export async function* arrayBlocks(sources: readonly ArraySource[], limit: number): AsyncGenerator<Block> {
  const rows = check(sources, limit);
  const [only] = sources;
  const isMatrix = sources.length === 1 && only?.head.shape.length === 2;
  const perBlock = rowsPerBlock(sources.map(({ head }) => ({ name: head.name, shape: head.shape.slice(1) })));
  const step = Math.max(1, Math.min(perBlock, Math.floor(MAX_ROW_BYTES / rowBytes(sources))));
  for (let row = 0; row < rows; row += step) {
    const count = Math.min(step, rows - row);
    const columns: BlockColumn[] = [];
    for (const source of sources) columns.push(await source.next(count));
    yield { rows: count, columns: isMatrix ? columns.flatMap((column) => apart(column, count)) : columns };
  }
}

/** Text may be long: so many bytes are read of all arrays at once. */
const MAX_ROW_BYTES = 16 * 1024 * 1024;

const rowBytes = (sources: readonly ArraySource[]): number =>
  sources.reduce((sum, { head }) => sum + bytesOf(head) / (head.shape[0] ?? 1), 0);

/** How many rows there are. */
function check(sources: readonly ArraySource[], limit: number): number {
  const [first, ...others] = sources.map(({ head }) => head);
  if (first === undefined) throw new DataError("The upload holds no array.");
  const [rows = 0, ...inner] = first.shape;
  for (const { name, shape } of others) {
    if (shape[0] === rows) continue;
    throw new DataError(
      `The array ${quoted(name)} has ${grouped(shape[0] ?? 0)} rows, but ${quoted(first.name)} has ${grouped(rows)}; ` +
        "expected one row per sample in each (upload training and test data as two data sets).",
      { column: name },
    );
  }
  const names = sources.map(({ head }) => head.name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new DataError(`Two arrays are named ${quoted(twice)}; names must be unique.`);
  if (others.length === 0 && inner.length === 1 && cellsOf(inner) > MAX_COLUMNS) {
    throw new DataError(`The array has ${grouped(cellsOf(inner))} columns, at most ${grouped(MAX_COLUMNS)} are taken.`);
  }
  const cells = sources.reduce((sum, { head }) => sum + cellsOf(head.shape.slice(1)), 0);
  if (cells > MAX_ROW_CELLS) {
    throw new DataError(`A row has ${grouped(cells)} values, at most ${grouped(MAX_ROW_CELLS)} are taken.`);
  }
  if (rowBytes(sources) > MAX_ROW_BYTES) {
    throw new DataError(`A row has ${grouped(rowBytes(sources))} bytes, at most ${grouped(MAX_ROW_BYTES)} are taken.`);
  }
  if (sources.reduce((sum, { head }) => sum + bytesOf(head), 0) > limit) throw new DataTooLargeError(limit);
  return rows;
}

/** A matrix that comes alone is a table without names: its columns are 0, 1, 2 …, as in pandas. */
function apart({ values, codes, dictionary, booleans, shape }: BlockColumn, rows: number): BlockColumn[] {
  const width = cellsOf(shape);
  return Array.from({ length: width }, (_, column) => {
    const own = values.slice(0, rows);
    const ownCodes = codes && new Int32Array(rows);
    for (let row = 0; row < rows; row++) {
      own[row] = values[row * width + column] ?? Number.NaN;
      if (ownCodes) ownCodes[row] = codes[row * width + column] ?? 0;
    }
    return { name: String(column), shape: [], values: own, codes: ownCodes, dictionary, booleans };
  });
}
