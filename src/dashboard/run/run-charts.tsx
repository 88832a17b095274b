/** The charts of a run: one window for all, so that what one zooms or points at is the same in each. */
import { useComputed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { ChartFigure } from "../chart/figure.tsx";
import { ChartWindow } from "../chart/window.ts";
import { place, restate } from "../router.ts";
import type { Job } from "../service/jobs.ts";
import { compact, figure } from "../shared/format.ts";
import { type ChartChoice, choiceOf, formatOf, queryOf } from "./chart-choice.ts";
import { ChartTools } from "./chart-tools.tsx";
import { chartsOf, marksOf } from "./run-curves.ts";
import type { RunStore } from "./run-store.ts";

export function RunCharts({ store, job }: { store: RunStore; job: Job }) {
  const { history, version } = store;
  const choice = choiceOf(place.value.query);
  const window = useMemo(() => new ChartWindow(), []);
  // What is drawn changes with the choice, and with the first number of a new column; else it only grows.
  const shape = useComputed(() => {
    version.value;
    return `${[...history.columns.keys()].join()} ${history.hasValidation} ${history.steps.step.length > 0}`;
  }).value;
  const charts = useMemo(() => chartsOf(history, choice), [history, shape, JSON.stringify(choice)]);
  const choose = (next: ChartChoice) => {
    if (next.axis !== choice.axis) window.reset();
    restate(queryOf(next));
  };
  const format = formatOf[choice.axis];
  return (
    <section class="stack" aria-label="Charts">
      <ChartTools choice={choice} choose={choose} />
      <div class="charts">
        {charts.map(({ title, name, curves }) => (
          <ChartFigure
            key={name}
            title={title}
            curves={curves}
            window={window}
            version={version}
            marks={() => marksOf(history, job, choice.axis, name)}
            logarithmic={choice.logarithmic && name === "loss"}
            xName={choice.axis}
            formatX={format}
            formatY={name === "samples_per_s" ? (value) => (Number.isNaN(value) ? "—" : compact(value)) : figure}
            fileName={`${job.id}-${name}`}
            tall={name === "loss"}
          />
        ))}
      </div>
      <p class="soft small chart-hint">
        Drag to zoom, double-click to see everything, shift-drag to move. By keyboard: arrows, + and −, Home. Ticks are
        checkpoints, dashed lines what else happened (see Events); the ring is the best epoch.
      </p>
    </section>
  );
}
