/** Schedules that are a factor on the optimizer's rate, in closed form: resuming anywhere gives the same rates. */
import { z } from "zod";
import { defineScheduler, type SchedulerDefinition } from "./definition.ts";

const count = z.int().min(1);
const factor = z.number().min(0);

/** A scheduler from PyTorch's closed form of its factor at time t. */
function byFactor<Schema extends z.ZodObject>(
  type: string,
  summary: string,
  args: Schema,
  factorAt: (t: number, args: z.output<Schema>) => number,
): SchedulerDefinition<Schema> {
  return defineScheduler({
    type,
    summary,
    args,
    create:
      (given, { baseLr }) =>
      (t) => ({ lr: baseLr * factorAt(t, given) }),
  });
}

export const stepLR = byFactor(
  "StepLR",
  "Times gamma every step_size epochs",
  z.strictObject({ step_size: count, gamma: factor.default(0.1) }),
  (t, a) => a.gamma ** Math.floor(t / a.step_size),
);

export const multiStepLR = byFactor(
  "MultiStepLR",
  "Times gamma at each milestone",
  z.strictObject({ milestones: z.array(z.int().min(0)).min(1), gamma: factor.default(0.1) }),
  (t, a) => a.gamma ** a.milestones.filter((milestone) => milestone <= t).length,
);

export const constantLR = byFactor(
  "ConstantLR",
  "Times factor for the first total_iters epochs",
  z.strictObject({ factor: factor.max(1).default(1 / 3), total_iters: z.int().min(0).default(5) }),
  (t, a) => (t < a.total_iters ? a.factor : 1),
);

export const linearLR = byFactor(
  "LinearLR",
  "From start_factor to end_factor in total_iters epochs: a warm-up",
  z.strictObject({
    start_factor: z
      .number()
      .gt(0)
      .max(1)
      .default(1 / 3),
    end_factor: factor.max(1).default(1),
    total_iters: count.default(5),
  }),
  (t, a) => a.start_factor + ((a.end_factor - a.start_factor) * Math.min(t, a.total_iters)) / a.total_iters,
);

export const exponentialLR = byFactor(
  "ExponentialLR",
  "Times gamma every epoch",
  z.strictObject({ gamma: factor }),
  (t, a) => a.gamma ** t,
);

export const polynomialLR = byFactor(
  "PolynomialLR",
  "Down to 0 in total_iters epochs, along a power of what is left",
  z.strictObject({ total_iters: count.default(5), power: z.number().min(0).default(1) }),
  (t, a) => (1 - Math.min(t, a.total_iters) / a.total_iters) ** a.power,
);
