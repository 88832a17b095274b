/** Loads the columns that a job needs from a CSV into tables of numbers. */
import { DataError, quoted } from "../data-error.ts";
import { nearest } from "../nearest-name.ts";
import type { RawData } from "../raw-data.ts";
import { TableBuilder } from "../table.ts";
import { readCsv } from "./read-csv.ts";

export interface ColumnChoice {
  readonly target: string;
  /** Left out: every column but target and weight, in the file's order. */
  readonly features?: readonly string[] | undefined;
  /** How much each row counts. */
  readonly weight?: string | null | undefined;
}

export async function readCsvTable(stream: AsyncIterable<Uint8Array>, choice: ColumnChoice): Promise<RawData> {
  const inputs = new TableBuilder();
  const targets = new TableBuilder();
  const weights = new TableBuilder();
  let features: readonly string[] = [];
  let featureAt: number[] = [];
  let targetAt = 0;
  let weightAt: number | null = null;
  const rows = await readCsv(stream, {
    header: (names) => {
      features = choice.features ?? names.filter((name) => name !== choice.target && name !== choice.weight);
      const positions = new Map(names.map((name, i) => [name, i]));
      featureAt = features.map((name) => find(positions, name));
      targetAt = find(positions, choice.target);
      if (choice.weight != null) weightAt = find(positions, choice.weight);
    },
    row: (cells) => {
      for (let i = 0; i < featureAt.length; i++) inputs.addText(cells[featureAt[i] ?? 0] ?? "");
      targets.addText(cells[targetAt] ?? "");
      if (weightAt !== null) weights.addText(cells[weightAt] ?? "");
    },
  });
  if (rows === 0) throw new DataError("The table has no rows.");
  if (features.length === 0) throw new DataError(`The table has no column but the target ${quoted(choice.target)}.`);
  return {
    inputs: inputs.finish({ names: features }, features.length),
    sampleShape: [features.length],
    targets: targets.finish({ names: [choice.target] }, 1),
    targetShape: [],
    weights: choice.weight == null ? null : weights.finish({ names: [choice.weight] }, 1),
  };
}

function find(positions: ReadonlyMap<string, number>, name: string): number {
  const at = positions.get(name);
  if (at !== undefined) return at;
  throw new DataError(`There is no column ${quoted(name)}${nearest(name, positions.keys())}.`, { column: name });
}
