/** How a run's charts are shown: it stands in the address, so that a link shows the same. */
import { AXES, type Axis } from "../history/run-history.ts";
import { count, duration } from "../shared/format.ts";

export interface ChartChoice {
  readonly axis: Axis;
  /** The weight of the past in the exponential average; 0 smooths nothing. */
  readonly smoothing: number;
  readonly logarithmic: boolean;
}

export function choiceOf(query: URLSearchParams): ChartChoice {
  const smoothing = Number(query.get("smooth") ?? 0);
  return {
    axis: AXES.find((axis) => axis === query.get("x")) ?? "epoch",
    smoothing: smoothing > 0 && smoothing < 1 ? smoothing : 0,
    logarithmic: query.get("log") === "1",
  };
}

export function queryOf({ axis, smoothing, logarithmic }: ChartChoice): Record<string, string | undefined> {
  return {
    x: axis === "epoch" ? undefined : axis,
    smooth: smoothing === 0 ? undefined : String(smoothing),
    log: logarithmic ? "1" : undefined,
  };
}

export const AXIS_NAMES: Record<Axis, string> = { epoch: "Epoch", step: "Step", time: "Time" };

/** Between two of them is nothing to name. */
const whole = (value: number): string => (Number.isInteger(value) ? count(value) : "");

export const formatOf: Record<Axis, (value: number) => string> = { epoch: whole, step: whole, time: duration };
