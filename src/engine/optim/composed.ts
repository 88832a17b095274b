/** What optimizers whose step is several ops are made of: numbers from the device's float64 state, and new values in place. */
import { noGrad } from "../autograd.ts";
import type { Storage } from "../device.ts";
import type { Parameter } from "../nn/parameter.ts";
import { reshape, slice } from "../ops/index.ts";
import { empty } from "../ops/op.ts";
import { ones, type Tensor } from "../tensor.ts";
import { Optimizer, type ParameterState } from "./optimizer.ts";

export abstract class ComposedOptimizer extends Optimizer {
  protected override update(parameter: Parameter, grad: Tensor, state: ParameterState, hyper: Storage): void {
    const { device } = parameter;
    noGrad(() => {
      device.run("accumulate", [state.scalars.buffer, ones([1], { device }).storage.buffer], [1]);
      const step = reshape(toSingle(state.scalars, 1), []);
      const numbers = toSingle(hyper, this.hyperCount);
      this.compute(parameter, grad, state.tensors, step, (i) => reshape(slice(numbers, 0, i, i + 1), []));
    });
  }

  /** How many hyperparameters there are, the learning rate first. */
  protected abstract readonly hyperCount: number;

  /** By ops, and {@link assign}. `step` is counted from 1; `hyper(i)` is a hyperparameter as it is now, both of shape []. */
  protected abstract compute(
    parameter: Parameter,
    grad: Tensor,
    state: ReadonlyMap<string, Tensor>,
    step: Tensor,
    hyper: (i: number) => Tensor,
  ): void;
}

/** Float64 numbers in float32, with which ops compute. */
function toSingle(from: Storage, count: number): Tensor {
  const values = empty(from.device, [count]);
  from.device.run("toSingle", [values.storage.buffer, from.buffer], [count]);
  return values;
}

/** Gives a tensor that is kept new values. */
export function assign(kept: Tensor, values: Tensor): void {
  kept.device.run("copy", [kept.storage.buffer, values.storage.buffer], [kept.size]);
}
