/** The first rows of a table as JSON: numbers, text, booleans, null where there is no value, arrays in their shape. */
import type { BlockColumn, Blocks } from "./blocks/block.ts";
import { cellsOf } from "./blocks/block.ts";
import type { ColumnStatistics } from "./column-statistics.ts";

export type PreviewValue = number | string | boolean | null | PreviewValue[];

/** At most so many rows, and of so many values that another row would go beyond them only as the first. */
export async function previewOf(
  statistics: readonly Pick<ColumnStatistics, "name" | "dtype">[],
  blocks: Blocks,
  most: { rows: number; cells: number },
): Promise<PreviewValue[][]> {
  const booleans = new Set(statistics.flatMap(({ name, dtype }) => (dtype === "boolean" ? [name] : [])));
  const rows: PreviewValue[][] = [];
  for await (const block of blocks) {
    const width = block.columns.reduce((sum, { shape }) => sum + cellsOf(shape), 0);
    const wanted = Math.min(most.rows, Math.max(1, Math.floor(most.cells / width)));
    for (let row = 0; row < block.rows && rows.length < wanted; row++) {
      rows.push(block.columns.map((column) => valueAt(column, row, booleans.has(column.name))));
    }
    if (rows.length >= wanted) break;
  }
  return rows;
}

function valueAt(column: BlockColumn, row: number, isBoolean: boolean): PreviewValue {
  const { shape, values, codes, dictionary } = column;
  let at = row * cellsOf(shape);
  const cell = (): PreviewValue => {
    const i = at++;
    const value = values[i] ?? Number.NaN;
    if (Number.isNaN(value)) return dictionary[(codes?.[i] ?? 0) - 1] ?? null;
    return isBoolean ? value !== 0 : value;
  };
  const nested = (depth: number): PreviewValue => {
    const length = shape[depth];
    return length === undefined ? cell() : Array.from({ length }, () => nested(depth + 1));
  };
  return nested(0);
}
