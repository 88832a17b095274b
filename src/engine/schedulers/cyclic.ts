/** Schedules that move per step and take the momentum along: CyclicLR (Smith 2017) and OneCycleLR (Smith & Topin 2019). */
import { z } from "zod";
import { cosineBetween } from "./cosine.ts";
import { defineScheduler, type Rate } from "./definition.ts";

const rate = z.number().min(0);
const momentum = z.number().min(0).max(1);
const count = z.int().min(1);

export const cyclicLR = defineScheduler({
  type: "CyclicLR",
  summary: "Between base_lr and max_lr and back, the momentum the other way",
  interval: "step",
  args: z.strictObject({
    base_lr: rate,
    max_lr: rate,
    step_size_up: count.default(2000),
    step_size_down: count.nullable().default(null).describe("null: as long as the way up"),
    mode: z.enum(["triangular", "triangular2", "exp_range"]).default("triangular"),
    gamma: z.number().min(0).default(1),
    cycle_momentum: z.boolean().default(true),
    base_momentum: momentum.default(0.8),
    max_momentum: momentum.default(0.9),
  }),
  movesMomentum: (a) => a.cycle_momentum,
  startsAt: (a) => a.base_lr,
  create: (a) => {
    const length = a.step_size_up + (a.step_size_down ?? a.step_size_up);
    const rising = a.step_size_up / length;
    const scale = {
      triangular: () => 1,
      triangular2: (cycle: number) => 1 / 2 ** cycle,
      exp_range: (_: number, t: number) => a.gamma ** t,
    }[a.mode];
    return (t): Rate => {
      const cycle = Math.floor(t / length);
      const position = t / length - cycle;
      const height = (position <= rising ? position / rising : (position - 1) / (rising - 1)) * scale(cycle, t);
      const lr = a.base_lr + (a.max_lr - a.base_lr) * height;
      return a.cycle_momentum ? { lr, momentum: a.max_momentum - (a.max_momentum - a.base_momentum) * height } : { lr };
    };
  },
});

interface Phase {
  readonly end: number;
  readonly lr: readonly [number, number];
  readonly momentum: readonly [number, number];
}

export const oneCycleLR = defineScheduler({
  type: "OneCycleLR",
  summary: "Up to max_lr and down to next to nothing, over the whole run; the momentum the other way",
  interval: "step",
  args: z.strictObject({
    max_lr: rate,
    total_steps: count.nullable().default(null).describe("null: the steps of the job"),
    pct_start: z.number().gt(0).lt(1).default(0.3),
    anneal_strategy: z.enum(["cos", "linear"]).default("cos"),
    cycle_momentum: z.boolean().default(true),
    base_momentum: momentum.default(0.85),
    max_momentum: momentum.default(0.95),
    div_factor: z.number().gt(0).default(25),
    final_div_factor: z.number().gt(0).default(1e4),
    three_phase: z.boolean().default(false),
  }),
  check: (a, total) =>
    a.total_steps !== null && a.total_steps < total
      ? [
          {
            field: "total_steps",
            message: `is ${a.total_steps}, but the job has ${total} steps. Leave it out, and the job's number is used`,
          },
        ]
      : [],
  movesMomentum: (a) => a.cycle_momentum,
  startsAt: (a) => a.max_lr / a.div_factor,
  create: (a, { total }) => {
    const steps = a.total_steps ?? total;
    const phases = phasesOf(a, steps);
    const between =
      a.anneal_strategy === "cos"
        ? cosineBetween
        : (from: number, to: number, share: number) => from + (to - from) * share;
    return (t): Rate => {
      let start = 0;
      for (const [i, { end, lr, momentum: m }] of phases.entries()) {
        if (t <= end || i === phases.length - 1) {
          const share = end > start ? Math.min(1, (t - start) / (end - start)) : 1;
          const moved = { lr: between(lr[0], lr[1], share) };
          return a.cycle_momentum ? { ...moved, momentum: between(m[0], m[1], share) } : moved;
        }
        start = end;
      }
      return { lr: a.max_lr };
    };
  },
});

function phasesOf(
  a: {
    max_lr: number;
    div_factor: number;
    final_div_factor: number;
    pct_start: number;
    three_phase: boolean;
    base_momentum: number;
    max_momentum: number;
  },
  steps: number,
): readonly Phase[] {
  const initial = a.max_lr / a.div_factor;
  const last = initial / a.final_div_factor;
  const up: Phase = {
    end: a.pct_start * steps - 1,
    lr: [initial, a.max_lr],
    momentum: [a.max_momentum, a.base_momentum],
  };
  if (!a.three_phase)
    return [up, { end: steps - 1, lr: [a.max_lr, last], momentum: [a.base_momentum, a.max_momentum] }];
  return [
    up,
    { end: 2 * a.pct_start * steps - 2, lr: [a.max_lr, initial], momentum: [a.base_momentum, a.max_momentum] },
    { end: steps - 1, lr: [initial, last], momentum: [a.max_momentum, a.max_momentum] },
  ];
}
