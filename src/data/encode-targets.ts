/** Targets as the loss needs them: class indices, or float values. */
import { compareCategories, FLOAT32_MAX } from "./cell.ts";
import { DataError, grouped, quoted } from "./data-error.ts";
import type { RawData } from "./raw-data.ts";
import type { Table } from "./table.ts";

/** `index`: one class index per row (CrossEntropyLoss). `values`: numbers of any shape (MSELoss, BCELoss). */
export type TargetEncoding = "index" | "values";

export interface EncodedTargets {
  readonly data: Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  /** [] for an index; a bare value counts as [1]. */
  readonly shape: readonly number[];
}

/** The names behind the class numbers, sorted, where targets are labels; null where they are numbers. */
export function classesOf(targets: Table): string[] | null {
  if (targets.codes === null) return null;
  const labels = new Set<string>();
  for (let i = 0; i < targets.values.length; i++) {
    const label = labelAt(targets, i);
    if (label !== undefined) labels.add(label);
  }
  return [...labels].sort(compareCategories);
}

/** The chosen rows' targets. Throws DataError naming the row. */
export function encodeTargets(
  raw: RawData,
  encoding: TargetEncoding,
  classes: readonly string[] | null,
  rows: Int32Array | null,
): EncodedTargets {
  const { targets } = raw;
  if (classes !== null && encoding === "values") checkTwoClasses(targets, classes);
  const toNumber = classes === null ? numberAt : labelIndex(classes);
  const count = (rows?.length ?? targets.rows) * targets.width;
  const data = encoding === "index" ? new Int32Array(count) : new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const row = rows?.[Math.floor(i / targets.width)] ?? Math.floor(i / targets.width);
    const value = toNumber(targets, row, i % targets.width);
    if (encoding === "index") checkIndex(value, targets, row, i % targets.width);
    else if (Math.abs(value) > FLOAT32_MAX) throw mistake(targets, row, 0, `${value} is too large for a 32-bit float`);
    data[i] = value;
  }
  return { data, shape: encodedShape(raw.targetShape, encoding) };
}

export const encodedShape = (shape: readonly number[], encoding: TargetEncoding): readonly number[] =>
  encoding === "values" && shape.length === 0 ? [1] : shape;

function checkTwoClasses(targets: Table, classes: readonly string[]): void {
  if (classes.length === 2) return;
  const some = classes.slice(0, 3).map(quoted).join(", ");
  const found = classes.length === 1 ? "only one label" : `${grouped(classes.length)} different labels`;
  throw new DataError(
    `the targets have ${found} (${some}${classes.length > 3 ? ", …" : ""}), but this loss takes numbers or two labels; ` +
      "use CrossEntropyLoss for more classes",
    "path" in targets.origin ? { path: targets.origin.path } : { column: targets.columnName(0) },
  );
}

function numberAt(targets: Table, row: number, column: number): number {
  const value = targets.values[row * targets.width + column] ?? Number.NaN;
  if (!Number.isNaN(value)) return value;
  const word = targets.word(row, column);
  if (word === undefined) throw missing(targets, row, column);
  throw mistake(targets, row, column, `${quoted(word)} is a label, but the training data has numbers`);
}

function labelIndex(classes: readonly string[]): (targets: Table, row: number, column: number) => number {
  const index = new Map(classes.map((label, i) => [label, i]));
  return (targets, row, column) => {
    const label = labelAt(targets, row * targets.width + column);
    if (label === undefined) throw missing(targets, row, column);
    const found = index.get(label);
    if (found !== undefined) return found;
    throw mistake(targets, row, column, `the label ${quoted(label)} does not occur in the training data`);
  };
}

/** A label's text; a number among labels is one too. */
function labelAt(targets: Table, at: number): string | undefined {
  const code = targets.codes?.[at] ?? 0;
  if (code > 0) return targets.dictionary[code - 1];
  const value = targets.values[at] ?? Number.NaN;
  return Number.isNaN(value) ? undefined : String(value);
}

function checkIndex(value: number, targets: Table, row: number, column: number): void {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 31) return;
  throw mistake(targets, row, column, `${value} is no class index; expected a whole number from 0 on, or a label`);
}

const missing = (targets: Table, row: number, column: number): DataError =>
  mistake(targets, row, column, "the target is missing; leave the row out");

function mistake(targets: Table, row: number, column: number, message: string): DataError {
  const { text, place } = targets.place(row, column);
  return new DataError(`${text}${message}`, place);
}
