/** Random optimizers and schedulers. */
import { optimizers, type Shape } from "../../src/engine/definitions.ts";
import type { Draw } from "../draw.ts";
import type { Args } from "./draw-layers.ts";

type Make = (draw: Draw) => Args;

const flag = (draw: Draw): boolean => draw.chance(0.2);
const decay = (draw: Draw): Args => (draw.chance(0.4) ? { weight_decay: draw.scale(1e-4, 1e-1) } : {});
const uphill = (draw: Draw): Args => (draw.chance(0.1) ? { maximize: true } : {});
const betas = (draw: Draw): Args =>
  draw.chance(0.5) ? { betas: [draw.pick([0, 0.5, 0.9]), draw.pick([0.9, 0.99])] } : {};
/** Not the defaults alone: where a gradient is all rounding, a small eps would make a step of it. */
const eps = (draw: Draw): Args => ({ eps: draw.pick([1e-8, 1e-6, 1e-3]) });
const adam: Make = (draw) => ({
  lr: draw.scale(1e-3, 3e-2),
  ...betas(draw),
  ...eps(draw),
  ...decay(draw),
  ...uphill(draw),
});

export const optimizerMakers: Readonly<Record<string, Make>> = {
  SGD: (draw) => {
    const momentum = draw.pick([0, 0.5, 0.9]);
    const nesterov = momentum > 0 && draw.chance(0.3);
    const dampening = !nesterov && flag(draw) ? 0.3 : 0;
    return { lr: draw.scale(1e-3, 1e-1), momentum, nesterov, dampening, ...decay(draw), ...uphill(draw) };
  },
  Adam: (draw) => ({ ...adam(draw), amsgrad: flag(draw), decoupled_weight_decay: flag(draw) }),
  AdamW: (draw) => ({ ...adam(draw), amsgrad: flag(draw) }),
  RMSprop: (draw) => ({
    lr: draw.scale(1e-3, 1e-2),
    alpha: draw.pick([0.9, 0.99]),
    momentum: draw.pick([0, 0.5]),
    centered: flag(draw),
    ...eps(draw),
    ...decay(draw),
    ...uphill(draw),
  }),
  Adagrad: (draw) => ({
    lr: draw.scale(1e-3, 1e-1),
    lr_decay: draw.pick([0, 0.1]),
    initial_accumulator_value: draw.pick([0, 0.1]),
    ...eps(draw),
    ...decay(draw),
    ...uphill(draw),
  }),
  Adadelta: (draw) => ({
    lr: draw.scale(0.1, 2),
    rho: draw.real(0.5, 0.95),
    ...eps(draw),
    ...decay(draw),
    ...uphill(draw),
  }),
  Adamax: adam,
  NAdam: (draw) => ({ ...adam(draw), momentum_decay: draw.pick([4e-3, 0.1]), decoupled_weight_decay: flag(draw) }),
  RAdam: (draw) => ({ ...adam(draw), decoupled_weight_decay: flag(draw) }),
  Rprop: (draw) => ({ lr: draw.scale(1e-3, 1e-2), ...uphill(draw) }),
  ASGD: (draw) => ({
    lr: draw.scale(1e-3, 1e-1),
    lambd: draw.pick([1e-4, 1e-2]),
    alpha: draw.real(0.5, 1),
    t0: draw.pick([1e6, 3]),
    ...decay(draw),
    ...uphill(draw),
  }),
  Adafactor: (draw) => ({
    lr: draw.scale(1e-3, 5e-2),
    beta2_decay: draw.pick([-0.8, -0.5]),
    eps: [draw.pick([null, 1e-6]), draw.pick([1e-3, 1e-2])],
    d: draw.pick([1, 2]),
    ...decay(draw),
    ...uphill(draw),
  }),
  Muon: (draw) => ({
    lr: draw.scale(1e-3, 3e-2),
    momentum: draw.pick([0.95, 0.5]),
    nesterov: draw.chance(0.7),
    ns_steps: draw.int(2, 5),
    adjust_lr_fn: draw.pick([null, "original", "match_rms_adamw"]),
    ...decay(draw),
    ...uphill(draw),
  }),
  Lion: (draw) => ({ lr: draw.scale(1e-4, 1e-2), ...betas(draw), ...decay(draw), ...uphill(draw) }),
};

