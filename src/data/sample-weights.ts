/** How much each sample counts in the loss: numbers from 0 on, not all of them 0. */
import { FLOAT32_MAX } from "./cell.ts";
import { DataError, quoted } from "./data-error.ts";
import type { RawData } from "./raw-data.ts";
import type { Table } from "./table.ts";

/** The chosen rows' weights; undefined where all count alike. Throws DataError naming the row. */
export function sampleWeights({ weights }: RawData, rows: Int32Array | null): Float32Array<ArrayBuffer> | undefined {
  if (weights === null) return undefined;
  const count = rows?.length ?? weights.rows;
  const data = Float32Array.from({ length: count }, (_, i) => weightAt(weights, rows?.[i] ?? i));
  if (data.some((weight) => weight > 0)) return data;
  throw new DataError(
    rows === null
      ? "all weights are 0; nothing would count"
      : "all weights of a part of the split are 0; nothing would count in it",
    "path" in weights.origin ? { path: weights.origin.path } : { column: weights.columnName(0) },
  );
}

function weightAt(weights: Table, row: number): number {
  const value = weights.values[row] ?? Number.NaN;
  if (value >= 0 && value <= FLOAT32_MAX) return value;
  const { text, place } = weights.place(row, 0);
  const word = weights.word(row, 0);
  const found = word === undefined ? (Number.isNaN(value) ? "the weight is missing" : `${value}`) : quoted(word);
  throw new DataError(`${text}${found}; expected a weight from 0 on`, place);
}
