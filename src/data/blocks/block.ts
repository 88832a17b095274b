/** Some rows of a table, column by column: what every format is read into, and what is stored of a data set. */

/** The numbers of a column, in the smallest type that holds all of them exactly. */
export type NumberArray = Float64Array | Float32Array | Int32Array | Int16Array | Uint8Array;

export interface Block {
  readonly rows: number;
  /** The same names and shapes in every block of a table. */
  readonly columns: readonly BlockColumn[];
}

export interface ColumnHead {
  readonly name: string;
  /** Of one row's value: [] for a single one, [28, 28] for an image. */
  readonly shape: readonly number[];
}

export interface BlockColumn extends ColumnHead {
  /** Row-major, one value after the other; NaN where it is missing or a word. */
  readonly values: NumberArray;
  /** k > 0 is the word dictionary[k − 1]; null when there is no word. */
  readonly codes: Int32Array | null;
  readonly dictionary: readonly string[];
  /** Whether every number is a `true` or a `false`. */
  readonly booleans: boolean;
}

/** A table as it is read: at least one block. */
export type Blocks = AsyncIterable<Block>;

/** About so many values make a block: enough to read fast, few enough to hold. */
export const BLOCK_CELLS = 32 * 1024;
export const MAX_COLUMNS = 10_000;
/** The most values that a row may hold, such as those of a picture of 512 × 512 in three colours. */
export const MAX_ROW_CELLS = 1024 * 1024;

export const cellsOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** So many rows of these columns are one block. */
export function rowsPerBlock(columns: readonly ColumnHead[]): number {
  const cells = columns.reduce((sum, { shape }) => sum + cellsOf(shape), 0);
  return Math.max(1, Math.floor(BLOCK_CELLS / Math.max(1, cells)));
}