/** One that takes every parameter of these shapes. */
export function drawOptimizer(draw: Draw, parameters: readonly Shape[]): Args & { type: string } {
  const suited = Object.entries(optimizerMakers).filter(([type]) =>
    parameters.every((shape) => optimizers.get(type)?.takes?.(shape) ?? true),
  );
  const [type, make] = draw.pick(suited);
  return { type, ...make(draw) };
}

const times = (draw: Draw): number => draw.int(1, 5);
const factors: Readonly<Record<string, Make>> = {
  StepLR: (draw) => ({ step_size: times(draw), gamma: draw.real(0.2, 1.1) }),
  MultiStepLR: (draw) => ({ milestones: [times(draw), 4, 6], gamma: draw.real(0.2, 1) }),
  ConstantLR: (draw) => ({ factor: draw.real(0.1, 1), total_iters: times(draw) }),
  LinearLR: (draw) => ({
    start_factor: draw.real(0.1, 1),
    end_factor: draw.real(0.2, 1),
    total_iters: times(draw),
  }),
  ExponentialLR: (draw) => ({ gamma: draw.real(0.5, 1) }),
  PolynomialLR: (draw) => ({ total_iters: times(draw), power: draw.pick([1, 2, 0.5]) }),
};
const cosines: Readonly<Record<string, Make>> = {
  CosineAnnealingLR: (draw) => ({ T_max: draw.int(1, 8), eta_min: draw.pick([0, 1e-3]) }),
  CosineAnnealingWarmRestarts: (draw) => ({
    T_0: draw.int(1, 4),
    T_mult: draw.int(1, 2),
    eta_min: draw.pick([0, 1e-3]),
  }),
};
const parts = { ...factors, ...cosines };

function some(draw: Draw, from: Readonly<Record<string, Make>>): Args & { type: string } {
  const [type, make] = draw.pick(Object.entries(from));
  return { type, ...make(draw) };
}

export const schedulerMakers: Readonly<Record<string, Make>> = {
  ...parts,
  CyclicLR: (draw) => ({
    base_lr: draw.scale(1e-3, 1e-2),
    max_lr: draw.scale(1e-2, 5e-2),
    step_size_up: times(draw),
    step_size_down: draw.pick([null, 2, 3]),
    mode: draw.pick(["triangular", "triangular2", "exp_range"]),
    gamma: 0.95,
  }),
  OneCycleLR: (draw) => ({
    max_lr: draw.scale(1e-2, 5e-2),
    pct_start: draw.real(0.2, 0.5),
    anneal_strategy: draw.pick(["cos", "linear"]),
    div_factor: draw.pick([25, 4]),
    three_phase: draw.chance(0.3),
  }),
  ReduceLROnPlateau: (draw) => ({
    mode: draw.pick(["min", "max"]),
    factor: draw.real(0.1, 0.9),
    patience: draw.int(0, 1),
    threshold: draw.pick([1e-4, 0.05]),
    threshold_mode: draw.pick(["rel", "abs"]),
    cooldown: draw.int(0, 1),
  }),
  SequentialLR: (draw) => ({ schedulers: [some(draw, parts), some(draw, parts)], milestones: [draw.int(1, 4)] }),
  ChainedScheduler: (draw) => ({ schedulers: [some(draw, factors), some(draw, factors)] }),
};

/** `steps`: of the whole run. */
export function drawScheduler(draw: Draw, optimizer: string, steps: number): Args | null {
  if (draw.chance(0.4)) return null;
  const [type, make] = draw.pick(Object.entries(schedulerMakers));
  const moves = (type === "CyclicLR" || type === "OneCycleLR") && optimizers.get(optimizer)?.momentumAt != null;
  return {
    type,
    ...make(draw),
    ...((type === "CyclicLR" || type === "OneCycleLR") && { cycle_momentum: moves && draw.chance(0.7) }),
    ...(draw.chance(0.3) && { interval: draw.pick(["epoch", "step"]) }),
    ...(draw.chance(0.25) && { warmup_steps: draw.int(1, steps - 1) }),
  };
}
