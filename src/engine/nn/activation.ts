/** How an activation becomes a module class and a definition: from its arguments and its formula alone. */
import { z } from "zod";
import { elementCount, type Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { defineLayer, type LayerDefinition } from "./definition.ts";
import { Module } from "./module.ts";
import { inplace } from "./schema.ts";

interface ActivationSource<Schema extends z.ZodObject> {
  summary: string;
  range?: readonly [number, number];
  /** Rough cost of one element. */
  flops?: number;
  /** Throws ShapeError when samples of this shape, with these arguments, can't be computed. */
  check?(args: z.output<Schema>, input: Shape): void;
  f(x: Tensor, args: z.output<Schema>): Tensor;
}

/** An activation as a module class (`new ELU({ alpha: 1 })`) that carries its definition. */
export interface ActivationClass<Schema extends z.ZodObject> {
  new (args?: z.input<Schema>): Module;
  readonly definition: LayerDefinition<Schema>;
}

export const noArgs = z.strictObject({});
export const inplaceOnly = z.strictObject({ inplace });

export function activation<Schema extends z.ZodObject>(
  type: string,
  schema: Schema,
  { summary, range, flops = 1, check, f }: ActivationSource<Schema>,
): ActivationClass<Schema> {
  class Activation extends Module {
    static readonly definition: LayerDefinition<Schema> = defineLayer({
      type,
      summary,
      args: schema,
      ...(range && { range }),
      resolve(args, input) {
        check?.(args, input);
        return { args, output: input, flops: flops * elementCount(input) };
      },
      create: (args) => new Activation(args),
    });
    readonly #args: z.output<Schema>;

    constructor(args: unknown = {}) {
      super();
      this.#args = schema.parse(args);
    }
    forward(x: Tensor): Tensor {
      return f(x, this.#args);
    }
  }
  Object.defineProperty(Activation, "name", { value: type });
  return Activation;
}
