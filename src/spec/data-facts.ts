/** What a check needs to know of data, whether its rows are at hand (inline, generated) or only its statistics (a file). */

import type { ColumnStatistics } from "../data/column-statistics.ts";
import type { TargetEncoding } from "../data/encode-targets.ts";
import type { FittedPreprocess } from "../data/preprocess.ts";
import type { RawData } from "../data/raw-data.ts";
import type { Shape, TargetInfo } from "../engine/definitions.ts";
import type { InputNumbers } from "./check-numbers.ts";

/** A stored data set, as its statistics tell it. */
export interface DatasetInfo {
  readonly rows: number;
  readonly columns: readonly ColumnStatistics[];
}

/** A column of inputs, as a grid needs it. */
export interface ColumnSummary {
  /** Over its numbers; null where it has none. */
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  readonly isText: boolean;
  /** The first of its words in sorted order. */
  readonly word: string | null;
}

export interface DataFacts {
  readonly rows: number;
  /** What the first layer gets; undefined when mistakes hide it. */
  readonly inputShape: Shape | undefined;
  /** Undefined when mistakes hide it, or the loss is not known. */
  readonly target: TargetInfo | undefined;
  /** The labels behind class numbers; null where targets are numbers. */
  readonly classes: readonly string[] | null;
  /** The input columns, where they have names. */
  readonly features: readonly string[] | null;
  /** What numbers the first layer gets, as far as that is known. */
  readonly numbers: InputNumbers | undefined;
  /** The preprocessing, fitted as far as it decides which rows can be asked with; undefined when mistakes hide it. */
  readonly preprocess: FittedPreprocess | undefined;
  /** Of each column; null where some of them hold arrays. */
  readonly summaries: () => readonly ColumnSummary[] | null;
  /** The rows themselves, where they are at hand. */
  readonly raw: RawData | undefined;
}

/** Undefined while the loss is unknown: then targets are not looked at. */
export type Encoding = TargetEncoding | undefined;
