/** Data of which only column statistics are at hand: are the columns there, and will every cell become a number? */
import { compareCategories } from "../data/cell.ts";
import type { ColumnStatistics } from "../data/column-statistics.ts";
import { DataError, grouped, quoted } from "../data/data-error.ts";
import type { Preprocess } from "../data/data-spec.ts";
import { encodedShape } from "../data/encode-targets.ts";
import { nearest, nearestName } from "../data/nearest-name.ts";
import { type FittedPreprocess, MAX_ONE_HOT, outputShape } from "../data/preprocess.ts";
import { originOf, sampleShape } from "../data/read-table.ts";
import { ValueMap } from "../data/value-map.ts";
import { elementCount, type Shape, showShape, type TargetInfo } from "../engine/definitions.ts";
import { type InputNumbers, numbersOf } from "./check-numbers.ts";
import type { ColumnSummary, DataFacts, DatasetInfo, Encoding } from "./data-facts.ts";
import { joinPath, type Mistakes } from "./mistakes.ts";

export interface TableChoice {
  readonly features?: readonly string[] | undefined;
  readonly target: string;
  readonly weight?: string | null | undefined;
  readonly preprocess?: Preprocess | undefined;
}

/** `path` is where the choice stands: `data` or `validation`. */
export function checkTable(
  info: DatasetInfo,
  choice: TableChoice,
  encoding: Encoding,
  path: string,
  mistakes: Mistakes,
): DataFacts {
  const columns = new Map(info.columns.map((column) => [column.name, column]));
  const target = columns.get(choice.target);
  if (target === undefined) {
    mistakes.add(joinPath(path, "target"), noColumn(choice.target, columns));
  }
  const meant = target?.name ?? nearestName(choice.target, columns.keys());
  const weight = choice.weight ?? undefined;
  if (weight !== undefined) checkWeight(weight, choice.target, columns, path, mistakes);
  const roles = new Map([[weight, "weight"] as const, [meant, "target"] as const]);
  const features = meant === undefined ? undefined : chosenFeatures(columns, choice.features, roles, path, mistakes);
  const labels =
    target === undefined || encoding === undefined ? undefined : checkTarget(target, encoding, path, mistakes);
  const inputShape = features && checkFeatures(features, choice.preprocess, path, mistakes);
  return {
    rows: info.rows,
    inputShape,
    target: labels?.info,
    classes: labels?.classes ?? null,
    features: features?.map(({ name }) => name) ?? null,
    numbers: features && numbersOfColumns(features, choice.preprocess),
    preprocess: features && inputShape && expectedPreprocess(features, choice.preprocess, inputShape),
    summaries: () => (features ? summarize(features) : null),
    raw: undefined,
  };
}

/** As the preprocessing will be fitted, but for the numbers that it learns: they don't decide which rows fit. */
function expectedPreprocess(
  features: readonly ColumnStatistics[],
  steps: Preprocess | undefined,
  shape: Shape,
): FittedPreprocess {
  const origin = originOf(features.map(({ name, shape }) => ({ name, shape: shape ?? [] })));
  const map = new ValueMap(steps?.map ?? null);
  let cells = 0;
  const oneHot = features.flatMap((column) => {
    const at = cells;
    cells += elementCount(column.shape ?? []);
    if (!steps?.one_hot?.includes(column.name)) return [];
    return [{ column: at, categories: categoriesAfterMap(column, map) ?? [] }];
  });
  const rawShape = sampleShape(features);
  return {
    version: 1,
    features: "names" in origin ? origin.names : null,
    rawShape,
    shape,
    map: steps?.map ?? null,
    oneHot,
    impute: steps?.impute === undefined ? null : new Array<number>(cells).fill(0),
    scale: steps?.scale ?? 1,
    mean: null,
    std: null,
  };
}

function summarize(features: readonly ColumnStatistics[]): ColumnSummary[] | null {
  if (features.some(({ shape }) => shape !== undefined)) return null;
  return features.map((column) => {
    const { min, max, mean, dtype, words, categories } = column;
    const isText = dtype === "string";
    return { min, max, mean, isText, word: isText ? ((words ?? categories)?.[0] ?? null) : null };
  });
}

/** Known where preprocessing leaves the columns' numbers as they are. */
function numbersOfColumns(
  features: readonly ColumnStatistics[],
  { map, one_hot, impute, scale, standardize }: Partial<Preprocess> = {},
): InputNumbers | undefined {
  if (map || one_hot || impute || scale !== undefined || standardize) return undefined;
  const found = features.flatMap(({ name, min, max }) =>
    [min, max].map((value) => ({ value: value ?? 0, text: `column ${quoted(name)}: ` })),
  );
  const numbers = numbersOf(
    found.map(({ value }) => value),
    (i) => ({ text: found[i]?.text ?? "" }),
  );
  const broken = features.find(({ dtype }) => dtype === "number");
  if (!numbers || numbers.fraction || !broken) return numbers;
  // Its smallest and largest are whole, but not all between them.
  return { ...numbers, fraction: { value: broken.mean ?? 0, text: `column ${quoted(broken.name)}, on average ` } };
}

