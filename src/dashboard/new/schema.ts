/** JSON Schemas as the catalogue gives them, read for what a form needs to know of each field. */
import { isObject, type JsonObject, listIn, objectIn, textIn } from "./json.ts";

export type Kind =
  | { readonly type: "flag" }
  | { readonly type: "number"; readonly whole: boolean; readonly min: number | null; readonly max: number | null }
  | { readonly type: "text" }
  | { readonly type: "choice"; readonly of: readonly string[] }
  /** One number or several: a kernel of 3, or of 3 × 5. */
  | { readonly type: "numbers" }
  | { readonly type: "json" };

export interface Field {
  readonly name: string;
  readonly kind: Kind;
  readonly required: boolean;
  readonly description: string;
  /** What it is where it is left out; undefined if that follows from something else. */
  readonly standard: unknown;
  /** The schema of an object; null for what is none. */
  readonly inner: JsonObject | null;
}

/** The fields of an object's schema, those that must be given first. */
export function fieldsOf(schema: JsonObject, without: readonly string[] = []): Field[] {
  const root = resolved(schema, schema);
  const required = new Set(listIn(root["required"]));
  const fields = Object.entries(objectIn(root["properties"])).flatMap(([name, given]): Field[] => {
    if (without.includes(name) || !isObject(given)) return [];
    const own = resolved(given, schema);
    return [
      {
        name,
        kind: kindOf(given, schema),
        required: required.has(name),
        description: textIn(given["description"]) || textIn(own["description"]),
        standard: given["default"] ?? own["default"],
        inner: innerOf(given, schema),
      },
    ];
  });
  return fields.sort((a, b) => Number(b.required) - Number(a.required));
}

function innerOf(given: JsonObject, root: JsonObject): JsonObject | null {
  const own = resolved(given, root);
  const forms = listIn(own["anyOf"]).filter(isObject);
  const [only] = forms.filter(({ type }) => type !== "null");
  if (only && forms.length <= 2) return innerOf(only, root);
  return isObject(own["properties"]) ? { ...own, $defs: root["$defs"] } : null;
}

function kindOf(given: JsonObject, root: JsonObject): Kind {
  const schema = resolved(given, root);
  const forms = listIn(schema["anyOf"])
    .filter(isObject)
    .map((form) => resolved(form, root));
  const real = forms.filter(({ type }) => type !== "null");
  const [only] = real;
  if (real.length === 1 && only) return kindOf(only, root);
  if (real.length > 1) return real.every((form) => isNumbers(form, root)) ? { type: "numbers" } : { type: "json" };
  const choices = listIn(schema["enum"]).filter((value) => typeof value === "string");
  if (choices.length > 0) return { type: "choice", of: choices };
  switch (schema["type"]) {
    case "boolean":
      return { type: "flag" };
    case "integer":
    case "number":
      return { type: "number", whole: schema["type"] === "integer", ...bounds(schema) };
    case "string":
      return { type: "text" };
    case "array":
      return isNumbers(schema, root) ? { type: "numbers" } : { type: "json" };
    default:
      return { type: "json" };
  }
}

const isNumber = ({ type }: JsonObject): boolean => type === "integer" || type === "number";

function isNumbers(schema: JsonObject, root: JsonObject): boolean {
  if (isNumber(schema)) return true;
  const items = [schema["items"], ...listIn(schema["prefixItems"])]
    .filter(isObject)
    .map((item) => resolved(item, root));
  return schema["type"] === "array" && items.length > 0 && items.every(isNumber);
}

function bounds(schema: JsonObject): { min: number | null; max: number | null } {
  const number = (value: unknown) => (typeof value === "number" && Math.abs(value) < 2 ** 53 - 1 ? value : null);
  return { min: number(schema["minimum"]), max: number(schema["maximum"]) };
}

function resolved(schema: JsonObject, root: JsonObject): JsonObject {
  const name = /^#\/\$defs\/(.+)$/.exec(textIn(schema["$ref"]))?.[1];
  return name === undefined ? schema : objectIn(objectIn(root["$defs"])[name]);
}
