/** What a learning-rate scheduler is: a rate for every time t, counted in epochs or in steps from 0. */
import type { z } from "zod";

export interface Rate {
  readonly lr: number;
  /** Momentum (or Adam's β₁), where the schedule moves it too. */
  readonly momentum?: number;
}

/** What a schedule starts from. */
export interface ScheduleContext {
  /** The optimizer's own learning rate. */
  readonly baseLr: number;
  /** How long the run is, in the scheduler's interval. */
  readonly total: number;
}

export type Schedule = (t: number) => Rate;

export type Interval = "epoch" | "step";

export interface SchedulerDefinition<Schema extends z.ZodObject = z.ZodObject> {
  /** PyTorch's class name. */
  readonly type: string;
  readonly summary: string;
  readonly args: Schema;
  /** Whether t counts epochs or steps, unless the spec says otherwise. */
  readonly interval: Interval;
  /** What does not go together, for instance in a run of `total` epochs or steps; empty when all does. */
  check(args: z.output<Schema>, total: number): { field?: string; message: string }[];
  /** True if {@link create}'s rates carry a momentum. */
  movesMomentum(args: z.output<Schema>): boolean;
  /** The rate to which a warm-up leads, where PyTorch's class puts it in place of the optimizer's own. */
  startsAt?(args: z.output<Schema>): number;
  create(args: z.output<Schema>, context: ScheduleContext): Schedule;
}

export function defineScheduler<Schema extends z.ZodObject>(
  definition: Omit<SchedulerDefinition<Schema>, "interval" | "check" | "movesMomentum"> &
    Partial<SchedulerDefinition<Schema>>,
): SchedulerDefinition<Schema> {
  return { interval: "epoch", check: () => [], movesMomentum: () => false, ...definition };
}
