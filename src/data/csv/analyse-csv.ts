/** Reads a CSV once, as it streams by, and says what is in it. */
import { analyseTable, type TableStatistics } from "../analyse-table.ts";
import { csvBlocks } from "./csv-blocks.ts";

/** Throws DataError, naming row and column, for a table that can't be trained on whatever the spec. */
export const analyseCsv = (stream: AsyncIterable<Uint8Array>): Promise<TableStatistics> =>
  analyseTable(csvBlocks(stream));
