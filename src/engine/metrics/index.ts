/** Metrics, computed over a whole epoch from tables that each batch adds to on the device. */
import type { LossDefinition } from "../nn/definition.ts";
import { areaUnderCurve } from "./area-under-curve.ts";

/**
 * - `confusion`: classes×classes counts (row: target, column: predicted).
 * - `residuals`: [n, Σ|e|, Σe², Σt, Σt²].
 * - `ranks`: [n, how many targets were among the TOP_K largest outputs].
 * - `scores`: for each target its class, then the probability of every class (of the second alone where there are two).
 */
export type TableKind = "confusion" | "residuals" | "ranks" | "scores";

export interface MetricDefinition {
  readonly name: string;
  readonly summary: string;
  readonly from: TableKind;
  /**
   * `table` as {@link TableKind} has it, with `width` numbers for each target where it is one of scores. Left out where the
   * table itself is what is wanted, a row for each class.
   */
  compute?(table: Float64Array, width: number): number;
}

/** How many of the largest outputs top_k_accuracy looks at, as in Keras. */
export const TOP_K = 5;

/** The tables that a loss's outputs and targets can fill: there are classes to count, values to compare, or neither. */
export function metricTables(loss: LossDefinition): readonly TableKind[] {
  if (loss.compares === false) return [];
  if (loss.targets === "index") return ["confusion", "ranks", "scores"];
  return loss.threshold === undefined ? ["residuals"] : ["confusion", "scores"];
}

/** Most classes that a table is told of. */
export const MOST_TABLE_CLASSES = 100;

/** A table of counts as rows. */
export function rowsOfTable(table: Float64Array): number[][] {
  const classes = classesIn(table);
  return Array.from({ length: classes }, (_, row) => Array.from(table.subarray(row * classes, (row + 1) * classes)));
}

const classesIn = (matrix: Float64Array): number => Math.round(Math.sqrt(matrix.length));

/** Mean over classes of correct/total, where total counts a class's row, column, or both; 0/0 counts as 0. */
function macro(matrix: Float64Array, share: (correct: number, row: number, column: number) => number): number {
  const classes = classesIn(matrix);
  let sum = 0;
  let present = 0;
  for (let c = 0; c < classes; c++) {
    let row = 0;
    let column = 0;
    for (let other = 0; other < classes; other++) {
      row += matrix[c * classes + other] ?? 0;
      column += matrix[other * classes + c] ?? 0;
    }
    // As scikit-learn: a class that is neither a target nor predicted is no class of this data.
    if (row + column === 0) continue;
    present++;
    sum += share(matrix[c * classes + c] ?? 0, row, column) || 0;
  }
  return present === 0 ? Number.NaN : sum / present;
}

function accuracy(matrix: Float64Array): number {
  const classes = classesIn(matrix);
  let correct = 0;
  let all = 0;
  matrix.forEach((count, i) => {
    all += count;
    if (Math.floor(i / classes) === i % classes) correct += count;
  });
  return correct / all;
}

const definitions: readonly MetricDefinition[] = [
  { name: "accuracy", summary: "Share of targets predicted right", from: "confusion", compute: accuracy },
  {
    name: "precision",
    summary: "Of what was predicted a class, the share that is; mean over classes",
    from: "confusion",
    compute: (m) => macro(m, (hit, _row, column) => hit / column),
  },
  {
    name: "recall",
    summary: "Of what is a class, the share predicted so; mean over classes",
    from: "confusion",
    compute: (m) => macro(m, (hit, row) => hit / row),
  },
  {
    name: "f1",
    summary: "Harmonic mean of precision and recall; mean over classes",
    from: "confusion",
    compute: (m) => macro(m, (hit, row, column) => (2 * hit) / (row + column)),
  },
  {
    name: "confusion_matrix",
    summary: "How often each class (row) was predicted each class (column); told as a table",
    from: "confusion",
  },
  {
    name: "top_k_accuracy",
    summary: `Share of targets among the ${TOP_K} classes with the largest outputs`,
    from: "ranks",
    compute: ([n = 0, hits = 0]) => hits / n,
  },
  {
    name: "auc",
    summary: "Area under the ROC curve; with more than two classes the mean over each against the rest",
    from: "scores",
    compute: areaUnderCurve,
  },
  { name: "mae", summary: "Mean absolute error", from: "residuals", compute: ([n = 0, absolute = 0]) => absolute / n },
  { name: "mse", summary: "Mean squared error", from: "residuals", compute: ([n = 0, , squared = 0]) => squared / n },
  {
    name: "rmse",
    summary: "Root of the mean squared error",
    from: "residuals",
    compute: ([n = 0, , squared = 0]) => Math.sqrt(squared / n),
  },
  {
    name: "r2",
    summary: "Share of the targets' variance that is explained",
    from: "residuals",
    compute: ([n = 0, , squared = 0, sum = 0, squares = 0]) => 1 - squared / (squares - (sum * sum) / n),
  },
];

/** Every metric that a spec may name. */
export const metrics: ReadonlyMap<string, MetricDefinition> = new Map(definitions.map((it) => [it.name, it]));
