/** The calls about data sets. */
import type { FILE_TYPES } from "../../client/file-type.ts";
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

/** As the clients tell them: the compiler sees to it that both are the same. */
const TYPES: typeof FILE_TYPES = {
  ".csv": "text/csv",
  ".tsv": "text/csv",
  ".txt": "text/csv",
  ".ndjson": "application/x-ndjson",
  ".jsonl": "application/x-ndjson",
  ".parquet": "application/vnd.apache.parquet",
  ".npy": "application/x-npy",
  ".npz": "application/x-npz",
  ".idx": "application/x-idx",
  "-ubyte": "application/x-idx",
};

/** What an `<input type="file">` offers to choose. */
export const UPLOADS = Object.keys(TYPES)
  .filter((ending) => ending.startsWith("."))
  .flatMap((ending) => [ending, `${ending}.gz`])
  .join(",");

/** The type goes by the ending of the name; what has none that is known is for the service to tell by its first bytes, as is gzip. */
export function uploadDataset(file: File, signal: AbortSignal): Promise<Dataset> {
  const plain = file.name.toLowerCase().replace(/\.gz$/, "");
  const type = Object.entries(TYPES).find(([ending]) => plain.endsWith(ending))?.[1];
  return ask(`/v1/datasets?name=${encodeURIComponent(file.name.slice(0, 200))}`, {
    method: "POST",
    body: file,
    headers: { "content-type": type ?? "application/octet-stream" },
    signal,
  });
}
