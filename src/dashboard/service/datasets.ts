/** The calls about data sets. */
import type { Dataset } from "../../jobs/dataset.ts";
import { ask } from "./client.ts";
import type { Page } from "./jobs.ts";

export type { Dataset };
export type DatasetColumn = Dataset["columns"][number];

export interface Preview {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  readonly total_rows: number;
}

const pathOf = (id: string): string => `/v1/datasets/${encodeURIComponent(id)}`;

export const listDatasets = (): Promise<Page<Dataset>> => ask("/v1/datasets?limit=100");
export const getDataset = (id: string): Promise<Dataset> => ask(pathOf(id));
export const previewDataset = (id: string): Promise<Preview> => ask(`${pathOf(id)}/preview?rows=5`);

const TYPES: Readonly<Record<string, string>> = {
  csv: "text/csv",
  tsv: "text/csv",
  txt: "text/csv",
  ndjson: "application/x-ndjson",
  jsonl: "application/x-ndjson",
  parquet: "application/vnd.apache.parquet",
  npy: "application/x-npy",
  npz: "application/x-npz",
  idx: "application/x-idx",
};

/** What an `<input type="file">` offers to choose. */
export const UPLOADS = Object.keys(TYPES)
  .flatMap((ending) => [`.${ending}`, `.${ending}.gz`])
  .join(",");

/** The type goes by the ending of the name; what has none that is known is for the service to tell by its first bytes. */
export function uploadDataset(file: File, signal: AbortSignal): Promise<Dataset> {
  const [, ending = "", packed] = /\.(\w+?)(\.gz)?$/.exec(file.name.toLowerCase()) ?? [];
  return ask(`/v1/datasets?name=${encodeURIComponent(file.name.slice(0, 200))}`, {
    method: "POST",
    body: file,
    headers: {
      "content-type": TYPES[ending] ?? "application/octet-stream",
      ...(packed ? { "content-encoding": "gzip" } : {}),
    },
    signal,
  });
}
