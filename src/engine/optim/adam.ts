/** Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019), as torch.optim has them: eps outside the root. */
import { z } from "zod";
import type { Storage } from "../device.ts";
import type { Parameter } from "../nn/parameter.ts";
import type { Tensor } from "../tensor.ts";
import { defineOptimizer, Optimizer, type ParameterState } from "./optimizer.ts";
import { beta, learningRate, maximize, weightDecay } from "./schema.ts";

const shared = {
  lr: learningRate.default(1e-3),
  betas: z.tuple([beta, beta]).default([0.9, 0.999]),
  eps: z.number().min(0).default(1e-8),
  amsgrad: z.boolean().default(false).describe("Divide by the largest second moment so far"),
  maximize,
};
const adamArgs = z.strictObject({
  ...shared,
  weight_decay: weightDecay.default(0),
  decoupled_weight_decay: z.boolean().default(false).describe("Decay the weights as AdamW does"),
});
const adamWArgs = z.strictObject({ ...shared, weight_decay: weightDecay.default(1e-2) });

export class Adam extends Optimizer {
  readonly #flags: number;

  constructor(parameters: readonly Parameter[], options: z.input<typeof adamArgs> = {}) {
    const a = adamArgs.parse(options);
    const tensors = { exp_avg: 0, exp_avg_sq: 0, ...(a.amsgrad && { max_exp_avg_sq: 0 }) };
    super(parameters, [a.lr, ...a.betas, a.eps, a.weight_decay], { tensors });
    this.#flags = (a.amsgrad ? 1 : 0) | (a.maximize ? 2 : 0) | (a.decoupled_weight_decay ? 4 : 0);
  }

  protected override update(
    parameter: Parameter,
    grad: Tensor,
    { scalars, tensors }: ParameterState,
    hyper: Storage,
  ): void {
    const param = parameter.storage.buffer;
    const state = (name: string) => tensors.get(name)?.storage.buffer ?? param;
    const buffers = [
      param,
      state("exp_avg"),
      state("exp_avg_sq"),
      state("max_exp_avg_sq"),
      scalars.buffer,
      grad.storage.buffer,
      hyper.buffer,
    ];
    parameter.device.run("adam", buffers, [parameter.size, this.#flags]);
  }
}

export class AdamW extends Adam {
  constructor(parameters: readonly Parameter[], options: z.input<typeof adamWArgs> = {}) {
    super(parameters, { ...adamWArgs.parse(options), decoupled_weight_decay: true });
  }
}

export const adam = defineOptimizer({
  type: "Adam",
  summary: "Adaptive moments with bias correction",
  args: adamArgs,
  momentumAt: 1,
  stateTensors: (given) => (given.amsgrad ? 3 : 2),
  create: (parameters, given) => new Adam(parameters, given),
});

export const adamW = defineOptimizer({
  type: "AdamW",
  summary: "Adam with weight decay apart from the gradient",
  args: adamWArgs,
  momentumAt: 1,
  stateTensors: (given) => (given.amsgrad ? 3 : 2),
  create: (parameters, given) => new AdamW(parameters, given),
});
