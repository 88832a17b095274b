/** Values that a JSON Schema allows, as fast-check draws them: as much of draft 2020-12 as OpenAPI documents of zod use. */
import fc from "fast-check";
import { anyJson } from "./hostile.ts";

export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

const MAX_DEPTH = 5;
/** Longer ones show nothing more. */
const MAX_ITEMS = 4;

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const schemasOf = (value: unknown): JsonSchema[] => (Array.isArray(value) ? value.filter(isRecord) : []);
const numberOr = <T>(value: unknown, other: T): number | T => (typeof value === "number" ? value : other);

export class SchemaValues {
  readonly #schemas: Readonly<Record<string, unknown>>;

  /** `schemas` are those that references lead to. */
  constructor(schemas: Readonly<Record<string, unknown>>) {
    this.#schemas = schemas;
  }

  of(schema: JsonSchema, depth = 0): fc.Arbitrary<unknown> {
    const reference = schema["$ref"];
    if (typeof reference === "string") {
      const found = this.#schemas[reference.split("/").at(-1) ?? ""];
      return isRecord(found) && depth < MAX_DEPTH + 3 ? this.of(found, depth + 1) : fc.constant(null);
    }
    if ("const" in schema) return fc.constant(schema["const"]);
    if (Array.isArray(schema["enum"])) return fc.constantFrom(...schema["enum"]);
    const choices = [...schemasOf(schema["anyOf"]), ...schemasOf(schema["oneOf"])];
    if (choices.length > 0)
      return this.#withExamples(schema, fc.oneof(...choices.map((one) => this.of(one, depth + 1))));
    const all = schemasOf(schema["allOf"]);
    if (all.length > 0) {
      const parts = fc.tuple(...all.map((one) => this.of(one, depth + 1)));
      return parts.map((values) => (values.every(isRecord) ? Object.assign({}, ...values) : values.at(-1)));
    }
    const types = [schema["type"]].flat().filter((type) => type !== undefined);
    if (types.length === 0) return anyJson;
    return this.#withExamples(schema, fc.oneof(...types.map((type) => this.#ofType(String(type), schema, depth))));
  }

  #withExamples(schema: JsonSchema, values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
    const examples = schema["examples"];
    if (!Array.isArray(examples) || examples.length === 0) return values;
    return fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...examples) }, { weight: 1, arbitrary: values });
  }

  #ofType(type: string, schema: JsonSchema, depth: number): fc.Arbitrary<unknown> {
    switch (type) {
      case "object":
        return this.#object(schema, depth);
      case "array":
        return this.#array(schema, depth);
      case "string":
        return textOf(schema);
      case "integer":
      case "number":
        return numberOf(schema, type === "integer");
      case "boolean":
        return fc.boolean();
      default:
        return fc.constant(null);
    }
  }

  #object(schema: JsonSchema, depth: number): fc.Arbitrary<unknown> {
    const properties = isRecord(schema["properties"]) ? schema["properties"] : {};
    const required = Array.isArray(schema["required"]) ? schema["required"] : [];
    const fields: Record<string, fc.Arbitrary<unknown>> = {};
    for (const [name, property] of Object.entries(properties)) {
      if (isRecord(property) && (depth < MAX_DEPTH || required.includes(name)))
        fields[name] = this.of(property, depth + 1);
    }
    const known = fc.record(fields, { requiredKeys: Object.keys(fields).filter((name) => required.includes(name)) });
    const more = schema["additionalProperties"];
    if (!isRecord(more) || Object.keys(more).length === 0) return known;
    const extra = fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), this.of(more, depth + 1), { maxKeys: 3 });
    return fc.tuple(known, extra).map(([fixed, others]) => ({ ...others, ...fixed }));
  }

  #array(schema: JsonSchema, depth: number): fc.Arbitrary<unknown> {
    const fixed = schemasOf(schema["prefixItems"]);
    if (fixed.length > 0) return fc.tuple(...fixed.map((one) => this.of(one, depth + 1)));
    const least = numberOr(schema["minItems"], 0);
    const most = Math.max(least, Math.min(numberOr(schema["maxItems"], MAX_ITEMS), depth > MAX_DEPTH ? 1 : MAX_ITEMS));
    const items = schema["items"];
    return fc.array(isRecord(items) ? this.of(items, depth + 1) : anyJson, { minLength: least, maxLength: most });
  }
}

function textOf(schema: JsonSchema): fc.Arbitrary<string> {
  const pattern = schema["pattern"];
  if (typeof pattern === "string") return fc.stringMatching(new RegExp(pattern));
  if (schema["format"] === "date-time") return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
  if (schema["format"] === "uri") return fc.webUrl();
  const most = Math.min(numberOr(schema["maxLength"], 20), 40);
  return fc.string({ unit: "grapheme", minLength: Math.min(numberOr(schema["minLength"], 0), most), maxLength: most });
}

function numberOf(schema: JsonSchema, whole: boolean): fc.Arbitrary<number> {
  const low = numberOr(schema["minimum"], numberOr(schema["exclusiveMinimum"], -1e6));
  const high = Math.max(low, numberOr(schema["maximum"], numberOr(schema["exclusiveMaximum"], 1e6)));
  // Small ones are those that a job can be made of.
  const near = Math.min(high, Math.max(low, 0) + 10);
  const values = whole
    ? (max: number) =>
        fc.integer({
          min: Math.ceil(Math.max(low, -(2 ** 31))),
          max: Math.max(Math.ceil(low), Math.floor(Math.min(max, 2 ** 31))),
        })
    : (max: number) => fc.double({ min: low, max: Math.max(low, max), noNaN: true });
  return fc.oneof({ weight: 4, arbitrary: values(near) }, { weight: 1, arbitrary: values(high) });
}
