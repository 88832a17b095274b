/** Rules by layer type: how each format writes a layer. One table per format, read by whoever walks a model. */
import type { z } from "zod";
import { layers as definitions, type LayerDefinition, type Shape } from "../engine/definitions.ts";
import type { EdgeMode } from "../engine/nn/edges.ts";
import type { Spatial } from "../engine/nn/spatial.ts";

/** A layer of a model, with all that follows from those before it. */
export interface PlacedLayer<Args = Record<string, unknown>> {
  readonly type: string;
  /** Its place, as `state_dict` names begin: `2`, or `2.0` inside of layer 2. */
  readonly name: string;
  readonly args: Args;
  /** Of one sample. */
  readonly input: Shape;
  readonly output: Shape;
}

export type LayerRule<Context, Result> = (layer: PlacedLayer, context: Context) => Result;

/** A rule for one definition, whose arguments it gets with their types. */
export function rule<Context, Result, Schema extends z.ZodObject>(
  definition: LayerDefinition<Schema>,
  write: (layer: PlacedLayer<z.output<Schema>>, context: Context) => Result,
): [type: string, rule: LayerRule<Context, Result>] {
  return [definition.type, (layer, context) => write({ ...layer, args: definition.args.parse(layer.args) }, context)];
}

/** ReflectionPad2d → reflect */
export const edgeMode = (type: string): EdgeMode =>
  type.startsWith("Reflection") ? "reflect" : type.startsWith("Replication") ? "replicate" : "circular";

/** Conv2d → 2 */
export const dimensionsOf = (type: string): Spatial => (type.endsWith("1d") ? 1 : type.endsWith("2d") ? 2 : 3);

/** The layers one after another, each with the shapes that it gets and gives. */
export function placeLayers(
  specs: readonly Readonly<Record<string, unknown>>[],
  input: Shape,
  prefix = "",
): PlacedLayer[] {
  let shape = input;
  return specs.map((spec, i) => {
    const { type, ...given } = spec;
    const definition = definitions.get(String(type));
    if (!definition) throw new Error(`There is no layer ${type}.`);
    const resolved = definition.resolve(definition.args.parse(given), shape);
    const placed = {
      type: definition.type,
      name: `${prefix}${i}`,
      args: resolved.args,
      input: shape,
      output: resolved.output,
    };
    shape = resolved.output;
    return placed;
  });
}
