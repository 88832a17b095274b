/** Loads the columns that a job needs from a CSV into tables of numbers. */
import type { RawData } from "../raw-data.ts";
import { type ColumnChoice, readTable } from "../read-table.ts";
import { csvBlocks } from "./csv-blocks.ts";

export const readCsvTable = (stream: AsyncIterable<Uint8Array>, choice: ColumnChoice): Promise<RawData> =>
  readTable(csvBlocks(stream), choice);
