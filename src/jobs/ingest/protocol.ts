/** What the service and its reading processes say to each other. */
import { DataError, DataTooLargeError } from "../../data/data-error.ts";
import type { StorePlace } from "../open-object-store.ts";
import type { StoredTable, Upload } from "./read-upload.ts";

export interface ReadMessage {
  readonly store: StorePlace;
  readonly upload: Upload;
}

export type ReadAnswer =
  | { readonly kind: "read"; readonly table: StoredTable }
  | { readonly kind: "mistake"; readonly message: string; readonly row?: number; readonly column?: string }
  | { readonly kind: "too large"; readonly limit: number }
  | { readonly kind: "broken"; readonly message: string; readonly code: string | undefined };

export function answerTo(error: unknown, { limit }: Upload): ReadAnswer {
  if (error instanceof DataTooLargeError) return { kind: "too large", limit };
  if (error instanceof DataError) {
    const { message, row, column } = error;
    return { kind: "mistake", message, ...(row !== undefined && { row }), ...(column !== undefined && { column }) };
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
  return { kind: "broken", message: error instanceof Error ? (error.stack ?? error.message) : String(error), code };
}

/** The same error, on this side. */
export function errorOf(answer: Exclude<ReadAnswer, { kind: "read" }>): Error {
  if (answer.kind === "too large") return new DataTooLargeError(answer.limit);
  if (answer.kind === "mistake") return new DataError(answer.message, answer);
  return Object.assign(new Error(answer.message), answer.code !== undefined && { code: answer.code });
}