/** A column that is not there still counts as one feature, so that the layers can be checked. */
function chosenFeatures(
  columns: ReadonlyMap<string, ColumnStatistics>,
  features: readonly string[] | undefined,
  roles: ReadonlyMap<string | undefined, "target" | "weight">,
  path: string,
  mistakes: Mistakes,
): ColumnStatistics[] | undefined {
  const names = features ?? [...columns.keys()].filter((name) => !roles.has(name));
  if (names.length === 0) {
    mistakes.add(joinPath(path, "target"), "is the only column of the data set; there is nothing to learn from");
    return undefined;
  }
  const seen = new Set<string>();
  names.forEach((name, i) => {
    const at = joinPath(path, "features", i);
    if (!columns.has(name)) mistakes.add(at, () => noColumn(name, columns));
    else if (roles.has(name)) mistakes.add(at, `${quoted(name)} is the ${roles.get(name)}; leave it out of "features"`);
    else if (seen.has(name)) mistakes.add(at, `${quoted(name)} is named twice`);
    seen.add(name);
  });
  return names.map((name) => (roles.has(name) ? undefined : columns.get(name)) ?? unknownColumn(name));
}

function checkWeight(
  name: string,
  target: string,
  columns: ReadonlyMap<string, ColumnStatistics>,
  path: string,
  mistakes: Mistakes,
): void {
  const column = columns.get(name);
  const message = (): string => (column === undefined ? noColumn(name, columns) : (unfitWeight(column) ?? ""));
  if (name === target)
    mistakes.add(joinPath(path, "weight"), `${quoted(name)} is the target; weights are another column`);
  else if (column === undefined || unfitWeight(column) !== undefined) mistakes.add(joinPath(path, "weight"), message);
}

/** Weights are numbers from 0 on, none missing, not all of them 0. */
function unfitWeight({ name, shape, dtype, min, max, missing }: ColumnStatistics): string | undefined {
  const expected = "but weights are numbers from 0 on";
  if (shape !== undefined) return `column ${quoted(name)} holds arrays, ${expected}`;
  if (dtype === "string") return `column ${quoted(name)} holds text, ${expected}`;
  if (missing > 0) return `column ${quoted(name)} has ${grouped(missing)} missing, ${expected}`;
  if ((min ?? 0) < 0) return `column ${quoted(name)} holds ${min}, ${expected}`;
  return max === 0 ? `column ${quoted(name)} is 0 in every row; nothing would count` : undefined;
}

const noColumn = (name: string, columns: ReadonlyMap<string, unknown>): string =>
  `the data set has no column ${quoted(name)}${nearest(name, columns.keys()) || `; it has ${someOf([...columns.keys()])}`}`;

const unknownColumn = (name: string): ColumnStatistics => ({
  name,
  dtype: "number",
  min: 0,
  max: 0,
  mean: 0,
  missing: 0,
  categories: [],
});

/** The shape of what the first layer gets, once every cell has become a number. */
function checkFeatures(
  features: readonly ColumnStatistics[],
  steps: Preprocess | undefined,
  path: string,
  mistakes: Mistakes,
): Shape | undefined {
  const map = new ValueMap(steps?.map ?? null);
  const names = features.map(({ name }) => name);
  const known = new Set(names);
  const oneHot = new Set<string>();
  (steps?.one_hot ?? []).forEach((name, i) => {
    const at = joinPath(path, "preprocess", "one_hot", i);
    const near = (): string => nearest(name, names) || `; there are ${someOf(names)}`;
    if (oneHot.has(name)) mistakes.add(at, `${quoted(name)} is named twice`);
    else if (!known.has(name)) mistakes.add(at, () => `there is no feature ${quoted(name)}${near()}`);
    oneHot.add(name);
  });
  let width = 0;
  for (const column of features) {
    const cells = elementCount(column.shape ?? []);
    if (oneHot.has(column.name) && column.shape !== undefined) {
      const at = joinPath(path, "preprocess", "one_hot");
      mistakes.add(
        at,
        `column ${quoted(column.name)} holds arrays of ${showShape(column.shape)}; one_hot takes single values`,
      );
      return undefined;
    }
    if (oneHot.has(column.name)) {
      const categories = categoriesAfterMap(column, map);
      if (categories === null) {
        mistakes.add(
          joinPath(path, "preprocess", "one_hot"),
          `column ${quoted(column.name)} has too many different values for one_hot ` +
            `(at most ${grouped(MAX_ONE_HOT)} words, 100 whole numbers, no fractions)`,
        );
        return undefined;
      }
      width += categories.length;
    } else width += cells;
  }
  checkNumbers(
    features.filter(({ name }) => !oneHot.has(name)),
    map,
    steps,
    path,
    mistakes,
  );
  return shapeOf(oneHot.size > 0 ? [width] : sampleShape(features), width, steps, path, mistakes);
}

