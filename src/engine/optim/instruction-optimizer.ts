/** An optimizer whose step is one instruction: all of them but SGD and Adam need no more than their table entry. */
import type { z } from "zod";
import type { Storage } from "../device.ts";
import type { InstructionName } from "../instructions.ts";
import type { Parameter } from "../nn/parameter.ts";
import type { Tensor } from "../tensor.ts";
import {
  defineOptimizer,
  Optimizer,
  type OptimizerDefinition,
  type ParameterState,
  type StateSpec,
} from "./optimizer.ts";

export interface OptimizerSource<Schema extends z.ZodObject> {
  readonly type: string;
  readonly summary: string;
  readonly args: Schema;
  readonly instruction: InstructionName;
  /** In the order that the instruction wants, the learning rate first. */
  hyper(args: z.output<Schema>): readonly number[];
  /** In the order of the instruction's buffers; null where the instruction does not touch one. */
  state(
    args: z.output<Schema>,
  ): { readonly tensors: readonly (readonly [name: string, initial: number] | null)[] } & Pick<StateSpec, "scalars">;
  flags(args: z.output<Schema>): number;
  readonly momentumAt: number | null;
}

/** An optimizer class (`new RMSprop(parameters, { lr: 0.01 })`) that carries its definition. */
export interface OptimizerClass<Schema extends z.ZodObject> {
  new (parameters: readonly Parameter[], options?: z.input<Schema>): Optimizer;
  readonly definition: OptimizerDefinition<Schema>;
}

export function instructionOptimizer<Schema extends z.ZodObject>(
  source: OptimizerSource<Schema>,
): OptimizerClass<Schema> {
  class InstructionOptimizer extends Optimizer {
    static readonly definition: OptimizerDefinition<Schema> = defineOptimizer({
      type: source.type,
      summary: source.summary,
      args: source.args,
      momentumAt: source.momentumAt,
      stateTensors: (args) => source.state(args).tensors.filter((entry) => entry !== null).length,
      create: (parameters, args) => new InstructionOptimizer(parameters, args),
    });
    readonly #flags: number;
    /** Names in the order of the instruction's buffers. */
    readonly #order: readonly (string | undefined)[];

    constructor(parameters: readonly Parameter[], options: unknown = {}) {
      const args = source.args.parse(options);
      const { tensors, scalars } = source.state(args);
      const kept = tensors.filter((entry) => entry !== null);
      super(parameters, source.hyper(args), { tensors: Object.fromEntries(kept), ...(scalars && { scalars }) });
      this.#flags = source.flags(args);
      this.#order = tensors.map((entry) => entry?.[0]);
    }

    protected override update(
      { device, storage, size }: Parameter,
      grad: Tensor,
      { scalars, tensors }: ParameterState,
      hyper: Storage,
    ): void {
      const param = storage.buffer;
      const state = this.#order.map((name) => tensors.get(name ?? "")?.storage.buffer ?? param);
      const buffers = [param, ...state, scalars.buffer, grad.storage.buffer, hyper.buffer];
      device.run(source.instruction, buffers, [size, this.#flags]);
    }
  }
  Object.defineProperty(InstructionOptimizer, "name", { value: source.type });
  return InstructionOptimizer;
}
