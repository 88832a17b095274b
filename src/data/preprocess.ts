/**
 * From cells to the numbers that the first layer gets, always in this order:
 * map → one_hot → impute → scale → standardize → shape.
 *
 * Fitted on the training rows alone; what was fitted is plain JSON, stored with the model and applied at prediction.
 * One-hot features stay 0 and 1: impute, scale and standardize leave them alone. Their categories are those of the
 * whole table, so that the number of features is known before a split is drawn.
 */
import { compareCategories, FLOAT32_MAX } from "./cell.ts";
import { DataError, grouped, quoted } from "./data-error.ts";
import type { Preprocess } from "./data-spec.ts";
import { nearest } from "./nearest-name.ts";
import type { RawData } from "./raw-data.ts";
import type { Table } from "./table.ts";
import { ValueMap } from "./value-map.ts";

export interface FittedPreprocess {
  readonly version: 1;
  /** The columns that a row has, in order; null for inline arrays, whose features have no names. */
  readonly features: readonly string[] | null;
  /** One sample before preprocessing, and as the first layer gets it. */
  readonly rawShape: readonly number[];
  readonly shape: readonly number[];
  readonly map: Readonly<Record<string, number>> | null;
  /** By position of the column: the values that became features. */
  readonly oneHot: readonly { readonly column: number; readonly categories: readonly string[] }[];
  /** Per column; null where the step is not asked for. */
  readonly impute: readonly number[] | null;
  readonly scale: number;
  readonly mean: readonly number[] | null;
  readonly std: readonly number[] | null;
}

export const MAX_ONE_HOT = 1000;

/** What the steps need, learned from `rows` (all of them when null). Throws DataError for cells that no step takes care of. */
export function fitPreprocess(raw: RawData, steps: Preprocess | undefined, rows: Int32Array | null): FittedPreprocess {
  const table = raw.inputs;
  const oneHot = fitOneHot(table, steps);
  const width = table.width + oneHot.reduce((sum, { categories }) => sum + categories.length - 1, 0);
  const plain: FittedPreprocess = {
    version: 1,
    features: "names" in table.origin ? table.origin.names : null,
    rawShape: raw.sampleShape,
    shape: outputShape(steps?.shape, oneHot.length > 0 ? [width] : raw.sampleShape, width),
    map: steps?.map ?? null,
    oneHot,
    impute: null,
    scale: steps?.scale ?? 1,
    mean: null,
    std: null,
  };
  const impute = steps?.impute === undefined ? null : fitImpute(table, plain, steps.impute, rows);
  const imputed = { ...plain, impute };
  return steps?.standardize ? { ...imputed, ...fitStandardize(table, imputed, rows) } : imputed;
}

/** The chosen rows as the first layer gets them. Throws DataError naming row and column; `textAdvice` as in ValueMap. */
export function transform(
  table: Table,
  fitted: FittedPreprocess,
  rows: Int32Array | null,
  textAdvice?: (word: string) => string,
): Float32Array<ArrayBuffer> {
  const source = { table, map: new ValueMap(fitted.map, table, textAdvice), rows, count: rows?.length ?? table.rows };
  const width = fitted.shape.reduce((a, b) => a * b, 1);
  const out = new Float32Array(source.count * width);
  const oneHot = new Map(fitted.oneHot.map(({ column, categories }) => [column, categories]));
  let feature = 0;
  for (let column = 0; column < table.width; column++) {
    const categories = oneHot.get(column);
    const destination = { out, feature, width };
    if (categories === undefined) writeNumbers(source, column, fitted, destination);
    else writeOneHot(source, column, categories, destination);
    feature += categories?.length ?? 1;
  }
  return out;
}

/** The cells to read: `count` rows of the table, those that `rows` names or all. */
interface Source {
  readonly table: Table;
  readonly map: ValueMap;
  readonly rows: Int32Array | null;
  readonly count: number;
}

/** Where a column goes: its first feature, in rows of `width` features. */
interface Destination {
  readonly out: Float32Array;
  readonly feature: number;
  readonly width: number;
}

/** `shape` if asked for, when it holds as many values as a row has features. */
export function outputShape(
  asked: readonly number[] | undefined,
  given: readonly number[],
  width: number,
): readonly number[] {
  if (asked === undefined) return given;
  const size = asked.reduce((a, b) => a * b, 1);
  if (size === width) return asked;
  throw new DataError(`[${asked.join(", ")}] holds ${grouped(size)} values, but a row has ${grouped(width)} features`, {
    path: "preprocess.shape",
  });
}

function fitOneHot(table: Table, steps: Preprocess | undefined): FittedPreprocess["oneHot"] {
  if (steps?.one_hot === undefined) return [];
  const positions = new Map(Array.from({ length: table.width }, (_, i) => [table.columnName(i), i]));
  const map = new ValueMap(steps.map ?? null, table);
  const columns = [...new Set(steps.one_hot)].map((name) => {
    const column = positions.get(name);
    if (column === undefined) {
      const near = nearest(name, positions.keys());
      throw new DataError(`there is no feature ${quoted(name)}${near}`, { path: "preprocess.one_hot" });
    }
    return { column, categories: categoriesOf(table, map, column) };
  });
  return columns.sort((a, b) => a.column - b.column);
}

