/** How the fields of a state hash are written as strings and read back. */
import { z } from "zod";
import { stringifyFigures } from "./nonfinite-json.ts";

/** Flat field, value, field, value … as HSET takes them: objects as JSON. */
export function encodeFields(fields: object): string[] {
  return Object.entries(fields).flatMap(([field, value]) => [
    field,
    typeof value === "object" ? stringifyFigures(value) : String(value),
  ]);
}

export const json = <T extends z.ZodType>(schema: T) => z.string().transform((text) => schema.parse(JSON.parse(text)));

/** `without`: the JSON of what holds where the field is missing. */
export const jsonOr = <T extends z.ZodType>(without: string, schema: T) =>
  z.string().default(without).pipe(json(schema));

export const orNull = <T extends z.ZodType>(schema: T) => schema.optional().transform((value) => value ?? null);

export const flag = z
  .string()
  .optional()
  .transform((value) => value === "1");
