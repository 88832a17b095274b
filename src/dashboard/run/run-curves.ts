/** The curves of a run: which belong into one chart, raw and smoothed, and the marks on them. */
import type { Curve, Mark } from "../chart/curve.ts";
import type { Axis, RunHistory } from "../history/run-history.ts";
import { Smoothed } from "../series/smoothed.ts";
import type { Job } from "../service/jobs.ts";
import { capital, label } from "../shared/format.ts";
import type { ChartChoice } from "./chart-choice.ts";

export interface RunChart {
  readonly title: string;
  /** The column of the training set; that of validation is `val_` and this. */
  readonly name: string;
  readonly curves: readonly Curve[];
}

const TRAINING = "--loss";
const VALIDATION = "--validation";

/** The loss, then a chart for each metric, then the learning rate and the speed. */
export function chartsOf(history: RunHistory, choice: ChartChoice): RunChart[] {
  const x = history.column(choice.axis);
  const curve = (name: string, color: string): Curve => ({
    id: name,
    label: label(name),
    color,
    x,
    y: history.column(name),
  });
  const both = (name: string): Curve[] => [
    ...(history.columns.has(name) ? [curve(name, TRAINING)] : []),
    ...(history.columns.get(`val_${name}`)?.someNumber ? [curve(`val_${name}`, VALIDATION)] : []),
  ];
  const metrics = [...new Set(history.metrics.map((name) => name.replace(/^val_/, "")))];
  return [
    { title: "Loss", name: "loss", curves: [...stepLosses(history, choice), ...smooth(both("loss"), choice)] },
    ...metrics.map((name) => ({ title: capital(label(name)), name, curves: smooth(both(name), choice) })),
    { title: "Learning rate", name: "lr", curves: [{ ...curve("lr", "--series-3"), label: "learning rate" }] },
    {
      title: "Throughput",
      name: "samples_per_s",
      curves: smooth([{ ...curve("samples_per_s", "--series-6"), label: "samples per second" }], choice),
    },
  ];
}

/** Over its raw curve, pale. */
export function smooth(curves: readonly Curve[], { smoothing }: ChartChoice): Curve[] {
  if (smoothing === 0) return [...curves];
  const pale = curves.map((curve) => ({ ...curve, id: `${curve.id} raw`, pale: true }));
  const smoothed = curves.map((curve) => {
    const average = new Smoothed(curve.y);
    return { ...curve, y: average.series, refresh: () => void average.update(smoothing) };
  });
  return [...pale, ...smoothed];
}

/** Single steps, where they are told and steps are counted. */
function stepLosses({ steps }: RunHistory, choice: ChartChoice): Curve[] {
  if (choice.axis !== "step" || steps.step.length === 0) return [];
  return smooth([{ id: "steps", label: "loss of a step", color: "--series-8", x: steps.step, y: steps.loss }], choice);
}

/** What happened while it trained, where the axis has it. */
export function marksOf(history: RunHistory, job: Job, axis: Axis, name: string): Mark[] {
  const placeOf = (epoch: number) => history.column(axis).at(history.column("epoch").nearest(epoch));
  const marks: Mark[] = [];
  if (name === "loss") {
    for (const event of history.events) {
      if (event.event === "checkpoint")
        marks.push({ kind: "tick", x: placeOf(event.epoch), label: "checkpoint", color: "--soft" });
      else if (event.event === "resumed" || event.event === "changed" || event.event === "paused")
        marks.push({ kind: "line", x: placeOf(event.epoch), label: event.event, color: "--idle" });
      else if (event.event === "anomaly")
        marks.push({ kind: "line", x: placeOf(event.epoch), label: "not finite", color: "--bad" });
    }
    if (isStoppedEarly(job))
      marks.push({ kind: "line", x: placeOf(job.progress.epoch), label: "stopped early", color: "--good" });
  }
  const best = bestOf(history, job);
  if (best && best.metric.replace(/^val_/, "") === name)
    marks.push({
      kind: "point",
      x: placeOf(best.epoch),
      y: best.value,
      label: `best ${label(best.metric)}`,
      color: best.metric.startsWith("val_") ? VALIDATION : TRAINING,
    });
  return marks.filter(({ x }) => !Number.isNaN(x));
}

export interface BestSoFar {
  readonly metric: string;
  readonly epoch: number;
  readonly value: number;
  /** Whether more is better. */
  readonly wantsMost: boolean;
}

/** The best epoch so far, by what the run watches. */
export function bestOf(history: RunHistory, { best, spec }: Pick<Job, "best" | "spec">): BestSoFar | null {
  const stopping = spec["early_stopping"];
  const wantsMost = typeof stopping === "object" && stopping !== null && "mode" in stopping && stopping.mode === "max";
  const metric = best?.metric ?? (history.hasValidation ? "val_loss" : "loss");
  const column = history.columns.get(metric);
  if (!column) return null;
  const { least, greatest } = column.extremes();
  const index = wantsMost ? greatest : least;
  return index === -1 ? null : { metric, epoch: history.column("epoch").at(index), value: column.at(index), wantsMost };
}

/** It has completed before the epochs that it was given were over. */
export const isStoppedEarly = ({ status, progress }: Job): boolean =>
  status === "completed" && progress.epoch < progress.epochs;
