/** Everything that reads data and makes numbers of it. */

export { analyseTable, type TableStatistics } from "./analyse-table.ts";
export { applyPreprocess, type PreparedInputs } from "./apply-preprocess.ts";
export type { Block, Blocks } from "./blocks/block.ts";
export type { ColumnStatistics, ColumnType } from "./column-statistics.ts";
export { analyseCsv } from "./csv/analyse-csv.ts";
export { csvBlocks } from "./csv/csv-blocks.ts";
export { DataError, type DataPlace, DataTooLargeError } from "./data-error.ts";
export { BuiltinData, DataSpec, DatasetData, InlineData, Preprocess, ValidationSpec } from "./data-spec.ts";
export type { TargetEncoding } from "./encode-targets.ts";
export { type DataRequest, type DataSource, type PreparedData, prepareData } from "./prepare-data.ts";
export type { FittedPreprocess } from "./preprocess.ts";
