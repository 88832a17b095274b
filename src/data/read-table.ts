/** Puts the columns that a job needs together into tables of numbers. */
import { type BlockColumn, type Blocks, type ColumnHead, cellsOf } from "./blocks/block.ts";
import { DataError, quoted } from "./data-error.ts";
import { nearest } from "./nearest-name.ts";
import type { RawData } from "./raw-data.ts";
import { indices, joinColumns, type Table, type TableOrigin } from "./table.ts";

export interface ColumnChoice {
  readonly target: string;
  /** Left out: every column but target and weight, in the table's order. */
  readonly features?: readonly string[] | undefined;
  /** How much each row counts. */
  readonly weight?: string | null | undefined;
}

/** Whether a choice reads a column: only those have to be there. */
export const isChosen = ({ target, features, weight }: ColumnChoice, name: string): boolean =>
  features === undefined || name === target || name === weight || features.includes(name);

export async function readTable(blocks: Blocks, choice: ColumnChoice): Promise<RawData> {
  const kept = new Map<string, BlockColumn[]>();
  for await (const { columns } of blocks) {
    for (const column of columns) {
      if (!isChosen(choice, column.name)) continue;
      const parts = kept.get(column.name);
      if (parts) parts.push(column);
      else kept.set(column.name, [column]);
    }
  }
  const { target, weight } = choice;
  const features = choice.features ?? [...kept.keys()].filter((name) => name !== target && name !== weight);
  const columns = features.map((name) => find(kept, name));
  const targets = find(kept, target);
  if (columns.length === 0) throw new DataError(`The table has no column but the target ${quoted(target)}.`);
  const heads = columns.map(headOf);
  const { shape: targetShape } = headOf(targets);
  return {
    inputs: tableOf(columns, heads),
    sampleShape: sampleShape(heads),
    targets: tableOf([targets], [headOf(targets)]),
    targetShape,
    weights: weight == null ? null : tableOf([find(kept, weight)], [{ name: weight, shape: [] }]),
    columns: features,
  };
}

/** A single column keeps the shape of its values; several stand side by side. */
export function sampleShape(heads: readonly { readonly shape?: readonly number[] | undefined }[]): readonly number[] {
  const [only] = heads;
  if (heads.length === 1 && only?.shape && only.shape.length > 0) return only.shape;
  return [heads.reduce((sum, { shape }) => sum + cellsOf(shape ?? []), 0)];
}

function find(kept: ReadonlyMap<string, BlockColumn[]>, name: string): BlockColumn[] {
  const found = kept.get(name);
  if (found !== undefined) return found;
  throw new DataError(`There is no column ${quoted(name)}${nearest(name, kept.keys())}.`, { column: name });
}

const headOf = ([first]: readonly BlockColumn[]): ColumnHead => ({
  name: first?.name ?? "",
  shape: first?.shape ?? [],
});

function tableOf(columns: readonly (readonly BlockColumn[])[], heads: readonly ColumnHead[]): Table {
  return joinColumns(
    originOf(heads),
    columns,
    heads.map(({ shape }) => cellsOf(shape)),
  );
}

/** Values in a shape have positions rather than names; beside other columns they are named by both. */
export function originOf(heads: readonly ColumnHead[]): TableOrigin {
  const [first] = heads;
  if (heads.length === 1 && first && first.shape.length > 0) {
    const { name, shape } = first;
    return { path: name, at: (row, column) => `${name}[${row}]${indices(column, shape)}` };
  }
  const names = heads.flatMap(({ name, shape }) =>
    shape.length === 0 ? [name] : Array.from({ length: cellsOf(shape) }, (_, i) => name + indices(i, shape)),
  );
  return { names };
}
