/**
 * Optimizer: what SGD, Adam and the others share. Everything that may change between two steps (learning rate, momentum,
 * step count) lies in device buffers, so that a captured step sees the change.
 */
import type { z } from "zod";
import type { Storage } from "../device.ts";
import type { Parameter } from "../nn/parameter.ts";
import { Tensor } from "../tensor.ts";

export interface OptimizerDefinition<Schema extends z.ZodObject = z.ZodObject> {
  /** PyTorch's class name. */
  readonly type: string;
  readonly summary: string;
  readonly args: Schema;
  /** Where its momentum (or β₁) stands among the instruction's hyperparameters; null if it has none to move. */
  readonly momentumAt: number | null;
  /** Tensors of a parameter's size that it keeps for each parameter. */
  stateTensors(args: z.output<Schema>): number;
  create(parameters: readonly Parameter[], args: z.output<Schema>): Optimizer;
}

export function defineOptimizer<Schema extends z.ZodObject>(
  definition: OptimizerDefinition<Schema>,
): OptimizerDefinition<Schema> {
  return definition;
}

/** What an optimizer keeps for each parameter, by PyTorch's names, with what it starts as. */
export interface StateSpec {
  /** Tensors of the parameter's size. */
  readonly tensors: Readonly<Record<string, number>>;
  /** Numbers beside `step`, which is counted for every parameter and starts at 0. */
  readonly scalars?: Readonly<Record<string, number>>;
}

/** One parameter's state: `scalars` are float64, `step` first. */
export interface ParameterState {
  readonly scalars: Storage;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

export abstract class Optimizer {
  readonly parameters: readonly Parameter[];
  /** Float64 values in the order that the optimizer's instruction wants; the learning rate comes first. */
  readonly #hyper: Float64Array;
  readonly #hyperStorage: Storage;
  readonly #scalarNames: readonly string[];
  readonly #states: readonly ParameterState[];

  constructor(parameters: readonly Parameter[], hyper: readonly number[], state: StateSpec) {
    const [first] = parameters;
    if (!first)
      throw new Error("An optimizer needs at least one parameter, and got none: the model has no weights to train.");
    this.parameters = parameters;
    this.#hyper = Float64Array.from(hyper);
    this.#hyperStorage = first.device.store(this.#hyper);
    this.#scalarNames = ["step", ...Object.keys(state.scalars ?? {})];
    this.#states = parameters.map((parameter) => freshState(parameter, state));
  }

  get lr(): number {
    return this.#hyper[0] ?? 0;
  }
  set lr(rate: number) {
    this.setHyper(0, rate);
  }

  /** Changes one of the values that the instruction reads, counted from the learning rate, which is 0. */
  setHyper(at: number, value: number): void {
    this.#hyper[at] = value;
    const { device, buffer } = this.#hyperStorage;
    device.backend.write(buffer, this.#hyper);
  }

  /** By one instruction: the next row of a table of rates (see the instruction `setRate`). */
  takeRate(table: Storage, at: Storage, momentumAt: number | null): void {
    const { device, buffer } = this.#hyperStorage;
    device.run("setRate", [buffer, at.buffer, table.buffer], [momentumAt ?? -1]);
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
    this.#states.forEach(({ scalars, tensors }, i) => {
      const values = scalars.device.backend.read(scalars.buffer, new Float64Array(this.#scalarNames.length));
      this.#scalarNames.forEach((name, k) => {
        out.set(`${i}.${name}`, values.slice(k, k + 1));
      });
      for (const [name, { device, storage, size }] of tensors) {
        out.set(`${i}.${name}`, device.backend.read(storage.buffer, new Float32Array(size)));
      }
    });
    return out;
  }

  loadStateDict(values: ReadonlyMap<string, Float32Array | Float64Array | Int32Array>): void {
    this.#states.forEach(({ scalars, tensors }, i) => {
      const saved = (name: string): Float32Array | Float64Array | Int32Array => {
        const value = values.get(`${i}.${name}`);
        if (value) return value;
        throw new Error(`The optimizer's state lacks ${i}.${name}; it belongs to another optimizer or model.`);
      };
      const numbers = this.#scalarNames.map((name) => saved(name)[0] ?? Number.NaN);
      scalars.device.backend.write(scalars.buffer, Float64Array.from(numbers));
      for (const [name, { device, storage }] of tensors) device.backend.write(storage.buffer, saved(name));
    });
  }
}

function freshState({ device, shape, size }: Parameter, { tensors, scalars = {} }: StateSpec): ParameterState {
  const made = (value: number): Tensor => {
    const storage = device.allocatePersistent(Math.max(4, size * 4));
    device.run("fill", [storage.buffer], [size, value]);
    return new Tensor(storage, shape);
  };
  return {
    scalars: device.store(Float64Array.of(0, ...Object.values(scalars))),
    tensors: new Map(Object.entries(tensors).map(([name, value]) => [name, made(value)])),
  };
}
