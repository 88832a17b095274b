/**
 * Optimizer: what SGD, Adam and the others share. Everything that may change between two steps (learning rate, momentum,
 * step count) lies in device buffers, so that a captured step sees the change.
 */
import type { z } from "zod";
import type { Storage } from "../device.ts";
import type { Parameter } from "../nn/parameter.ts";
import { elementCount } from "../shape.ts";
import { Tensor } from "../tensor.ts";

export interface OptimizerDefinition<Schema extends z.ZodObject = z.ZodObject> {
  /** PyTorch's class name. */
  readonly type: string;
  readonly summary: string;
  readonly args: Schema;
  create(parameters: readonly Parameter[], args: z.output<Schema>): Optimizer;
}

export function defineOptimizer<Schema extends z.ZodObject>(
  definition: OptimizerDefinition<Schema>,
): OptimizerDefinition<Schema> {
  return definition;
}

/** One parameter's state: PyTorch's names, each a tensor of the parameter's size; `step` is one float64. */
export interface ParameterState {
  readonly step: Storage;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

export abstract class Optimizer {
  readonly parameters: readonly Parameter[];
  /** Float64 values in the order that the optimizer's instruction wants; the learning rate comes first. */
  readonly #hyper: Float64Array;
  readonly #hyperStorage: Storage;
  readonly #states: readonly ParameterState[];

  constructor(parameters: readonly Parameter[], hyper: readonly number[], stateNames: readonly string[]) {
    const [first] = parameters;
    if (!first)
      throw new Error("An optimizer needs at least one parameter, and got none: the model has no weights to train.");
    this.parameters = parameters;
    this.#hyper = Float64Array.from(hyper);
    this.#hyperStorage = first.device.store(this.#hyper);
    this.#states = parameters.map((parameter) => freshState(parameter, stateNames));
  }

  get lr(): number {
    return this.#hyper[0] ?? 0;
  }
  set lr(rate: number) {
    this.setHyper(0, rate);
  }

  /** Changes one of the values that the instruction reads. */
  protected setHyper(at: number, value: number): void {
    if (this.#hyper[at] === value) return;
    this.#hyper[at] = value;
    const { device, buffer } = this.#hyperStorage;
    device.backend.write(buffer, this.#hyper);
  }

  /** Updates every parameter that has a gradient. */
  step(): void {
    this.parameters.forEach((parameter, i) => {
      const state = this.#states[i];
      if (parameter.grad && state) this.update(parameter, parameter.grad, state, this.#hyperStorage);
    });
  }

  protected abstract update(parameter: Parameter, grad: Tensor, state: ParameterState, hyper: Storage): void;

  zeroGrad(): void {
    for (const parameter of this.parameters) parameter.zeroGrad();
  }

  /** Every state tensor by name: `<parameter index>.<state name>`, as torch's state_dict numbers them. */
  stateDict(): Map<string, Float32Array | Float64Array> {
    const out = new Map<string, Float32Array | Float64Array>();
    this.#states.forEach(({ step, tensors }, i) => {
      out.set(`${i}.step`, step.device.backend.read(step.buffer, new Float64Array(1)));
      for (const [name, { device, storage, size }] of tensors) {
        out.set(`${i}.${name}`, device.backend.read(storage.buffer, new Float32Array(size)));
      }
    });
    return out;
  }

  loadStateDict(values: ReadonlyMap<string, Float32Array | Float64Array | Int32Array>): void {
    this.#states.forEach(({ step, tensors }, i) => {
      const load = (name: string, storage: Storage): void => {
        const value = values.get(`${i}.${name}`);
        if (!value)
          throw new Error(`The optimizer's state lacks ${i}.${name}; it belongs to another optimizer or model.`);
        storage.device.backend.write(storage.buffer, value);
      };
      load("step", step);
      for (const [name, tensor] of tensors) load(name, tensor.storage);
    });
  }
}

function freshState(parameter: Parameter, names: readonly string[]): ParameterState {
  const { device, shape } = parameter;
  return {
    step: device.store(new Float64Array(1)),
    tensors: new Map(
      names.map((name) => [name, new Tensor(device.store(new Float32Array(Math.max(1, elementCount(shape)))), shape)]),
    ),
  };
}
