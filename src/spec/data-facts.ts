/** What a check needs to know of data, whether its rows are at hand (inline, generated) or only its statistics (a file). */

import type { ColumnStatistics } from "../data/column-statistics.ts";
import type { TargetEncoding } from "../data/encode-targets.ts";
import type { RawData } from "../data/raw-data.ts";
import type { Shape, TargetInfo } from "../engine/definitions.ts";
import type { InputNumbers } from "./check-numbers.ts";

/** A stored data set, as its statistics tell it. */
export interface DatasetInfo {
  readonly rows: number;
  readonly columns: readonly ColumnStatistics[];
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
  /** The rows themselves, where they are at hand. */
  readonly raw: RawData | undefined;
}

/** Undefined while the loss is unknown: then targets are not looked at. */
export type Encoding = TargetEncoding | undefined;
