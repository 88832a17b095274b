/** torch.optim.lr_scheduler's schedulers, as far as the engine has them, by type. */
import { chainedScheduler, sequentialLR, simpleSchedulers } from "./combined.ts";
import { defineScheduler, type SchedulerDefinition } from "./definition.ts";
import { plateauArgs } from "./plateau.ts";

export type { Interval, Rate, Schedule, ScheduleContext, SchedulerDefinition } from "./definition.ts";
export { Plateau, type PlateauState } from "./plateau.ts";

/** Its rate depends on the run, not on time alone: the trainer asks {@link Plateau}. */
export const reduceLROnPlateau = defineScheduler({
  type: "ReduceLROnPlateau",
  summary:
    "Times factor once the validation loss (or the training loss without validation) has not got better for a while",
  args: plateauArgs,
  create:
    (_args, { baseLr }) =>
    () => ({ lr: baseLr }),
});

const definitions: readonly SchedulerDefinition[] = [
  ...simpleSchedulers,
  reduceLROnPlateau,
  sequentialLR,
  chainedScheduler,
];

/** Every scheduler that a spec may name. */
export const schedulers: ReadonlyMap<string, SchedulerDefinition> = new Map(definitions.map((it) => [it.type, it]));
