/** Which trial is the better one: the value of a job at an epoch, and as what people see and samplers compare it. */
import type { Objective } from "./sweep-spec.ts";

/** What an epoch event says, as far as it counts here. */
export interface EpochFigures {
  readonly epoch: number;
  readonly loss: number | null;
  readonly val_loss?: number | null | undefined;
  readonly metrics: Readonly<Record<string, number | null>>;
  readonly val_metrics?: Readonly<Record<string, number | null>> | undefined;
}

/** null where the epoch has none, or none that is a number. */
export function figureOf({ metric }: Objective, figures: EpochFigures): number | null {
  const value =
    metric === "loss"
      ? figures.loss
      : metric === "val_loss"
        ? figures.val_loss
        : metric.startsWith("val_")
          ? figures.val_metrics?.[metric.slice(4)]
          : figures.metrics[metric];
  return value ?? null;
}

/** The smaller, the better. */
export const cost = ({ mode }: Objective, value: number): number => (mode === "min" ? value : -value);

export const isBetter = (objective: Objective, value: number, than: number | null): boolean =>
  than === null || cost(objective, value) < cost(objective, than);
