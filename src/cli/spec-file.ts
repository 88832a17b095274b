/** A spec as a file, with what the command line says beside it. */
import { openAsBlob } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { fileTypeOf, UNTOLD } from "../client/file-type.ts";
import type { Dataset, Epochd, JobSpec } from "../client/index.ts";
import { type Call, text, UsageError, wholeNumber } from "./options.ts";

export const SPEC_FLAGS = {
  "data=FILE": "data to upload and train on: CSV, NDJSON, Parquet, NPY, NPZ or IDX, gzipped or not",
  "target=COLUMN": "the column to predict, where the spec does not say",
  "name=NAME": "the job's name",
  "epochs=N": "another number of epochs than the spec's",
  "seed=N": "another seed",
};

/** Whatever a file of JSON holds. Throws UsageError. */
export async function readJsonFile(path: string): Promise<unknown> {
  const content = await readText(path);
  try {
    return JSON.parse(content);
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${error instanceof Error ? error.message : error}`);
  }
}

async function readText(path: string): Promise<string> {
  if (path === "-") return readStdin();
  return readFile(path, "utf8").catch((error: Error) => {
    throw new UsageError(`${path} can't be read: ${error.message}`);
  });
}

async function readStdin(): Promise<string> {
  let content = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) content += chunk;
  return content;
}

export async function uploadFile(client: Epochd, path: string, name?: string): Promise<Dataset> {
  const found = await stat(path).catch((error: Error) => {
    throw new UsageError(`${path} can't be read: ${error.message}`);
  });
  if (found.isDirectory()) throw new UsageError(`${path} can't be read: it is a directory`);
  const blob = await openAsBlob(path);
  return client.upload(blob, { type: fileTypeOf(path) ?? UNTOLD, name: name ?? basename(path) });
}

/** The spec of a file; its data uploaded first, if there is a file of it, too. What is wrong with it the service says. */
export async function specOf(
  path: string,
  { flags }: Call,
  client: Epochd,
): Promise<{ spec: JobSpec; dataset: Dataset | null }> {
  const read = await readJsonFile(path);
  if (!isObject(read))
    throw new UsageError(`${path} holds no spec: expected an object such as { "model": …, "data": … }`);
  const [name, target, file] = [text(flags["name"]), text(flags["target"]), text(flags["data"])];
  const [epochs, seed] = [wholeNumber(flags["epochs"], "epochs"), wholeNumber(flags["seed"], "seed")];
  const given = isObject(read["data"]) ? read["data"] : {};
  if (!file && typeof given["dataset_id"] === "string" && given["dataset_id"].startsWith("$"))
    throw new UsageError(`the data of ${path} is left open ("${given["dataset_id"]}"): name a file with --data`);
  const dataset = file ? await uploadFile(client, file) : null;
  const { inline: _i, builtin: _b, samples: _s, noise: _n, ...kept } = given;
  const data = dataset ? { ...kept, dataset_id: dataset.id } : given;
  const spec: object = {
    ...read,
    ...(name !== undefined && { name }),
    ...(epochs !== undefined && { epochs }),
    ...(seed !== undefined && { seed }),
    data: target === undefined ? data : { ...data, target },
  };
  assertSpec(spec);
  return { spec, dataset };
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Left to the service, which says more of what is wrong than could be said here. */
export function assertSpec(_spec: object): asserts _spec is JobSpec {}
