/** Inputs and targets as they were read, whatever they came from: what preprocessing and encoding start from. */
import type { Table } from "./table.ts";

export interface RawData {
  readonly inputs: Table;
  /** One sample's shape before preprocessing: [columns], or the nesting of an inline sample. */
  readonly sampleShape: readonly number[];
  readonly targets: Table;
  /** One target's shape: [] for a number or a label of its own. */
  readonly targetShape: readonly number[];
  /** One number for each row: how much it counts; null where all count alike. */
  readonly weights: Table | null;
  /** The input columns of a data set, by name. */
  readonly columns?: readonly string[];
}
