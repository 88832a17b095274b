/** Stochastic gradient descent with momentum, dampening, Nesterov's variant and weight decay: torch.optim.SGD. */
import { z } from "zod";
import type { Storage } from "../device.ts";
import type { Parameter } from "../nn/parameter.ts";
import type { Tensor } from "../tensor.ts";
import { defineOptimizer, Optimizer, type ParameterState } from "./optimizer.ts";
import { learningRate, maximize, weightDecay } from "./schema.ts";

const args = z
  .strictObject({
    lr: learningRate.default(1e-3),
    momentum: z.number().min(0).default(0),
    dampening: z.number().default(0),
    weight_decay: weightDecay.default(0),
    nesterov: z.boolean().default(false),
    maximize,
  })
  .refine((a) => !a.nesterov || (a.momentum > 0 && a.dampening === 0), {
    path: ["nesterov"],
    message: "Nesterov momentum needs a momentum above 0 and no dampening",
  });

export class SGD extends Optimizer {
  readonly #flags: number;

  constructor(parameters: readonly Parameter[], options: z.input<typeof args> = {}) {
    const a = args.parse(options);
    super(parameters, [a.lr, a.momentum, a.dampening, a.weight_decay], {
      tensors: a.momentum === 0 ? {} : { momentum_buffer: 0 },
    });
    this.#flags = (a.nesterov ? 1 : 0) | (a.maximize ? 2 : 0) | (a.momentum === 0 ? 0 : 4);
  }

  protected override update(
    parameter: Parameter,
    grad: Tensor,
    { scalars, tensors }: ParameterState,
    hyper: Storage,
  ): void {
    const param = parameter.storage.buffer;
    const momentum = tensors.get("momentum_buffer")?.storage.buffer ?? param;
    parameter.device.run(
      "sgd",
      [param, momentum, scalars.buffer, grad.storage.buffer, hyper.buffer],
      [parameter.size, this.#flags],
    );
  }
}

export const sgd = defineOptimizer({
  type: "SGD",
  summary: "Stochastic gradient descent, with momentum if asked",
  args,
  momentumAt: 1,
  stateTensors: (given) => (given.momentum === 0 ? 0 : 1),
  create: (parameters, given) => new SGD(parameters, given),
});
