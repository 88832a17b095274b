/** Data whose rows are at hand: every step is run for real, and what fails is told. */
import { compareCategories } from "../data/cell.ts";
import { DataError } from "../data/data-error.ts";
import type { Preprocess } from "../data/data-spec.ts";
import { classesOf, type EncodedTargets, encodeTargets } from "../data/encode-targets.ts";
import { type FittedPreprocess, fitPreprocess, transform } from "../data/preprocess.ts";
import type { RawData } from "../data/raw-data.ts";
import { sampleWeights } from "../data/sample-weights.ts";
import type { Table } from "../data/table.ts";
import { elementCount, type TargetInfo } from "../engine/definitions.ts";
import { numbersOf } from "./check-numbers.ts";
import type { ColumnSummary, DataFacts, Encoding } from "./data-facts.ts";
import { joinPath, type Mistakes } from "./mistakes.ts";

/**
 * `classes` are the training data's, for validation rows; undefined for the training data itself, which has its own.
 * `path` is where the rows stand: `data` or `validation`.
 */
export function checkRows(
  raw: RawData,
  steps: Preprocess | undefined,
  encoding: Encoding,
  path: string,
  mistakes: Mistakes,
  classes: readonly string[] | null = classesOf(raw.targets),
): DataFacts {
  const fitted = attempt(path, mistakes, () => fitAndTry(raw, steps));
  attempt(path, mistakes, () => sampleWeights(raw, null));
  const encoded = encoding && attempt(path, mistakes, () => encodeTargets(raw, encoding, classes, null));
  return {
    rows: raw.inputs.rows,
    inputShape: fitted?.fitted.shape,
    target: encoded && encoding && targetInfo(encoded, encoding, classes),
    classes,
    features: fitted?.fitted.features ?? null,
    numbers: fitted?.inputs && numbersOf(fitted.inputs, placeOf(raw, fitted.fitted)),
    preprocess: fitted?.fitted,
    summaries: () => (raw.sampleShape.length === 1 ? summarize(raw.inputs) : null),
    raw,
  };
}

function summarize(table: Table): ColumnSummary[] {
  return Array.from({ length: table.width }, (_, column) => {
    let [min, max, sum, count] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
    let word: string | null = null;
    for (let row = 0; row < table.rows; row++) {
      const value = table.values[row * table.width + column] ?? Number.NaN;
      if (Number.isNaN(value)) {
        const found = table.word(row, column);
        if (found !== undefined && (word === null || compareCategories(found, word) < 0)) word = found;
        continue;
      }
      if (value < min) min = value;
      if (value > max) max = value;
      sum += value;
      count++;
    }
    const numbers = count > 0 ? { min, max, mean: sum / count } : { min: null, max: null, mean: null };
    return { ...numbers, isText: word !== null, word };
  });
}

/** Runs what may find a mistake in data, and tells it where the request can be mended. */
export function attempt<T>(path: string, mistakes: Mistakes, run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    tellDataError(error, path, mistakes);
    return undefined;
  }
}

export function tellDataError(error: unknown, path: string, mistakes: Mistakes): void {
  if (!(error instanceof DataError)) throw error;
  const at = error.path ?? "";
  const isWhole = /^(data|validation|probes)\b/.test(at);
  mistakes.add(isWhole ? at : joinPath(path, ...at.split(".").filter((key) => key !== "")), error.message);
}

/** More cells than a spec's limits ever allow are not even tried: one_hot can make thousands of one. */
const MAX_CELLS = 64 * 1024 * 1024;

function fitAndTry(raw: RawData, steps: Preprocess | undefined) {
  const fitted = fitPreprocess(raw, steps, null);
  const inputs =
    raw.inputs.rows * elementCount(fitted.shape) <= MAX_CELLS ? transform(raw.inputs, fitted, null) : undefined;
  return { fitted, inputs };
}

/** Where the i-th number that the first layer gets was read. */
function placeOf(raw: RawData, { shape }: FittedPreprocess) {
  const width = elementCount(shape);
  return (i: number) => {
    const row = Math.floor(i / width);
    // One-hot columns are more than those that were read.
    const { text, place } = raw.inputs.place(row, width === raw.inputs.width ? i % width : 0);
    return { text, ...place };
  };
}

function targetInfo(encoded: EncodedTargets, kind: "index" | "values", classes: readonly string[] | null): TargetInfo {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of encoded.data) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { kind, shape: encoded.shape, min, max, ...(classes !== null && { classes: classes.length }) };
}
