/** What may change while a job trains. A change that names its step can stand in a spec, to repeat a job that was changed. */
import { z } from "zod";
import type { Change, PlannedChange } from "../engine/definitions.ts";
import type { EarlyStopping } from "./job-spec.ts";

interface ChangeFields {
  readonly lr?: number | undefined;
  readonly epochs?: number | undefined;
  readonly early_stopping?: EarlyStopping | null | undefined;
}

export const lr = z
  .number()
  .min(0)
  .meta({ description: "The base learning rate; the rates of a scheduler change in proportion." });
export const epochs = z.int().min(1).max(1e6).meta({
  description:
    "The last epoch; one that has begun is trained to its end. A scheduler keeps the length it was made for.",
});

export const place = {
  step: z.int().min(0).meta({ description: "The optimizer steps behind the job when the change takes effect." }),
  rollbacks: z
    .int()
    .min(0)
    .default(0)
    .meta({ description: "How often the job has gone back until then, because of a loss that was not finite." }),
};

/** For the engine; early stopping with its `mode` filled in. */
export function changeOf({ lr, epochs, early_stopping }: ChangeFields): Change {
  return {
    ...(lr !== undefined && { lr }),
    ...(epochs !== undefined && { epochs }),
    ...(early_stopping !== undefined && { earlyStopping: early_stopping && earlyStoppingPlan(early_stopping) }),
  };
}

export const plannedChange = (given: ChangeFields & { step: number; rollbacks: number }): PlannedChange => ({
  ...changeOf(given),
  step: given.step,
  rollbacks: given.rollbacks,
});

/** As a spec names it: what `plannedChange` takes. */
export function specChange({ step, rollbacks, lr, epochs, earlyStopping }: PlannedChange) {
  return {
    step,
    rollbacks,
    ...(lr !== undefined && { lr }),
    ...(epochs !== undefined && { epochs }),
    ...(earlyStopping !== undefined && {
      early_stopping: earlyStopping && {
        monitor: earlyStopping.monitor,
        patience: earlyStopping.patience,
        min_delta: earlyStopping.minDelta,
        mode: earlyStopping.mode,
        restore_best: earlyStopping.restoreBest,
      },
    }),
  };
}

export function earlyStoppingPlan(given: EarlyStopping) {
  return {
    monitor: given.monitor,
    patience: given.patience,
    minDelta: given.min_delta,
    mode: given.mode ?? "min",
    restoreBest: given.restore_best,
  };
}
