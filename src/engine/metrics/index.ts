/**
 * Metrics, computed over a whole epoch from one of two tables of sums that each batch adds to on the device: the
 * confusion matrix (classification) or the residuals (regression).
 */
import type { LossDefinition } from "../nn/definition.ts";

export interface MetricDefinition {
  readonly name: string;
  readonly summary: string;
  /** Which table it is computed from. */
  readonly from: "confusion" | "residuals";
  /** `table`: classes×classes counts (row: target, column: predicted), or [n, Σ|e|, Σe², Σt, Σt²]. */
  compute(table: Float64Array): number;
}

/** Whether a loss has classes to count, or only values to compare. */
export function metricTable(loss: LossDefinition): "confusion" | "residuals" {
  return loss.targets === "index" || loss.threshold !== undefined ? "confusion" : "residuals";
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
