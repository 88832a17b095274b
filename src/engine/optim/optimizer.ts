/**
 * Optimizer: what SGD, Adam and the others share. Everything that may change between two steps (learning rate, momentum,
 * step count) lies in device buffers, so that a captured step sees the change.
 */
import type { z } from "zod";
import type { Storage } from "../device.ts";
import type { Parameter } from "../nn/parameter.ts";
import { elementCount, type Shape } from "../shape.ts";
import { Tensor } from "../tensor.ts";

export interface OptimizerDefinition<Schema extends z.ZodObject = z.ZodObject> {
  /** PyTorch's class name. */
  readonly type: string;
  readonly summary: string;
  readonly args: Schema;
  /** Where its momentum (or β₁) stands among the instruction's hyperparameters; null if it has none to move. */
  readonly momentumAt: number | null;
  /** Whether it can train a parameter of that shape; left out: any. */
  takes?(shape: Shape): boolean;
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
  /** Tensors of the parameter's size, or of sizes that follow from it. */
  readonly tensors:
    | Readonly<Record<string, number>>
    | ((parameter: Parameter) => Readonly<Record<string, StateTensor>>);
  /** Numbers beside `step`, which is counted for every parameter and starts at 0. */
  readonly scalars?: Readonly<Record<string, number>>;
}

export interface StateTensor {
  readonly shape: Shape;
  /** What every element starts as. */
  readonly value: number;
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

  /** Its state tensors by name: `<parameter index>.<state name>`, as torch's state_dict numbers them. */
  *namedTensors(): Generator<[string, Tensor]> {
    for (const [i, { tensors }] of this.#states.entries()) {
      for (const [name, tensor] of tensors) yield [`${i}.${name}`, tensor];
    }
  }

  /** The numbers that it keeps beside the tensors, parameter by parameter: the step count first. */
  get scalars(): readonly Float64Array[] {
    const length = this.#scalarNames.length;
    return this.#states.map(({ scalars: { device, buffer } }) => device.backend.read(buffer, new Float64Array(length)));
  }
  set scalars(values: readonly Float64Array[]) {
    this.#states.forEach(({ scalars: { device, buffer } }, i) => {
      const own = values[i];
      if (own) device.backend.write(buffer, own);
    });
  }

  /** Scalars under the names that {@link stateDict} gives them. */
  nameScalars(values: readonly Float64Array[]): [string, Float64Array][] {
    return values.flatMap((own, i) =>
      this.#scalarNames.map((name, k): [string, Float64Array] => [`${i}.${name}`, own.slice(k, k + 1)]),
    );
  }

  /** Every state tensor and scalar by name. */
  stateDict(): Map<string, Float32Array | Float64Array> {
    const out = new Map<string, Float32Array | Float64Array>(this.nameScalars(this.scalars));
    for (const [name, { device, storage, size }] of this.namedTensors()) {
      out.set(name, device.backend.read(storage.buffer, new Float32Array(size)));
    }
    return out;
  }

  loadStateDict(values: OptimizerState): void {
    this.scalars = this.scalarsOf(values);
    for (const [name, { device, storage }] of this.namedTensors()) {
      device.backend.write(storage.buffer, saved(values, name));
    }
  }

  /** The scalars in a state dict. */
  scalarsOf(values: OptimizerState): Float64Array[] {
    return this.#states.map((_, i) =>
      Float64Array.from(this.#scalarNames, (name) => saved(values, `${i}.${name}`)[0] ?? Number.NaN),
    );
  }
}

/** As {@link Optimizer.stateDict} gives it and a file keeps it. */
export type OptimizerState = ReadonlyMap<string, Float32Array | Float64Array | Int32Array>;

function saved(values: OptimizerState, name: string): Float32Array | Float64Array | Int32Array {
  const value = values.get(name);
  if (value) return value;
  throw new Error(`The optimizer's state lacks ${name}; it belongs to another optimizer or model.`);
}

function freshState(parameter: Parameter, { tensors, scalars = {} }: StateSpec): ParameterState {
  const { device, shape } = parameter;
  const made = (given: StateTensor): Tensor => {
    const count = elementCount(given.shape);
    const storage = device.allocatePersistent(Math.max(4, count * 4));
    device.run("fill", [storage.buffer], [count, given.value]);
    return new Tensor(storage, given.shape);
  };
  const wanted =
    typeof tensors === "function"
      ? Object.entries(tensors(parameter))
      : Object.entries(tensors).map(([name, value]) => [name, { shape, value }] as const);
  return {
    scalars: device.store(Float64Array.of(0, ...Object.values(scalars))),
    tensors: new Map(wanted.map(([name, given]) => [name, made(given)])),
  };
}
