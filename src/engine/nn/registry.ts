/**
 * The layers that a spec may name, by type. A place of its own, so that layers made of layers (Residual, Sequential) can
 * look up what they hold; nn/index.ts fills it.
 */
import { z } from "zod";
import { ShapeError } from "../shape.ts";
import type { LayerDefinition } from "./definition.ts";
import type { Module } from "./module.ts";

/** A layer's type and its arguments. */
export interface LayerSpec {
  readonly type: string;
  readonly [argument: string]: unknown;
}

const known = new Map<string, LayerDefinition>();

/** Every layer that a spec may name. */
export const layers: ReadonlyMap<string, LayerDefinition> = known;

export function registerLayers(definitions: readonly LayerDefinition[]): void {
  for (const definition of definitions) known.set(definition.type, definition);
}

let schema: z.ZodType<Record<string, unknown>> | undefined;

/** Any layer with its arguments, told apart by `type`. */
export function layerSchema(): z.ZodType<Record<string, unknown>> {
  schema ??= anyOf([...known.values()]).meta({
    id: "Layer",
    description: "A layer by its PyTorch name, with its arguments.",
  });
  return schema;
}

function anyOf(definitions: readonly LayerDefinition[]): z.ZodType<Record<string, unknown>> {
  const [first, ...others] = definitions.map(({ type, summary, args }) =>
    args.extend({ type: z.literal(type) }).meta({ id: type, description: summary }),
  );
  if (first === undefined) throw new Error("No layer is registered.");
  return z.discriminatedUnion("type", [first, ...others]);
}

/** The layer that a resolved spec describes. */
export function buildLayer(spec: Readonly<Record<string, unknown>>): Module {
  const { definition, args } = readSpec(spec);
  return definition.create(args);
}

/** A layer's definition and its arguments with defaults. */
export function readSpec({ type, ...args }: Readonly<Record<string, unknown>>): {
  definition: LayerDefinition;
  args: Record<string, unknown>;
} {
  const definition = known.get(String(type));
  if (!definition) throw new ShapeError(`unknown layer ${JSON.stringify(type)}`, "type");
  return { definition, args: definition.args.parse(args) };
}
