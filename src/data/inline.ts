/** Nested JSON arrays of any rank → tables. Plain loops: a body may hold a million numbers. */
import { DataError, quoted } from "./data-error.ts";
import type { RawData } from "./raw-data.ts";
import { indices, type Table, TableBuilder } from "./table.ts";

const MAX_RANK = 6;

export interface InlineRows {
  readonly inputs: unknown;
  readonly targets: unknown;
  readonly weights?: unknown;
}

/** `path` is where the arrays stand in the request, such as `data.inline`. Throws DataError with a path. */
export function readInline({ inputs, targets, weights }: InlineRows, path: string): RawData {
  const samples = readNested(inputs, `${path}.inputs`);
  if (samples.shape.length === 0) {
    throw new DataError(
      "expects one array per sample, such as [[1, 2], [3, 4]]; found bare values (write [[1], [2]])",
      {
        path: `${path}.inputs`,
      },
    );
  }
  const answers = readNested(targets, `${path}.targets`);
  if (samples.table.rows !== answers.table.rows) {
    throw new DataError(`has ${answers.table.rows} targets for ${samples.table.rows} inputs; expected one per input`, {
      path: `${path}.targets`,
    });
  }
  return {
    inputs: samples.table,
    sampleShape: samples.shape,
    targets: answers.table,
    targetShape: answers.shape,
    weights: weights === undefined ? null : readWeights(weights, samples.table.rows, `${path}.weights`),
  };
}

function readWeights(weights: unknown, rows: number, path: string): Table {
  const { table, shape } = readNested(weights, path);
  if (shape.length > 0) throw new DataError("expects one number per sample, found an array", { path: `${path}[0]` });
  if (table.rows !== rows) {
    throw new DataError(`has ${table.rows} weights for ${rows} inputs; expected one per input`, { path });
  }
  return table;
}

/**
 * An array of equal samples: the table of their flattened cells and the shape of one of them. `check` is told the shape of the first
 * one before the others are held against it, and may throw.
 */
export function readNested(
  nested: unknown,
  path: string,
  check: (shape: readonly number[]) => void = () => {},
): { table: Table; shape: number[] } {
  if (!Array.isArray(nested)) throw new DataError(`expects an array, got ${describe(nested)}`, { path });
  const [rows = 0, ...shape] = measure(nested, path);
  check(shape);
  const width = shape.reduce((a, b) => a * b, 1);
  const builder = new TableBuilder(rows * width);
  addAll(nested, [rows, ...shape], 0, path, builder);
  return {
    table: builder.finish({ path, at: (row, column) => `${path}[${row}]${indices(column, shape)}` }, width),
    shape,
  };
}

/** The shape that the first elements have; the others are held against it. */
function measure(nested: readonly unknown[], path: string): number[] {
  const shape: number[] = [];
  let inner: unknown = nested;
  let at = path;
  while (Array.isArray(inner)) {
    if (inner.length === 0) throw new DataError("is empty", { path: at });
    if (shape.length > MAX_RANK) {
      throw new DataError(`is nested more than ${MAX_RANK + 1} deep`, { path });
    }
    shape.push(inner.length);
    inner = inner[0];
    at += "[0]";
  }
  return shape;
}

function addAll(
  values: readonly unknown[],
  shape: readonly number[],
  depth: number,
  path: string,
  out: TableBuilder,
): void {
  const expected = shape[depth] ?? 0;
  if (values.length !== expected) {
    throw new DataError(`has ${values.length} values, expected ${expected}, as in the first`, { path });
  }
  const isLeaf = depth === shape.length - 1;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (isLeaf && typeof value === "number" && Number.isFinite(value)) out.addNumber(value);
    else if (isLeaf) addOther(value, `${path}[${i}]`, out);
    else if (Array.isArray(value)) addAll(value, shape, depth + 1, `${path}[${i}]`, out);
    else
      throw new DataError(`expects an array of ${shape[depth + 1]} values, as in the first; got ${describe(value)}`, {
        path: `${path}[${i}]`,
      });
  }
}

/** What may stand beside plain numbers: words (for map, one_hot and labels), null for a missing value, true and false. */
function addOther(value: unknown, path: string, out: TableBuilder): void {
  if (typeof value === "string") out.addText(value.trim());
  else if (value === null) out.addNumber(Number.NaN);
  else if (typeof value === "boolean") out.addNumber(value ? 1 : 0);
  else throw new DataError(`expects a number, got ${describe(value)}`, { path });
}

export function describe(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value === null) return "null";
  if (value === undefined) return "nothing";
  if (typeof value === "string") return quoted(value);
  if (typeof value === "object") return "an object";
  return String(value);
}
