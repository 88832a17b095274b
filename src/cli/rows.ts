/** Rows to predict, from a file or the standard input: as they come, except for those of one JSON array. */
import { createReadStream } from "node:fs";
import type { Run } from "../client/index.ts";
import { readCsv } from "../data/csv/read-csv.ts";
import { DataError, quoted } from "../data/data-error.ts";
import { linesOf } from "../data/ndjson/ndjson-blocks.ts";
import { UsageError } from "./options.ts";
import { isObject, readJsonFile } from "./spec-file.ts";

export interface Rows {
  readonly rows: Iterable<unknown> | AsyncIterable<unknown>;
  /** The number of the line that the first row stands in. */
  readonly firstLine: number;
}

/** By the ending: `.csv` with a header, `.json` with an array; else a row in each line. The rows throw UsageError. */
export async function rowsIn(path: string, run: Run): Promise<Rows> {
  if (path.endsWith(".csv")) {
    const { data } = (await run.job()).spec;
    return { rows: toldBy(path, csvRows(path, isObject(data) ? data : {})), firstLine: 2 };
  }
  if (!path.endsWith(".json")) return { rows: toldBy(path, jsonRows(path)), firstLine: 1 };
  const read = await readJsonFile(path);
  const rows = isObject(read) ? read["inputs"] : read;
  if (Array.isArray(rows)) return { rows, firstLine: 1 };
  throw new UsageError(`${path} holds no rows: expected an array of them`);
}

/** A file to train on is a file to ask about, too: of its columns those are sent that the model was trained on. */
async function* csvRows(path: string, { features, target, weight }: Record<string, unknown>) {
  const isSent = (column: string) =>
    Array.isArray(features) ? features.includes(column) : column !== target && column !== weight;
  let columns: readonly string[] = [];
  let ready: unknown[] = [];
  const reading = readCsv(bytesOf(path), {
    header: (names) => {
      columns = names;
      const missing = Array.isArray(features) ? features.find((feature) => !names.includes(feature)) : undefined;
      if (missing !== undefined)
        throw new DataError(`there is no column ${quoted(missing)}, on which the model was trained`);
    },
    row: (cells) => {
      const entries = columns.map((column, i) => [column, cells[i]] as const);
      ready.push(Object.fromEntries(entries.filter(([column]) => isSent(column))));
    },
  });
  for await (const _ of reading) {
    yield* ready;
    ready = [];
  }
  yield* ready;
}

async function* jsonRows(path: string) {
  let line = 0;
  for await (const lines of linesOf(bytesOf(path)))
    for (const text of lines) {
      line++;
      if (text.trim() !== "") yield parsed(text, line);
    }
}

function parsed(text: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DataError(`line ${line}: ${error instanceof Error ? error.message : error}`);
  }
}

async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* path === "-" ? process.stdin : createReadStream(path);
  } catch (error) {
    throw new DataError(`it can't be read: ${error instanceof Error ? error.message : error}`);
  }
}

/** What is wrong with them is told with the name of their file. */
async function* toldBy(path: string, rows: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  try {
    yield* rows;
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new UsageError(`${path === "-" ? "the standard input" : path}: ${error.message}`);
  }
}
