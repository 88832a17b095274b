/** Rows sent for a prediction → what the first layer gets, through the steps that were fitted in training. */
import { DataError, grouped, quoted } from "./data-error.ts";
import { describe, readNested } from "./inline.ts";
import { nearest } from "./nearest-name.ts";
import { type FittedPreprocess, transform } from "./preprocess.ts";
import type { Table } from "./table.ts";
import { adviceForRows } from "./value-map.ts";

export interface PreparedInputs {
  readonly inputs: Float32Array<ArrayBuffer>;
  readonly count: number;
}

/**
 * Each row is an array in feature order (or nested in the sample's shape), or an object by column name.
 * Throws DataError with a path below `path`, such as `inputs[3].age`.
 */
export function applyPreprocess(fitted: FittedPreprocess, rows: readonly unknown[], path = "inputs"): PreparedInputs {
  if (rows.length === 0) throw new DataError("is empty; expected at least one row", { path });
  const most = Math.floor(MAX_CELLS / Math.max(size(fitted.rawShape), size(fitted.shape)));
  if (rows.length > most) {
    throw new DataError(`has ${grouped(rows.length)} rows, at most ${grouped(most)} are taken at once`, { path });
  }
  const arrays = rows.map((row, i) => (isRecord(row) ? inFeatureOrder(row, fitted, `${path}[${i}]`) : row));
  const { table } = readNested(arrays, path, (shape) => checkShape(shape, fitted, path));
  return { inputs: transform(named(table, rows, fitted, path), fitted, null, adviceForRows), count: table.rows };
}

/** Numbers prepared for one prediction, at most: an empty object for a row costs nothing to send. */
const MAX_CELLS = 16 * 1024 * 1024;

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

const isRecord = (row: unknown): row is Record<string, unknown> =>
  typeof row === "object" && row !== null && !Array.isArray(row);

function inFeatureOrder(row: Record<string, unknown>, fitted: FittedPreprocess, path: string): unknown[] {
  const { features } = fitted;
  if (features === null) {
    throw new DataError("is an object, but this model's inputs have no names; send an array", { path });
  }
  const known = new Set(features);
  for (const name of Object.keys(row)) {
    if (!known.has(name)) throw new DataError(`unknown column ${quoted(name)}${nearest(name, features)}`, { path });
  }
  return features.map((name) => (Object.hasOwn(row, name) ? cell(row[name], `${path}.${name}`) : null));
}

/** Checked here, since an array for a cell would pass as a shape of its own. */
function cell(value: unknown, path: string): unknown {
  if (typeof value === "object" && value !== null) {
    throw new DataError(`expects a number, got ${describe(value)}`, { path });
  }
  return value;
}

/** A row may come flat, or nested as it was in training. */
function checkShape(shape: readonly number[], fitted: FittedPreprocess, path: string): void {
  const width = size(fitted.rawShape);
  const found = size(shape);
  const accepted = [fitted.rawShape.join(), fitted.shape.join(), String(width)];
  if (found === width && accepted.includes(shape.join())) return;
  const names = fitted.features === null ? "" : ` (${someNames(fitted.features)})`;
  throw new DataError(
    shape.length <= 1 && fitted.rawShape.length <= 1
      ? `has ${grouped(found)} values, but the model takes ${grouped(width)}${names}`
      : `has shape [${shape.join(", ")}], but the model takes [${fitted.rawShape.join(", ")}]`,
    { path: `${path}[0]` },
  );
}

const someNames = (names: readonly string[]): string =>
  names.length > 6 ? `${names.slice(0, 5).join(", ")}, … ${names.at(-1)}` : names.join(", ");

/** The same cells under the path that the sender knows: by name for objects, by position for arrays. */
function named(table: Table, rows: readonly unknown[], fitted: FittedPreprocess, path: string): Table {
  const { features } = fitted;
  if (features === null || !rows.some(isRecord)) return table;
  const at = (row: number, column: number): string =>
    isRecord(rows[row]) ? `${path}[${row}].${features[column]}` : `${path}[${row}][${column}]`;
  return table.from({ path, at });
}
