/**
 * What there is to know of a layer, a loss, an optimizer or a metric, said once. Validation, catalogue, dry run,
 * OpenAPI and exporters read these; the trainer builds from them.
 */
import type { z } from "zod";
import type { Shape } from "../shape.ts";
import type { Module } from "./module.ts";
import type { ParameterSpec } from "./parameter.ts";

/** Arguments with everything that follows from the input filled in, and what comes out. Shapes are of one sample. */
export interface ResolvedLayer<Args> {
  readonly args: Args;
  readonly output: Shape;
  /** Floating-point operations of one sample's forward pass, a multiply-add counted as two. */
  readonly flops: number;
  /**
   * Numbers that one sample's inner values take, the output aside, while it is trained: what is held at once, halved,
   * since every value counts twice with its gradient. For layers that are more than one op.
   */
  readonly innerValues?: number;
  /** Fewest samples that a training batch may have, where that is more than one. */
  readonly smallestBatch?: number;
}

export interface LayerDefinition<Schema extends z.ZodObject = z.ZodObject> {
  /** PyTorch's class name. */
  readonly type: string;
  readonly summary: string;
  /** PyTorch's constructor arguments with its defaults; what follows from the data may be left out. */
  readonly args: Schema;
  /** The argument `layers` holds layers, of which this one is made. */
  readonly holdsLayers?: true;
  /** Smallest and largest value that can come out, where that is known: BCELoss wants [0, 1]. */
  readonly range?: readonly [number, number];
  /** Inputs must be whole numbers from 0 to below this. */
  wholeNumbersBelow?(args: z.output<Schema>): number;
  /** Completes and checks the arguments against the input. Throws ShapeError, naming the argument. */
  resolve(args: z.output<Schema>, input: Shape): ResolvedLayer<z.output<Schema>>;
  /** The trained weights by `state_dict` name. */
  parameters(args: z.output<Schema>): Readonly<Record<string, ParameterSpec>>;
  /** What else `state_dict` holds, such as running statistics. */
  buffers(args: z.output<Schema>): Readonly<Record<string, ParameterSpec>>;
  create(args: z.output<Schema>): Module;
}

/** Gives the literal its types; a layer without weights or arguments needs to say nothing of them. */
export function defineLayer<Schema extends z.ZodObject>(
  definition: Omit<LayerDefinition<Schema>, "parameters" | "buffers"> &
    Partial<Pick<LayerDefinition<Schema>, "parameters" | "buffers">>,
): LayerDefinition<Schema> {
  return { parameters: () => ({}), buffers: () => ({}), ...definition };
}

/** The targets as the data part prepared them: class indices, or values. Shapes are of one sample. */
export interface TargetInfo {
  readonly kind: "index" | "values";
  readonly shape: Shape;
  /** Classes that occur, where known. */
  readonly classes?: number;
  readonly min?: number;
  readonly max?: number;
}

export interface Mistake {
  /** The argument at fault, where one is. */
  readonly field?: string;
  readonly message: string;
}

export interface LossDefinition<Schema extends z.ZodObject = z.ZodObject> {
  readonly type: string;
  readonly summary: string;
  readonly args: Schema;
  /** How targets are encoded for it: class indices (int32), or values (float32) in the output's shape. */
  readonly targets: "index" | "values";
  /** False where outputs are not what targets say, so that no metric can be computed from the two. */
  readonly compares?: false;
  /** For losses over two classes: an output of at least this much means class 1. */
  readonly threshold?: number;
  /** What of the last layer's output (one sample) and the targets does not fit; empty when all does. */
  check(args: z.output<Schema>, output: Shape, target: TargetInfo, outputRange?: readonly [number, number]): Mistake[];
  create(args: z.output<Schema>): Module;
}

export function defineLoss<Schema extends z.ZodObject>(definition: LossDefinition<Schema>): LossDefinition<Schema> {
  return definition;
}
