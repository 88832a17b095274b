/** Everything that reads data and makes numbers of it. */
export { applyPreprocess, type PreparedInputs } from "./apply-preprocess.ts";
export { analyseCsv, type TableStatistics } from "./csv/analyse-csv.ts";
export type { ColumnStatistics, ColumnType } from "./csv/column-statistics.ts";
export { DataError, type DataPlace } from "./data-error.ts";
export { BuiltinData, DataSpec, DatasetData, InlineData, Preprocess, ValidationSpec } from "./data-spec.ts";
export type { TargetEncoding } from "./encode-targets.ts";
export { type DataRequest, type DataSource, type PreparedData, prepareData } from "./prepare-data.ts";
export type { FittedPreprocess } from "./preprocess.ts";
