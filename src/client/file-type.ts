/** What a file of data is, told by the ending of its name. */

export const FILE_TYPES = {
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
} as const;

/** What the service tells by the first bytes. */
export const UNTOLD = "application/octet-stream";

/** Undefined where the ending says nothing. Gzip is no matter: the service sees and undoes it. */
export function fileTypeOf(name: string): string | undefined {
  const plain = name.toLowerCase().replace(/\.gz$/, "");
  return Object.entries(FILE_TYPES).find(([ending]) => plain.endsWith(ending))?.[1];
}
