/** The scheduler of a spec: the engine's definition, with what a job adds to its arguments. */
import { z } from "zod";
import { type OptimizerDefinition, type SchedulerDefinition, schedulers } from "../engine/definitions.ts";
import { checkComponent } from "./check-component.ts";
import type { Component, JobSpec } from "./job-spec.ts";
import { joinPath, type Mistakes } from "./mistakes.ts";
import { stepsOf } from "./model-costs.ts";

/** A scheduler's definition whose arguments are those of a spec. */
export type SpecScheduler = Pick<SchedulerDefinition, "type" | "summary" | "args">;

export const specSchedulers: ReadonlyMap<string, SpecScheduler> = new Map(
  Array.from(schedulers, ([type, { summary, args, interval }]) => [
    type,
    { type, summary, args: withTime(args, interval) },
  ]),
);

function withTime(args: z.ZodObject, interval: SchedulerDefinition["interval"]): z.ZodObject {
  return args.extend({
    interval: z.enum(["epoch", "step"]).default(interval).meta({ description: "What the scheduler's time counts." }),
    warmup_steps: z
      .int()
      .min(0)
      .max(1e9)
      .default(0)
      .meta({ description: "Steps of a linear rise from a third of the rate, before the scheduler begins." }),
  });
}

/** Undefined after a mistake; null where there is none. */
export function checkScheduler(input: unknown, mistakes: Mistakes): Component | null | undefined {
  if (input === undefined || input === null) return null;
  const checked = checkComponent(input, "scheduler", specSchedulers, "scheduler", mistakes, true);
  return checked?.args && { type: checked.definition.type, ...checked.args };
}

/** What follows from the rest of the spec: the length of the run, and what the optimizer can take. */
export function checkSchedule(
  spec: JobSpec,
  trainRows: number,
  optimizer: OptimizerDefinition,
  mistakes: Mistakes,
): void {
  if (!spec.scheduler) return;
  const { type, interval, warmup_steps, ...given } = spec.scheduler;
  const definition = schedulers.get(type);
  if (!definition) return;
  const args = definition.args.parse(given);
  const steps = stepsOf(spec, trainRows);
  for (const { field, message } of definition.check(args, interval === "step" ? steps : spec.epochs)) {
    mistakes.add(field === undefined ? "scheduler" : joinPath("scheduler", field), message);
  }
  if (typeof warmup_steps === "number" && warmup_steps >= steps && warmup_steps > 0) {
    mistakes.add("scheduler.warmup_steps", `is ${warmup_steps}, but the job has ${steps} steps in all`);
  }
  if (definition.movesMomentum(args) && optimizer.momentumAt === null) {
    mistakes.add(
      "scheduler.cycle_momentum",
      `needs an optimizer with momentum or betas, and ${optimizer.type} has neither; set it to false`,
    );
  }
}
