/** What each run has reached, in the order in which they were made, and the best of them so far. */
import { useMemo, useState } from "preact/hooks";
import type { Curve } from "../chart/curve.ts";
import { ChartFigure } from "../chart/figure.tsx";
import { ChartWindow } from "../chart/window.ts";
import { Series } from "../series/series.ts";
import { figure, label } from "../shared/format.ts";
import { bestSoFar, byIndex, type Outcomes } from "./outcomes.ts";

interface Props {
  readonly outcomes: Outcomes;
  readonly xName: string;
  /** Whether their places in the comparison are numbers that they are known by. */
  readonly isNumbered?: boolean;
}

export function BestSoFar({ outcomes, xName, isNumbered = false }: Props) {
  const [window] = useState(() => new ChartWindow());
  const steps = isNumbered ? bestSoFar(outcomes, byIndex) : bestSoFar(outcomes);
  const name = label(outcomes.metric);
  const curves = useMemo((): Curve[] => {
    const x = Series.of(steps.map(({ index }, i) => (isNumbered ? index : i + 1)));
    return [
      { id: "each", label: name, color: "--series-8", dash: [2, 3], x, y: Series.of(steps.map(({ value }) => value)) },
      { id: "best", label: "best so far", color: "--series-1", x, y: Series.of(steps.map(({ best }) => best)) },
    ];
  }, [steps.map(({ value }) => value).join(), name]);
  return (
    <ChartFigure
      title={`Best ${name} so far`}
      curves={curves}
      window={window}
      xName={xName}
      formatX={(value) => (Number.isInteger(value) ? String(value) : "")}
      {...(isNumbered ? {} : { nameX: (value) => `${value}: ${steps[value - 1]?.job.name ?? ""}` })}
      formatY={figure}
      fileName="best-so-far"
    />
  );
}
