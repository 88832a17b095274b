/** From checked probes to rows, and from those to what the first layer gets. */
import { applyPreprocess } from "../data/apply-preprocess.ts";
import type { FittedPreprocess } from "../data/preprocess.ts";
import type { ProbePlan } from "../engine/definitions.ts";
import type { ProbedGrid, Probes } from "./probe-spec.ts";

export function probePlan(probes: Probes, preprocess: FittedPreprocess): ProbePlan {
  const { inputs } = applyPreprocess(preprocess, probeRows(probes, columnsOf(preprocess)), pathOf(probes));
  return { everyEpochs: probes.every_epochs, inputs };
}

export const pathOf = (probes: Probes): string => ("inputs" in probes ? "probes.inputs" : "probes.grid");

/** As for a prediction: `columns` in their order. */
export function probeRows(probes: Probes, columns: readonly (string | number)[]): readonly unknown[] {
  return "inputs" in probes ? probes.inputs : gridRows(probes.grid, columns);
}

/** Names where there are any, else positions. */
export function columnsOf({ features, rawShape }: FittedPreprocess): readonly (string | number)[] {
  return features ?? Array.from({ length: rawShape.reduce((a, b) => a * b, 1) }, (_, i) => i);
}

function gridRows({ x, y, at }: ProbedGrid, columns: readonly (string | number)[]): (number | string)[][] {
  const valuesOf = ({ min, max, points }: ProbedGrid["x"]): number[] =>
    Array.from({ length: points }, (_, i) => min + ((max - min) * i) / (points - 1));
  const along = y ? valuesOf(y) : [0];
  return along.flatMap((second) =>
    valuesOf(x).map((first) =>
      columns.map((column) => {
        if (column === x.feature) return first;
        return column === y?.feature ? second : (at[String(column)] ?? 0);
      }),
    ),
  );
}
