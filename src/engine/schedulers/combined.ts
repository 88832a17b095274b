/** SequentialLR and ChainedScheduler: schedules made of schedules. */
import { z } from "zod";
import { cosineAnnealingLR, cosineAnnealingWarmRestarts } from "./cosine.ts";
import { cyclicLR, oneCycleLR } from "./cyclic.ts";
import { defineScheduler, type Schedule, type ScheduleContext, type SchedulerDefinition } from "./definition.ts";
import { constantLR, exponentialLR, linearLR, multiStepLR, polynomialLR, stepLR } from "./factors.ts";

/** Those that give a rate for any t by themselves. */
export const simpleSchedulers: readonly SchedulerDefinition[] = [
  stepLR,
  multiStepLR,
  constantLR,
  linearLR,
  exponentialLR,
  polynomialLR,
  cosineAnnealingLR,
  cosineAnnealingWarmRestarts,
  cyclicLR,
  oneCycleLR,
];

const byType = (definitions: readonly SchedulerDefinition[]) => {
  const [first, ...others] = definitions.map((it) => it.args.extend({ type: z.literal(it.type) }).strict());
  if (!first) throw new Error("there are no schedulers to choose from");
  return z
    .array(z.discriminatedUnion("type", [first, ...others]))
    .min(1)
    .max(100);
};

function create(given: Record<string, unknown>, context: ScheduleContext): Schedule {
  const { type, ...args } = given;
  const definition = simpleSchedulers.find((it) => it.type === type);
  if (!definition) throw new Error(`Unknown scheduler ${String(type)}.`);
  return definition.create(definition.args.parse(args), context);
}

const ofEpochs = simpleSchedulers.filter((it) => it.interval === "epoch");

export const sequentialLR = defineScheduler({
  type: "SequentialLR",
  summary: "One scheduler after another; each starts at its own beginning when its milestone is reached",
  args: z
    .strictObject({ schedulers: byType(ofEpochs), milestones: z.array(z.int().min(1)) })
    .refine((a) => a.milestones.length === a.schedulers.length - 1, {
      path: ["milestones"],
      message: "must be one fewer than the schedulers",
    })
    .refine((a) => a.milestones.every((m, i) => i === 0 || m > (a.milestones[i - 1] ?? 0)), {
      path: ["milestones"],
      message: "must rise",
    }),
  create: (a, context) => {
    const schedules = a.schedulers.map((given) => create(given, context));
    return (t) => {
      const at = a.milestones.filter((milestone) => milestone <= t).length;
      return schedules[at]?.(t - (a.milestones[at - 1] ?? 0)) ?? { lr: context.baseLr };
    };
  },
});

/** Factors multiply; so only schedulers that are factors can be chained. */
const factors: readonly SchedulerDefinition[] = [
  stepLR,
  multiStepLR,
  constantLR,
  linearLR,
  exponentialLR,
  polynomialLR,
];

export const chainedScheduler = defineScheduler({
  type: "ChainedScheduler",
  summary: "Several schedulers at once: their factors multiply",
  args: z.strictObject({ schedulers: byType(factors) }),
  create: (a, context) => {
    const schedules = a.schedulers.map((given) => create(given, { ...context, baseLr: 1 }));
    return (t) => ({ lr: schedules.reduce((lr, schedule) => lr * schedule(t).lr, context.baseLr) });
  },
});
