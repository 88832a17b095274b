/** Every built-in data set by name: generated ones, and the classic files that the examples use too. */
import { createReadStream } from "node:fs";
import type { TableStatistics } from "../analyse-table.ts";
import { analyseCsv } from "../csv/analyse-csv.ts";
import { readCsvTable } from "../csv/read-csv-table.ts";
import { DataError } from "../data-error.ts";
import type { RawData } from "../raw-data.ts";
import { Table } from "../table.ts";
import { DEFAULT_SAMPLES, type GeneratedSet, generate, generatedSets } from "./generated-sets.ts";

interface FileSet {
  readonly summary: string;
  readonly task: "classification" | "regression";
  readonly file: string;
  readonly target: string;
}

const fileSets = {
  iris: {
    summary: "Fisher's iris: 150 flowers, 4 measures, 3 species (Fisher 1936).",
    task: "classification",
    file: "iris.csv",
    target: "species",
  },
  digits: {
    summary: "1,797 handwritten digits of 8 × 8 pixels from 0 to 16 (Alpaydin and Kaynak 1998).",
    task: "classification",
    file: "digits.csv",
    target: "digit",
  },
  breast_cancer: {
    summary: "569 tumours, 30 measures of their cell nuclei, malignant or benign (Wolberg et al. 1995).",
    task: "classification",
    file: "breast_cancer.csv",
    target: "diagnosis",
  },
  diabetes: {
    summary: "442 patients, 10 measures, progression after one year (Efron et al. 2004).",
    task: "regression",
    file: "diabetes.csv",
    target: "progression",
  },
  house_votes: {
    summary: "435 members of the US House of 1984, 16 votes (y, n or missing: map them), party (Schlimmer 1987).",
    task: "classification",
    file: "house_votes_84.csv",
    target: "Class",
  },
} satisfies Record<string, FileSet>;

type GeneratedName = keyof typeof generatedSets;
type FileName = keyof typeof fileSets;
export type BuiltinName = GeneratedName | FileName;

const generatedNames = Object.keys(generatedSets).filter((name): name is GeneratedName => name in generatedSets);
const fileNames = Object.keys(fileSets).filter((name): name is FileName => name in fileSets);
export const builtinNames: readonly BuiltinName[] = [...generatedNames, ...fileNames];

const isGenerated = (name: BuiltinName): name is GeneratedName => Object.hasOwn(generatedSets, name);

export interface BuiltinChoice {
  readonly builtin: BuiltinName;
  readonly samples?: number | undefined;
  readonly noise?: number | undefined;
  readonly seed?: number | undefined;
}

/** Arguments that a set does not take: a file has the rows that it has. */
export function builtinMistakes(choice: BuiltinChoice): { field: string; message: string }[] {
  if (isGenerated(choice.builtin)) return [];
  return (["samples", "noise", "seed"] as const)
    .filter((field) => choice[field] !== undefined)
    .map((field) => ({
      field,
      message: `"${choice.builtin}" is a fixed set of rows and takes no ${field}; leave it out`,
    }));
}

/** The rows of a set, as an uploaded file of the same columns would give them. */
export async function loadBuiltin(choice: BuiltinChoice): Promise<RawData> {
  const [mistake] = builtinMistakes(choice);
  if (mistake !== undefined) throw new DataError(mistake.message, { path: mistake.field });
  if (isGenerated(choice.builtin)) return loadGenerated(generatedSets[choice.builtin], choice);
  const set = fileSets[choice.builtin];
  return readCsvTable(openFile(set), { target: set.target });
}

/** What a set's columns hold; null for a generated set, whose rows are as quickly made as described. */
export function builtinStatistics(name: BuiltinName): Promise<TableStatistics> | null {
  if (isGenerated(name)) return null;
  const known = statistics.get(name) ?? analyseCsv(openFile(fileSets[name]));
  statistics.set(name, known);
  return known;
}

/** The target column of a classic file. */
export const builtinTarget = (name: BuiltinName): string =>
  isGenerated(name) ? generatedSets[name].target : fileSets[name].target;

const statistics = new Map<BuiltinName, Promise<TableStatistics>>();

/** The catalogue's lines. */
export function describeBuiltins(): {
  name: BuiltinName;
  summary: string;
  task: string;
  samples: number | null;
  noise: number | null;
}[] {
  return builtinNames.map((name) => {
    if (!isGenerated(name)) {
      const { summary, task } = fileSets[name];
      return { name, summary, task, samples: null, noise: null };
    }
    const { summary, task, noise } = generatedSets[name];
    return { name, summary, task, samples: DEFAULT_SAMPLES, noise };
  });
}

function loadGenerated(set: GeneratedSet, choice: BuiltinChoice): RawData {
  const samples = choice.samples ?? DEFAULT_SAMPLES;
  const all = generate(set, samples, choice.noise ?? set.noise, choice.seed ?? 0);
  const width = set.features.length;
  const inputs = new Float64Array(samples * width);
  const targets = new Float64Array(samples);
  for (let row = 0; row < samples; row++) {
    const at = row * (width + 1);
    inputs.set(all.subarray(at, at + width), row * width);
    targets[row] = all[at + width] ?? 0;
  }
  return {
    inputs: new Table({ names: set.features }, width, inputs),
    sampleShape: [width],
    targets: new Table({ names: [set.target] }, 1, targets),
    targetShape: [],
    weights: null,
  };
}

const openFile = (set: FileSet): AsyncIterable<Uint8Array> =>
  createReadStream(new URL(`../../../examples/data/${set.file}`, import.meta.url));
