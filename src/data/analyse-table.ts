/** Says what is in a table, as its blocks go by. */
import type { Block, Blocks } from "./blocks/block.ts";
import { CategoryBudget, ColumnCollector, type ColumnStatistics } from "./column-statistics.ts";

export interface TableStatistics {
  readonly rows: number;
  readonly columns: readonly ColumnStatistics[];
}

export async function analyseTable(blocks: Blocks): Promise<TableStatistics> {
  const analysis = new TableAnalysis();
  for await (const block of blocks) analysis.add(block);
  return analysis.finish();
}

export class TableAnalysis {
  readonly #budget = new CategoryBudget();
  #columns: ColumnCollector[] = [];
  #rows = 0;

  add({ rows, columns }: Block): void {
    if (this.#rows === 0) this.#columns = columns.map((column) => new ColumnCollector(column, this.#budget));
    columns.forEach((column, i) => {
      this.#columns[i]?.add(column);
    });
    this.#rows += rows;
  }

  finish(): TableStatistics {
    return { rows: this.#rows, columns: this.#columns.map((column) => column.finish()) };
  }
}
