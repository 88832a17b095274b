/** `data` and `validation`: which form they take, and what the rows will be when they reach the first layer. */
import { builtinMistakes, builtinStatistics, builtinTarget, loadBuiltin } from "../data/builtin/builtin-sets.ts";
import { quoted } from "../data/data-error.ts";
import {
  BuiltinData,
  type DataSpec,
  DatasetData,
  InlineData,
  type Preprocess,
  ValidationBuiltin,
  ValidationDataset,
  ValidationInline,
  type ValidationSpec,
  ValidationSplit,
} from "../data/data-spec.ts";
import { readInline } from "../data/inline.ts";
import { sameShape, showShape } from "../engine/definitions.ts";
import { checkRows, tellDataError } from "./check-rows.ts";
import { checkTable } from "./check-table.ts";
import type { DataFacts, DatasetInfo, Encoding } from "./data-facts.ts";
import { joinPath, type Mistakes } from "./mistakes.ts";
import { parseForm } from "./parse-form.ts";

/** What is known of an uploaded data set; null where there is none of that id. */
export type FindDataset = (id: string) => Promise<DatasetInfo | null>;

const dataForms = { inline: InlineData, dataset_id: DatasetData, builtin: BuiltinData };
const validationForms = {
  split: ValidationSplit,
  inline: ValidationInline,
  dataset_id: ValidationDataset,
  builtin: ValidationBuiltin,
};

export interface CheckedData<Spec> {
  readonly spec: Spec;
  /** Undefined when there is nothing to know, as of a data set that does not exist. */
  readonly facts: DataFacts | undefined;
}

export async function checkData(
  given: unknown,
  encoding: Encoding,
  find: FindDataset,
  mistakes: Mistakes,
): Promise<CheckedData<DataSpec> | undefined> {
  const spec = parseForm(given, dataForms, "data", mistakes);
  return spec && { spec, facts: await factsOf(spec, spec.preprocess, encoding, find, "data", mistakes) };
}

/** Null where none is asked for. Validation data goes through the steps of the training data, and must give the same shapes and no new labels. */
export async function checkValidation(
  given: unknown,
  data: CheckedData<DataSpec> | undefined,
  encoding: Encoding,
  find: FindDataset,
  mistakes: Mistakes,
): Promise<CheckedData<ValidationSpec | null> | undefined> {
  if (given === undefined || given === null) return { spec: null, facts: undefined };
  const spec = parseForm(given, validationForms, "validation", mistakes);
  if (spec === undefined) return undefined;
  if ("split" in spec || data?.facts === undefined) return { spec, facts: undefined };
  const completed = "dataset_id" in spec ? withColumnsOf(spec, data, mistakes) : spec;
  if (completed === undefined) return { spec, facts: undefined };
  const facts = await factsOf(
    completed,
    data.spec.preprocess,
    encoding,
    find,
    "validation",
    mistakes,
    data.facts.classes,
  );
  if (facts !== undefined) compare(data.facts, facts, mistakes);
  return { spec, facts };
}

type Rows = Exclude<DataSpec | ValidationSpec, { split: number } | { dataset_id: string }> | ChosenTable;
interface ChosenTable {
  readonly dataset_id: string;
  readonly target: string;
  readonly features?: readonly string[] | undefined;
  readonly weight?: string | null | undefined;
}

async function factsOf(
  spec: Rows,
  preprocess: Preprocess | undefined,
  encoding: Encoding,
  find: FindDataset,
  path: string,
  mistakes: Mistakes,
  classes?: readonly string[] | null,
): Promise<DataFacts | undefined> {
  if ("dataset_id" in spec) {
    const info = await find(spec.dataset_id);
    if (info !== null) return checkTable(info, { ...spec, preprocess }, encoding, path, mistakes);
    mistakes.add(joinPath(path, "dataset_id"), `there is no data set ${quoted(spec.dataset_id)}`);
    return undefined;
  }
  if ("builtin" in spec) {
    for (const { field, message } of builtinMistakes(spec)) mistakes.add(joinPath(path, field), message);
    const statistics = await builtinStatistics(spec.builtin);
    if (statistics !== null) {
      return checkTable(statistics, { target: builtinTarget(spec.builtin), preprocess }, encoding, path, mistakes);
    }
  }
  try {
    const raw = "builtin" in spec ? await loadBuiltin(spec) : readInline(spec.inline, `${path}.inline`);
    return checkRows(raw, preprocess, encoding, path, mistakes, classes);
  } catch (error) {
    tellDataError(error, path, mistakes);
    return undefined;
  }
}

/** Features, target and weight that a validation data set does not name are those of the training data. */
function withColumnsOf(
  spec: Extract<ValidationSpec, { dataset_id: string }>,
  data: CheckedData<DataSpec>,
  mistakes: Mistakes,
): ChosenTable | undefined {
  const target = spec.target ?? ("target" in data.spec ? data.spec.target : undefined);
  if (target === undefined) {
    mistakes.add("validation.target", "is required: the column to predict, since data is no data set with a target");
    return undefined;
  }
  const weight = spec.weight === undefined && "weight" in data.spec ? data.spec.weight : spec.weight;
  return { ...spec, target, weight, features: spec.features ?? data.facts?.features ?? undefined };
}

function compare(train: DataFacts, validation: DataFacts, mistakes: Mistakes): void {
  if (train.inputShape && validation.inputShape && !sameShape(train.inputShape, validation.inputShape)) {
    const shapes = `${showShape(validation.inputShape)}, but those of data have ${showShape(train.inputShape)}`;
    mistakes.add("validation", `has samples of shape ${shapes}`);
  }
  if (train.target && validation.target && !sameShape(train.target.shape, validation.target.shape)) {
    const shapes = `${showShape(validation.target.shape)}, but those of data have ${showShape(train.target.shape)}`;
    mistakes.add("validation", `has targets of shape ${shapes}`);
  }
  compareLabels(train, validation, mistakes);
}

/** Of rows at hand this is told already, with the row. */
function compareLabels(train: DataFacts, validation: DataFacts, mistakes: Mistakes): void {
  if (validation.raw !== undefined || !train.target || !validation.target) return;
  const known = train.classes;
  if (known === null && validation.classes !== null) {
    mistakes.add(
      "validation",
      `has labels (${validation.classes.slice(0, 3).map(quoted).join(", ")}), but data has numbers`,
    );
  } else if (known !== null && validation.classes === null) {
    mistakes.add(
      "validation",
      `has numbers as targets, but data has labels (${known.slice(0, 3).map(quoted).join(", ")})`,
    );
  } else {
    const unknown = validation.classes?.find((label) => !known?.includes(label));
    if (unknown !== undefined) mistakes.add("validation", `the label ${quoted(unknown)} does not occur in data`);
  }
}
