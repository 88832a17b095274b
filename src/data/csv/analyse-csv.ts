/** Reads a CSV once, as it streams by, and says what is in it. */
import { DataError } from "../data-error.ts";
import { CategoryBudget, ColumnCollector, type ColumnStatistics } from "./column-statistics.ts";
import { readCsv } from "./read-csv.ts";

export interface TableStatistics {
  readonly rows: number;
  readonly columns: readonly ColumnStatistics[];
}

/** Throws DataError, naming row and column, for a table that can't be trained on whatever the spec. */
export async function analyseCsv(stream: AsyncIterable<Uint8Array>): Promise<TableStatistics> {
  const budget = new CategoryBudget();
  let columns: ColumnCollector[] = [];
  const rows = await readCsv(stream, {
    header: (names) => {
      columns = names.map((name) => new ColumnCollector(name, budget));
    },
    row: (cells) => {
      for (let i = 0; i < columns.length; i++) columns[i]?.add(cells[i] ?? "");
    },
  });
  if (rows === 0) throw new DataError("The file has a header, but no rows below it.");
  return { rows, columns: columns.map((column) => column.finish()) };
}