function shapeOf(
  given: Shape,
  width: number,
  steps: Preprocess | undefined,
  path: string,
  mistakes: Mistakes,
): Shape | undefined {
  try {
    return outputShape(steps?.shape, given, width);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    mistakes.add(joinPath(path, "preprocess", "shape"), error.message);
    return undefined;
  }
}

/** Tells of the first column with text and the first with missing values, and how many there are like it. */
function checkNumbers(
  columns: readonly ColumnStatistics[],
  map: ValueMap,
  steps: Preprocess | undefined,
  path: string,
  mistakes: Mistakes,
): void {
  const texts = columns.flatMap((column) => textIn(column, map) ?? []);
  if (texts[0]) mistakes.add(joinPath(path, "features"), `${nameOf(texts)}: ${texts[0].problem}`);

  const unfilled = Number.isNaN(map.missing) ? columns.filter(({ missing }) => missing > 0) : [];
  if (unfilled[0] && steps?.impute === undefined) {
    mistakes.add(
      joinPath(path, "preprocess"),
      `${nameOf(unfilled)}: ${grouped(unfilled[0].missing)} missing ${unfilled[0].missing === 1 ? "value" : "values"}; ` +
        'say how to fill them (preprocess.impute: "mean", or "" in preprocess.map)',
    );
  }
  const empty = unfilled.filter((column) => column.mean === null && column.dtype !== "string");
  if (empty[0] && (steps?.impute === "mean" || steps?.impute === "median")) {
    mistakes.add(
      joinPath(path, "preprocess", "impute"),
      `${nameOf(empty)}: no value at all; leave it out of "features"`,
    );
  }
}

function textIn(column: ColumnStatistics, map: ValueMap): { name: string; problem: string } | undefined {
  const words = wordsOf(column);
  if (words === null)
    return { name: column.name, problem: 'text of more than 1,000 different words; leave it out of "features"' };
  const unknown = words.find((word) => Number.isNaN(map.word(word)));
  return unknown === undefined ? undefined : { name: column.name, problem: map.advice(unknown) };
}

function nameOf(columns: readonly { readonly name: string }[]): string {
  const others = columns.length - 1;
  const name = `column ${quoted(columns[0]?.name ?? "")}`;
  return others === 0 ? name : `${name} (and ${grouped(others)} other${others === 1 ? "" : "s"})`;
}

/** The different values that are not numbers; null where they are too many to know. */
const wordsOf = (column: ColumnStatistics): readonly string[] | null => {
  if (column.dtype !== "string") return [];
  return column.words === undefined ? column.categories : column.words;
};

function categoriesAfterMap(column: ColumnStatistics, map: ValueMap): string[] | null {
  if (column.categories === null) return null;
  const mapped = column.categories.map((category) => map.categoryOf(category));
  const missing = column.missing > 0 && !Number.isNaN(map.missing) ? [String(map.missing)] : [];
  return [...new Set([...mapped, ...missing])].sort(compareCategories);
}

function checkTarget(
  column: ColumnStatistics,
  encoding: "index" | "values",
  path: string,
  mistakes: Mistakes,
): { info: TargetInfo; classes: readonly string[] | null } | undefined {
  const at = joinPath(path, "target");
  const name = `column ${quoted(column.name)}`;
  if (column.missing > 0) {
    const rows = column.missing === 1 ? "1 row has" : `${grouped(column.missing)} rows have`;
    mistakes.add(at, `${rows} no value in ${name}; leave those rows out of the file`);
    if (column.min === null && column.dtype !== "string") return undefined;
  }
  const shape = encodedShape(column.shape ?? [], encoding);
  if (column.dtype === "string") {
    const classes = column.categories;
    if (classes === null) mistakes.add(at, `${name} has more than 1,000 different labels`);
    else if (encoding === "values" && classes.length !== 2) mistakes.add(at, tooManyLabels(name, classes));
    else return { info: { kind: encoding, shape, classes: classes.length, min: 0, max: classes.length - 1 }, classes };
    return undefined;
  }
  const [min, max] = [column.min ?? 0, column.max ?? 0];
  if (encoding === "index" && (column.dtype === "number" || min < 0)) {
    const found = column.dtype === "number" ? `fractions (mean ${column.mean})` : `${min}`;
    mistakes.add(at, `${name} holds ${found}, but this loss takes class indices from 0 on, or labels`);
    return undefined;
  }
  return { info: { kind: encoding, shape, min, max }, classes: null };
}

const tooManyLabels = (name: string, classes: readonly string[]): string =>
  `${name} has ${grouped(classes.length)} different ${classes.length === 1 ? "label" : "labels"} (${someOf(classes)}), ` +
  "but this loss takes numbers or two labels; use CrossEntropyLoss for more classes";

const someOf = (names: readonly string[]): string =>
  names.slice(0, 5).map(quoted).join(", ") + (names.length > 5 ? ", …" : "");
