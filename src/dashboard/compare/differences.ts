/** What differs between specs: each field by its path, with its value in each. */

export type Value = string | number | boolean | null;

export interface Difference {
  readonly path: string;
  /** In the order of the specs; undefined where one has no such field. */
  readonly values: readonly (Value | undefined)[];
}

/** Long lists and texts say nothing in a table: they count as equal if they are, and are shown by their beginning. */
const LONGEST = 60;

export function differencesOf(specs: readonly object[]): Difference[] {
  const fields = specs.map((spec) => new Map(flatten(spec, "")));
  const paths = new Set(fields.flatMap((field) => [...field.keys()]));
  return [...paths]
    .map((path) => ({ path, values: fields.map((field) => field.get(path)) }))
    .filter(({ values }) => values.some((value) => value !== values[0]));
}

function* flatten(value: unknown, path: string): Generator<[string, Value]> {
  if (Array.isArray(value) && value.every((item) => typeof item !== "object" || item === null)) {
    yield [path, shorten(JSON.stringify(value))];
  } else if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) yield* flatten(item, `${path}[${i}]`);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, field] of Object.entries(value)) yield* flatten(field, path === "" ? key : `${path}.${key}`);
  } else if (typeof value === "string") yield [path, value];
  else if (typeof value === "number" || typeof value === "boolean" || value === null) yield [path, value];
}

/** Different texts stay different. */
function shorten(text: string): string {
  if (text.length <= LONGEST) return text;
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) | 0;
  return `${text.slice(0, LONGEST)}… (${text.length} characters, ${(hash >>> 0).toString(36)})`;
}
