/** A run's complete spec, made short again: without what it would be anyway. */
import type { Catalogue } from "../service/catalogue.ts";
import { isObject, type JsonObject, listIn, objectIn, textIn } from "./json.ts";
import { fieldsOf } from "./schema.ts";

/** Sizes that follow from what comes before, so that a changed layer takes the next ones along. */
const FOLLOW = new Set(["in_features", "in_channels", "num_features", "input_size"]);

export function withoutStandards(spec: JsonObject, catalogue: Catalogue): JsonObject {
  const settings = trimmed(spec, catalogue.settings_schema);
  return {
    ...settings,
    model: withLayers(objectIn(spec["model"]), catalogue),
    loss: component(spec["loss"], catalogue.losses),
    optimizer: component(spec["optimizer"], catalogue.optimizers),
    ...(isObject(spec["scheduler"]) && { scheduler: component(spec["scheduler"], catalogue.schedulers) }),
  };
}

function withLayers({ layers, init }: JsonObject, catalogue: Catalogue): JsonObject {
  const short = listIn(layers).map((layer) => {
    const { type, layers: inner, ...args } = objectIn(component(layer, catalogue.layers));
    const own = Object.fromEntries(Object.entries(args).filter(([name]) => !FOLLOW.has(name)));
    return { type, ...own, ...(Array.isArray(inner) && withLayers({ layers: inner }, catalogue)) };
  });
  return { layers: short, ...(init !== null && init !== undefined && { init }) };
}

function component(given: unknown, entries: Catalogue["losses"]): unknown {
  const value = objectIn(given);
  const entry = entries.find(({ type }) => type === textIn(value["type"]));
  return entry ? trimmed(value, entry.schema) : given;
}

/** Without nulls and without what is as the schema has it where it is left out. */
function trimmed(value: JsonObject, schema: JsonObject): JsonObject {
  const fields = new Map(fieldsOf(schema).map((field) => [field.name, field]));
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, given]): [string, unknown][] => {
      const field = fields.get(name);
      const own = field?.inner && isObject(given) ? trimmed(given, field.inner) : given;
      return given === null || JSON.stringify(own) === JSON.stringify(field?.standard) ? [] : [[name, own]];
    }),
  );
}