function categoriesOf(table: Table, map: ValueMap, column: number): string[] {
  const seen = new Set<string>();
  for (let row = 0; row < table.rows; row++) {
    const category = map.category(table, row, column);
    if (category !== undefined) seen.add(category);
    if (seen.size > MAX_ONE_HOT) {
      throw new DataError(
        `column ${quoted(table.columnName(column))} has more than ${grouped(MAX_ONE_HOT)} different values, too many for one_hot`,
        { path: "preprocess.one_hot" },
      );
    }
  }
  return [...seen].sort(compareCategories);
}

function fitImpute(
  table: Table,
  fitted: FittedPreprocess,
  how: NonNullable<Preprocess["impute"]>,
  rows: Int32Array | null,
): number[] {
  if (how === "zero") return new Array<number>(table.width).fill(0);
  return perColumn(table, fitted, rows, (values, column) => {
    const present = values.filter((value) => !Number.isNaN(value));
    if (present.length === 0) {
      throw new DataError(
        `column ${quoted(table.columnName(column))} has no value in the training rows, so it has no ${how}; ` +
          'leave it out of "features"',
        { column: table.columnName(column), path: "preprocess.impute" },
      );
    }
    return how === "mean" ? mean(present) : median(present);
  });
}

/** Population standard deviation, as scikit-learn's StandardScaler; a constant column keeps its scale (1). */
function fitStandardize(
  table: Table,
  fitted: FittedPreprocess,
  rows: Int32Array | null,
): { mean: number[]; std: number[] } {
  const means = new Array<number>(table.width).fill(0);
  const std = perColumn(table, fitted, rows, (values, column) => {
    for (let i = 0; i < values.length; i++) values[i] = filled(values[i] ?? 0, column, fitted) * fitted.scale;
    const centre = mean(values);
    means[column] = centre;
    let squares = 0;
    for (const value of values) squares += (value - centre) ** 2;
    const variance = squares / values.length;
    // scikit-learn's bound for "constant up to rounding".
    const rounding = values.length * Number.EPSILON * variance + (values.length * centre * Number.EPSILON) ** 2;
    return variance <= rounding ? 1 : Math.sqrt(variance);
  });
  fitted.oneHot.forEach(({ column }) => {
    means[column] = 0;
    std[column] = 1;
  });
  return { mean: means, std };
}

/** Calls `learn` with the mapped values of each column's rows; one-hot columns are passed over (0). */
function perColumn(
  table: Table,
  fitted: FittedPreprocess,
  rows: Int32Array | null,
  learn: (values: Float64Array, column: number) => number,
): number[] {
  const map = new ValueMap(fitted.map, table);
  const isOneHot = new Set(fitted.oneHot.map(({ column }) => column));
  const values = new Float64Array(rows?.length ?? table.rows);
  return Array.from({ length: table.width }, (_, column) => {
    if (isOneHot.has(column)) return 0;
    for (let i = 0; i < values.length; i++) values[i] = map.number(table, rows?.[i] ?? i, column);
    return learn(values, column);
  });
}

function writeNumbers(source: Source, column: number, fitted: FittedPreprocess, to: Destination): void {
  const { table, map, rows, count } = source;
  const centre = fitted.mean?.[column] ?? 0;
  const spread = fitted.std?.[column] ?? 1;
  for (let i = 0; i < count; i++) {
    const row = rows?.[i] ?? i;
    const value = filled(map.number(table, row, column), column, fitted);
    if (Number.isNaN(value)) throw missingValue(table, row, column);
    const number = (value * fitted.scale - centre) / spread;
    if (Math.abs(number) > FLOAT32_MAX) throw tooLarge(table, row, column, number);
    to.out[i * to.width + to.feature] = number;
  }
}

function writeOneHot(source: Source, column: number, categories: readonly string[], to: Destination): void {
  const { table, map, rows, count } = source;
  const position = new Map(categories.map((category, i) => [category, i]));
  for (let i = 0; i < count; i++) {
    const category = map.category(table, rows?.[i] ?? i, column);
    const hot = category === undefined ? undefined : position.get(category);
    if (hot !== undefined) to.out[i * to.width + to.feature + hot] = 1;
  }
}

const filled = (value: number, column: number, fitted: FittedPreprocess): number =>
  Number.isNaN(value) && fitted.impute !== null ? (fitted.impute[column] ?? 0) : value;

function missingValue(table: Table, row: number, column: number): DataError {
  const { text, place } = table.place(row, column);
  return new DataError(
    `${text}the value is missing; say how to fill it (preprocess.impute, or "" in preprocess.map)`,
    place,
  );
}

function tooLarge(table: Table, row: number, column: number, value: number): DataError {
  const { text, place } = table.place(row, column);
  return new DataError(`${text}${value} is too large for a 32-bit float; scale the column`, place);
}

function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

function median(values: Float64Array): number {
  const sorted = values.slice().sort();
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
