/** From the `data` and `validation` of a spec to the arrays that are trained on. */
import type { Examples } from "../engine/definitions.ts";
import type { Blocks } from "./blocks/block.ts";
import { loadBuiltin } from "./builtin/builtin-sets.ts";
import { DataError, grouped } from "./data-error.ts";
import type { DataSpec, ValidationSpec } from "./data-spec.ts";
import { classesOf, encodeTargets, type TargetEncoding } from "./encode-targets.ts";
import { readInline } from "./inline.ts";
import { type FittedPreprocess, fitPreprocess, transform } from "./preprocess.ts";
import { RandomStream } from "./random.ts";
import type { RawData } from "./raw-data.ts";
import { type ColumnChoice, isChosen, readTable } from "./read-table.ts";
import { sampleWeights } from "./sample-weights.ts";

export interface PreparedData {
  readonly train: Examples;
  readonly validation?: Examples;
  /** JSON: store it with the model and give it to applyPreprocess at prediction. */
  readonly preprocess: FittedPreprocess;
  /** The labels behind the class numbers, where targets are labels. */
  readonly classes?: readonly string[];
}

export interface DataRequest {
  readonly data: DataSpec;
  readonly validation: ValidationSpec | null;
  /** Draws the validation split. */
  readonly seed: number;
  /** What the loss takes. */
  readonly encoding: TargetEncoding;
}

/** Where uploaded data sets lie. */
export interface DataSource {
  /** The columns that `wanted` picks (all when left out), and perhaps others. Throws when there is no such data set. */
  open(datasetId: string, wanted?: (column: string) => boolean): Blocks | Promise<Blocks>;
}

/** Loads, splits, fits the preprocessing on the training rows and encodes. Throws DataError. */
export async function prepareData(request: DataRequest, source: DataSource): Promise<PreparedData> {
  const { data, validation, encoding } = request;
  const raw = await loadData(data, source);
  const split =
    validation !== null && "split" in validation ? splitRows(raw.inputs.rows, validation.split, request.seed) : null;

  const classes = classesOf(raw.targets);
  const preprocess = fitPreprocess(raw, data.preprocess, split?.train ?? null);
  const examples = (from: RawData, rows: Int32Array | null): Examples =>
    toExamples(from, preprocess, encoding, classes, rows);

  const train = examples(raw, split?.train ?? null);
  const prepared = { train, preprocess, ...(classes !== null && { classes }) };
  if (split !== null) return { ...prepared, validation: examples(raw, split.validation) };
  if (validation === null || "split" in validation) return prepared;
  const other = await loadValidation(validation, data, raw.columns, source);
  checkSameShapes(raw, other);
  return { ...prepared, validation: examples(other, null) };
}

/** Which rows validate, which train: a seeded draw, both in the table's order. */
export function splitRows(rows: number, fraction: number, seed: number): { train: Int32Array; validation: Int32Array } {
  const held = validationRows(rows, fraction);
  if (held === 0 || held === rows) {
    throw new DataError(
      `a split of ${fraction} leaves ${held === 0 ? "no row for validation" : "no row to train on"} of ${grouped(rows)}`,
      { path: "validation.split" },
    );
  }
  const order = new RandomStream(seed, "validation split").permutation(rows);
  return { validation: order.slice(0, held).sort(), train: order.slice(held).sort() };
}

export const validationRows = (rows: number, fraction: number): number => Math.round(rows * fraction);

async function loadData(data: DataSpec, source: DataSource): Promise<RawData> {
  if ("inline" in data) return readInline(data.inline, "data.inline");
  if ("builtin" in data) return loadBuiltin(data);
  return loadDataset(data.dataset_id, data, source);
}

async function loadDataset(id: string, choice: ColumnChoice, source: DataSource): Promise<RawData> {
  return readTable(await source.open(id, (name) => isChosen(choice, name)), choice);
}

/** Columns that a validation set does not name are those of the training set. */
async function loadValidation(
  validation: Exclude<ValidationSpec, { split: number }>,
  data: DataSpec,
  columns: readonly string[] | undefined,
  source: DataSource,
): Promise<RawData> {
  if ("inline" in validation) return readInline(validation.inline, "validation.inline");
  if ("builtin" in validation) return loadBuiltin(validation);
  const target = validation.target ?? ("target" in data ? data.target : undefined);
  if (target === undefined) {
    throw new DataError("name the column to predict, since data has none of that name", { path: "validation.target" });
  }
  const features = validation.features ?? columns;
  const weight = validation.weight === undefined && "weight" in data ? data.weight : validation.weight;
  return loadDataset(validation.dataset_id, { features, target, weight }, source);
}

function toExamples(
  raw: RawData,
  fitted: FittedPreprocess,
  encoding: TargetEncoding,
  classes: readonly string[] | null,
  rows: Int32Array | null,
): Examples {
  const targets = encodeTargets(raw, encoding, classes, rows);
  const weights = sampleWeights(raw, rows);
  return {
    count: rows?.length ?? raw.inputs.rows,
    inputs: transform(raw.inputs, fitted, rows),
    inputShape: fitted.shape,
    targets: targets.data,
    targetShape: targets.shape,
    ...(weights && { weights }),
  };
}

function checkSameShapes(train: RawData, validation: RawData): void {
  const differs = (a: readonly number[], b: readonly number[]): boolean => a.join() !== b.join();
  if (differs(train.sampleShape, validation.sampleShape)) {
    throw new DataError(
      `has samples of shape [${validation.sampleShape.join(", ")}], but those of data have [${train.sampleShape.join(", ")}]`,
      { path: "validation" },
    );
  }
  if (differs(train.targetShape, validation.targetShape)) {
    throw new DataError(
      `has targets of shape [${validation.targetShape.join(", ")}], but those of data have [${train.targetShape.join(", ")}]`,
      { path: "validation" },
    );
  }
}
