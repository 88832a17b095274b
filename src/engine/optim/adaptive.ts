/** The optimizers of torch.optim beyond SGD and Adam, and Lion: arguments and state; the step is the instruction's. */
import { z } from "zod";
import { instructionOptimizer } from "./instruction-optimizer.ts";
import { beta, learningRate, maximize, weightDecay } from "./schema.ts";

const betas = z.tuple([beta, beta]);
const eps = z.number().min(0);
const decoupled = z.boolean().default(false).describe("Decay the weights apart from the gradient");

const MAXIMIZE = 2;
const maximizing = (a: { maximize: boolean }): number => (a.maximize ? MAXIMIZE : 0);

export const RMSprop = instructionOptimizer({
  type: "RMSprop",
  momentumAt: 4,
  summary: "Gradient over the root of its running mean square",
  instruction: "rmsprop",
  args: z.strictObject({
    lr: learningRate.default(1e-2),
    alpha: z.number().min(0).default(0.99),
    eps: eps.default(1e-8),
    weight_decay: weightDecay.default(0),
    momentum: z.number().min(0).default(0),
    centered: z.boolean().default(false).describe("Divide by the variance instead of the mean square"),
    maximize,
  }),
  hyper: (a) => [a.lr, a.alpha, a.eps, a.weight_decay, a.momentum],
  state: (a) => ({
    tensors: [["square_avg", 0], a.centered ? ["grad_avg", 0] : null, a.momentum > 0 ? ["momentum_buffer", 0] : null],
  }),
  flags: (a) => (a.centered ? 1 : 0) | maximizing(a) | (a.momentum > 0 ? 4 : 0),
});

export const Adagrad = instructionOptimizer({
  type: "Adagrad",
  momentumAt: null,
  summary: "Gradient over the root of the sum of its squares",
  instruction: "adagrad",
  args: z.strictObject({
    lr: learningRate.default(1e-2),
    lr_decay: z.number().min(0).default(0),
    weight_decay: weightDecay.default(0),
    initial_accumulator_value: z.number().min(0).default(0),
    eps: eps.default(1e-10),
    maximize,
  }),
  hyper: (a) => [a.lr, a.lr_decay, a.weight_decay, a.eps],
  state: (a) => ({ tensors: [["sum", a.initial_accumulator_value]] }),
  flags: maximizing,
});

export const Adadelta = instructionOptimizer({
  type: "Adadelta",
  momentumAt: null,
  summary: "Steps in the units of the weights, from running means of squares",
  instruction: "adadelta",
  args: z.strictObject({
    lr: learningRate.default(1),
    rho: z.number().min(0).max(1).default(0.9),
    eps: eps.default(1e-6),
    weight_decay: weightDecay.default(0),
    maximize,
  }),
  hyper: (a) => [a.lr, a.rho, a.eps, a.weight_decay],
  state: () => ({
    tensors: [
      ["square_avg", 0],
      ["acc_delta", 0],
    ],
  }),
  flags: maximizing,
});

export const Adamax = instructionOptimizer({
  type: "Adamax",
  momentumAt: 1,
  summary: "Adam with the largest gradient in place of the second moment",
  instruction: "adamax",
  args: z.strictObject({
    lr: learningRate.default(2e-3),
    betas: betas.default([0.9, 0.999]),
    eps: eps.default(1e-8),
    weight_decay: weightDecay.default(0),
    maximize,
  }),
  hyper: (a) => [a.lr, ...a.betas, a.eps, a.weight_decay],
  state: () => ({
    tensors: [
      ["exp_avg", 0],
      ["exp_inf", 0],
    ],
  }),
  flags: maximizing,
});

export const NAdam = instructionOptimizer({
  type: "NAdam",
  momentumAt: 1,
  summary: "Adam with Nesterov momentum",
  instruction: "nadam",
  args: z.strictObject({
    lr: learningRate.default(2e-3),
    betas: betas.default([0.9, 0.999]),
    eps: eps.default(1e-8),
    weight_decay: weightDecay.default(0),
    momentum_decay: z.number().min(0).default(4e-3),
    decoupled_weight_decay: decoupled,
    maximize,
  }),
  hyper: (a) => [a.lr, ...a.betas, a.eps, a.weight_decay, a.momentum_decay],
  state: () => ({
    tensors: [
      ["exp_avg", 0],
      ["exp_avg_sq", 0],
    ],
    scalars: { mu_product: 1 },
  }),
  flags: (a) => maximizing(a) | (a.decoupled_weight_decay ? 4 : 0),
});

export const RAdam = instructionOptimizer({
  type: "RAdam",
  momentumAt: 1,
  summary: "Adam whose adaptive rate waits until its variance is known",
  instruction: "radam",
  args: z.strictObject({
    lr: learningRate.default(1e-3),
    betas: betas.default([0.9, 0.999]),
    eps: eps.default(1e-8),
    weight_decay: weightDecay.default(0),
    decoupled_weight_decay: decoupled,
    maximize,
  }),
  hyper: (a) => [a.lr, ...a.betas, a.eps, a.weight_decay],
  state: () => ({
    tensors: [
      ["exp_avg", 0],
      ["exp_avg_sq", 0],
    ],
  }),
  flags: (a) => maximizing(a) | (a.decoupled_weight_decay ? 4 : 0),
});

export const Rprop = instructionOptimizer({
  type: "Rprop",
  momentumAt: null,
  summary: "Steps by the gradient's sign alone, longer while it stays; for whole-batch training",
  instruction: "rprop",
  args: z.strictObject({
    lr: learningRate.default(1e-2),
    etas: z.tuple([z.number().gt(0).lt(1), z.number().gt(1)]).default([0.5, 1.2]),
    step_sizes: z.tuple([z.number().min(0), z.number().min(0)]).default([1e-6, 50]),
    maximize,
  }),
  hyper: (a) => [a.lr, ...a.etas, ...a.step_sizes],
  state: (a) => ({
    tensors: [
      ["prev", 0],
      ["step_size", a.lr],
    ],
  }),
  flags: maximizing,
});

export const ASGD = instructionOptimizer({
  type: "ASGD",
  momentumAt: null,
  summary: "Averaged stochastic gradient descent",
  instruction: "asgd",
  args: z.strictObject({
    lr: learningRate.default(1e-2),
    lambd: z.number().default(1e-4),
    alpha: z.number().default(0.75),
    t0: z.number().default(1e6),
    weight_decay: weightDecay.default(0),
    maximize,
  }),
  hyper: (a) => [a.lr, a.lambd, a.alpha, a.t0, a.weight_decay],
  state: (a) => ({ tensors: [["ax", 0]], scalars: { eta: a.lr, mu: 1 } }),
  flags: maximizing,
});

export const Lion = instructionOptimizer({
  type: "Lion",
  momentumAt: 1,
  summary: "The sign of a momentum (Chen et al. 2023)",
  instruction: "lion",
  args: z.strictObject({
    lr: learningRate.default(1e-4),
    betas: betas.default([0.9, 0.99]),
    weight_decay: weightDecay.default(0),
    maximize,
  }),
  hyper: (a) => [a.lr, ...a.betas, a.weight_decay],
  state: () => ({ tensors: [["exp_avg", 0]] }),
  flags: maximizing,
});
