/** Paths into a spec as mistakes write them: `model.layers[2].out_features`. */
import { isRecord } from "../spec/check-component.ts";

export type PathKey = string | number;

/** null for text that is no path. */
export function parsePath(text: string): PathKey[] | null {
  const keys: PathKey[] = [];
  const part = /(?:^|\.)([A-Za-z_]\w*)|\[(\d{1,6})\]/y;
  while (part.lastIndex < text.length) {
    const at = part.lastIndex;
    const found = part.exec(text);
    // A path begins with a name.
    if (!found || (at === 0 && found[1] === undefined)) return null;
    keys.push(found[1] ?? Number(found[2]));
  }
  return keys.length === 0 ? null : keys;
}

/** Whether one of two paths leads through the other, or both are the same. */
export const overlap = (a: readonly PathKey[], b: readonly PathKey[]): boolean =>
  a.slice(0, b.length).every((key, i) => key === b[i]);

/** A copy of `spec` with the value at a path; all else is shared. A string for the place where it leads nowhere. */
export function withValue(
  spec: unknown,
  path: readonly PathKey[],
  value: unknown,
): { readonly spec: unknown } | { readonly lost: string } {
  const [key, ...rest] = path;
  if (key === undefined) return { spec: value };
  if (typeof key === "number") {
    if (!Array.isArray(spec)) return { lost: "is no list" };
    if (key >= spec.length) return { lost: `has ${spec.length} entries, counted from 0` };
    const inner = withValue(spec[key], rest, value);
    return "lost" in inner ? inner : { spec: spec.with(key, inner.spec) };
  }
  // `"optimizer": "Adam"` is short for { "type": "Adam" }.
  const object = typeof spec === "string" ? { type: spec } : (spec ?? {});
  if (!isRecord(object)) return { lost: "is no object" };
  const inner = withValue(object[key], rest, value);
  return "lost" in inner ? inner : { spec: { ...object, [key]: inner.spec } };
}
